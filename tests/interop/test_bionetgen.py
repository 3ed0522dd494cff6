"""BioNetGen networks: what they mean here, and what is refused."""

import contextlib
import random
import resource
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interop.propensities import capped

from crnlang.compiler import compile_text
from crnlang.interop.bionetgen import read_net
from crnlang.interop.refused import NotRepresentedError
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.network import Delta
from crnlang.ir.writer import write_program

NET = """# Created by BioNetGen
begin parameters
  1 NA   10       # Constant
  2 k    0.3*NA^2 # ConstantExpression
  3 n0   NA/2
end parameters
begin functions
  1 law() k2()/(1+t)
  2 k2() if(time()>1, k, 2*k)
end functions
begin species
  1 A() n0
  2 B(a!1,b~P).B(a!1) 3
  3 $S() 4
  4 Null() 0
end species
begin reactions
  1 1,1 2 0.5*k #dimer
  2 1,2,3 3 law #catalysed by what stays
  3 0 1 k
  4 2 0 2*k
end reactions
begin groups
  1 t 1,2*2
  2 A 1
end groups
"""


def propensity(network, place, counts, t=0.0):
    reaction = network.reactions[place]
    local = [float(counts[v]) for v in reaction.variables]
    values = [p.value for p in network.parameters]
    return float(evaluate_float64(reaction.propensity, local, values, t))


@given(
    st.tuples(*[st.integers(0, 30)] * 4),
    st.floats(0, 3).filter(lambda t: abs(t - 1) > 1e-9),
)
def test_rates_are_those_of_the_format(counts, t):
    a, b, s, _ = counts
    network = read_net(NET, "m.net").network
    k = 30.0
    law = (k if t > 1 else 2 * k) / (1 + a + 2 * b)
    wanted = [0.5 * k * a * max(a - 1, 0), law * a * b * s, k, 2 * k * b]
    found = [propensity(network, i, counts, t) for i in range(4)]
    assert found == pytest.approx(wanted)


def test_the_network_of_the_file():
    found = read_net(NET, "dir/m.net")
    network = found.network
    assert network.name == "m"
    assert [one.initial for one in network.species] == [Delta(n) for n in (5, 3, 4, 0)]
    assert found.renamed == (
        ("B(a!1,b~P).B(a!1)", "B_a_1_b_P_B_a_1"),
        ("t", "t_"),
    )
    changes = [
        {
            network.species[v].name: c
            for v, c in zip(r.variables, r.net_change, strict=True)
        }
        for r in network.reactions
    ]
    dimer = "B_a_1_b_P_B_a_1"
    assert changes[0] == {"A": -2, dimer: 1}
    assert changes[1] == {"A": -1, dimer: -1, "S": 0}
    assert [one.name for one in network.observables] == ["t_", "k2", "law"]


def test_what_is_written_means_the_same():
    network = read_net(NET.replace("law #", "2*k #"), "m.net").network
    text = write_program(capped(network, {"": 9}))
    again = compile_text(text).network
    assert again.reactions == network.reactions
    assert again.observables == network.observables


def test_everything_that_is_wrong_is_told_with_its_line():
    text = NET.replace("n0   NA/2", "n0   NA/4").replace("law #", "Sat k n0 #")
    text = text.replace("1 0.5*k", "1 oops").replace("4 2 0 2*k", "4 9 0 2*kk")
    text = text.replace("2*2\n", "2*8\n").replace("0.5*k #", "nope #")
    with pytest.raises(NotRepresentedError) as error:
        read_net(text, "m.net")
    assert str(error.value) == (
        "m.net:12: error: species 1: the start is 2.5: copy numbers are whole; "
        "`--round` takes the nearest\n"
        "m.net:18: error: reaction 1: unknown name `nope`\n"
        "m.net:19: error: reaction 2: a rate law `Sat` is not read: write it as a "
        "function in BNGL\n"
        "m.net:21: error: reaction 4: there is no species 9\n"
        "m.net:24: error: group 1: there is no species 8\n"
        "\n5 errors"
    )


def test_starts_are_rounded_only_if_asked_to():
    found = read_net(NET.replace("NA/2", "NA/4"), "m.net", is_rounded=True)
    assert found.network.species[0].initial == Delta(2)
    assert found.notes == ("A starts at 2, rounded from 2.5",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "begin species\n1 A() 1\n",
        "begin nonsense\nend nonsense\n",
        "end species\n",
        NET.replace("0.5*k", "(" * 5000 + "k" + ")" * 5000),
        NET.replace("0.5*k", "1/0"[:2] + "@"),
        NET.replace("k2()/(1+t)", "law()+1"),
        NET.replace("  1 NA   10", "  1 NA   10\n  1 NA 3"),
        NET.replace("1 A() n0", "1 A() n0\n  1 C() 2"),
        NET.replace("0.3*NA^2", "1/0"),
        NET.replace("2*k\n", "1e999*k\n"),
        NET.replace("1,2*2", "1," + "9" * 400 + "*2"),
        NET.replace("0.3*NA^2", "asin(NA)"),
    ],
)
def test_damaged_files_are_refused_with_a_sentence(text):
    with pytest.raises(NotRepresentedError, match="error: "):
        read_net(text, "m.net")


@given(st.data())
def test_damage_never_crashes(data):
    start = data.draw(st.integers(0, len(NET)))
    end = data.draw(st.integers(start, min(len(NET), start + 20)))
    text = NET[:start] + data.draw(st.text(max_size=8)) + NET[end:]
    with contextlib.suppress(NotRepresentedError):
        read_net(text, "m.net")


def write_large(path):
    """A network of 2000 species and 10 000 reactions drawn at random."""
    draw = random.Random(0)
    species = [f"{i} X(s~{i}) 1" for i in range(1, 2001)]
    reactions = []
    for i in range(1, 10_001):
        a, b, c, d = (draw.randint(1, 2000) for _ in range(4))
        reactions.append(f"{i} {a},{b} {c},{d} {draw.randint(1, 4)}*k")
    lines = ["begin parameters", "1 k 2", "end parameters", "begin species", *species]
    lines += ["end species", "begin reactions", *reactions, "end reactions"]
    path.write_text("\n".join(lines))


def test_ten_thousand_reactions_in_seconds(tmp_path):
    write_large(tmp_path / "big.net")
    command = [sys.executable, "-m", "crnlang", "import", "big.net", "--cap", "9"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    # a process of its own: types are not checked at every call there
    subprocess.run([*command, "-o", "big.crn"], cwd=tmp_path, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert after - before < 10  # seconds of computing, checks of the network included
    assert (tmp_path / "big.crn").read_text().count("\nr") == 10_000


def test_mass_action_is_recognised():
    network = read_net(NET, "m.net").network
    assert [one.rate is not None for one in network.reactions] == [
        *(True, False, True, True)
    ]
    assert np.array_equal([sum(one.orders) for one in network.reactions], [2, 3, 0, 1])
