"""Networks as BioNetGen files: the same when read back, or refused."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from interop.propensities import fires, fixed, rates

from crnlang.compiler import compile_text
from crnlang.interop.bionetgen import read_net
from crnlang.interop.bionetgen_write import write_net
from crnlang.interop.refused import NotRepresentedError
from crnlang.testing import networks

MODEL = """crn 1
massaction binomial
param k = 0.5, m = 2
species A in 0..9 = 4
species B in 0..9
pair: 2 A <-> B @ k, m
odd: 0 -> A @ propensity(if(t < 1 and not (A == 1), k, hill(B, m, 2, 2)))
grow: B -> 2 B @ propensity(ln2*B/(A + 1))
twice: A -> 0 @ 2*k
event at 2: k = m/8
observe total = A + 2*B
observe odd_one = log(A + 1)
"""


def again(network):
    return read_net(write_net(network, "m.crn")[0], "m.net").network


@given(networks().map(fixed), st.data())
def test_import_export_import_is_import(network, data):
    try:
        first = again(network)
    except NotRepresentedError:
        assume(False)
        raise
    assert again(first) == first
    counts = data.draw(st.tuples(*[st.integers(0, 6)] * len(network.species)))
    t = data.draw(st.sampled_from([0.0, 0.37, 2.9]))
    found = list(rates(first, counts, t).values())
    assert found == pytest.approx(list(fires(network, counts, t).values()))


def test_the_file():
    text = MODEL.replace("ln2", "0.7")
    network = compile_text(text, "m.crn").network
    first = again(network)
    for t in (0, 0.9, 1, 1.9, 2, 5):
        for counts in ((0, 0), (1, 3), (5, 2)):
            found = list(rates(first, counts, t).values())
            assert found == pytest.approx(list(fires(network, counts, t).values()))
    written, notes = write_net(network, "m.crn")
    assert "  1 A() 4\n" in written
    assert "  1 1,1 2 _law_pair #pair\n" in written
    assert "total 1,2*2\n" in written
    assert notes == ["the caps of A, B are left out: there reactions fire beyond them"]


def test_what_the_format_cannot_hold_is_refused():
    text = """crn 1
massaction power
species A in 0..9 ~ uniform(1, 2)
a: 2 A -> 0 @ 1
b: A -> 0 @ propensity(A/(A + 1) + A)
event at 2: A = 0
"""
    with pytest.raises(NotRepresentedError) as error:
        write_net(compile_text(text, "m.crn").network, "m.crn")
    factor = (
        "a BioNetGen network multiplies n (n - 1) ... of the reactants to every rate; "
        "this propensity does not have that factor"
    )
    assert str(error.value) == (
        "m.crn:3: error: species `A`: BioNetGen has no random start: "
        "write a fixed one\n"
        f"m.crn:4: error: reaction `a`: {factor}\n"
        f"m.crn:5: error: reaction `b`: {factor}\n"
        "m.crn:6: error: event: a BioNetGen network has no events\n"
        "\n4 errors"
    )
