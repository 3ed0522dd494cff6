"""SBML: what each element means here, and what is refused."""

import pytest

pytest.importorskip("libsbml", reason="SBML needs python-libsbml: crnlang[sbml]")

import libsbml
from interop.propensities import capped, rates
from interop.sbml_texts import (
    event,
    function,
    model,
    parameter,
    reaction,
    rule,
    species,
)
from interop.sbml_texts import start as initial

from crnlang.compiler import compile_text
from crnlang.interop.refused import NotRepresentedError
from crnlang.interop.sbml import read_sbml
from crnlang.ir.network import Delta
from crnlang.ir.writer import write_program


def read(text, **options):
    return read_sbml(text, "m.xml", **options)


def starts(network):
    return {one.name: one.initial for one in network.species}


def refusals(text):
    with pytest.raises(NotRepresentedError) as error:
        read(text)
    return [f"{fault.element}: {fault.reason}" for fault in error.value.faults]


def test_laws_are_propensities_in_amounts_or_concentrations():
    text = model(
        kinds=species("A", "6")
        + species("B", None, initialConcentration="4", hasOnlySubstanceUnits="false"),
        parameters=parameter("k", "3"),
        reactions=reaction("r", {"A": 2}, {"B": 1}, "k*A*A*B*C", modifiers=("B",))
        + reaction(
            "s", {"B": 1}, {}, "k*B", local='<localParameter id="k" value="5"/>'
        ),
    )
    network = read(text).network
    assert starts(network) == {"A": Delta(6), "B": Delta(8)}
    assert rates(network, (7, 9)) == {
        "r": pytest.approx(3 * 7 * 7 * (9 / 2) * 2),
        "s": pytest.approx(5 * 9 / 2),
    }
    assert [one.name for one in network.parameters] == ["k", "C", "s_k"]


def test_species_that_reactions_do_not_change_are_constants():
    text = model(
        kinds=species("A", "6")
        + species("B", "0.5", boundaryCondition="true")
        + species("K", "1.5", constant="true", boundaryCondition="true"),
        reactions=reaction("r", {"A": 1, "B": 1}, {"K": 1}, "A*B*K"),
    )
    network = read(text).network
    assert starts(network) == {"A": Delta(6)}
    assert [(one.name, one.value) for one in network.parameters] == [
        ("B", 0.5),
        ("K", 1.5),
    ]
    assert rates(network, (4,)) == {"r": 3.0}
    assert network.reactions[0].net_change == (-1,)


def test_rules_starts_and_functions():
    text = model(
        functions=function("sq", "lambda(x, x*x)")
        + function("four", "lambda(y, sq(sq(y)))"),
        kinds=species("A", None) + species("y", None),
        parameters=parameter("k", None) + parameter("twice", None, "false"),
        starts=initial("A", "k + 1") + initial("k", "four(2)"),
        rules=rule("twice", "2*y") + rule("y", "A + time"),
        reactions=reaction("r", {"A": 1}, {}, "A*twice"),
    )
    network = read(text).network
    assert starts(network) == {"A": Delta(17)}
    assert [one.name for one in network.observables] == ["twice", "y"]
    assert rates(network, (5,), t=3) == {"r": 5 * 2 * (5 + 3)}
    assert "observe twice = 2 * (A + t)\n" in write_program(network)


def test_reversible_laws_are_two_channels():
    text = model(
        kinds=species("A", "6") + species("B"),
        reactions=reaction("r", {"A": 1}, {"B": 1}, "C*(3*A - B)", reversible="true"),
    )
    found = read(text)
    assert rates(found.network, (5, 7)) == {"r": 30.0, "r_rev": 14.0}
    assert found.notes == ("r: its law a - b is read as two reactions",)
    assert found.network.reactions[1].net_change == (-1, 1)


def test_events_at_fixed_times():
    text = model(
        kinds=species("A", "6") + species("B", "1", hasOnlySubstanceUnits="false"),
        parameters=parameter("k", "8", "false")
        + parameter("at")
        + parameter("kk", None, "false"),
        rules=rule("kk", "k + 1"),
        reactions=reaction("r", {"A": 1}, {}, "kk*A"),
        events=event("e", "time >= at + 1", {"k": "kk/3", "A": "A + 1"})
        + event("f", "5 < time", {"k": "k*10", "B": "B + time"})
        + event("g", "time > 1", {"k": "k + 1"}, delay="3", use="false"),
    )
    network = read(text).network
    # 8, from 2 on 3, from 4 on 4, from 5 on 40; and kk is one more
    found = [rates(network, (1, 0), t)["r"] for t in (0, 1.9, 2, 3.9, 4, 4.9, 5, 9)]
    assert found == [9, 9, 4, 4, 5, 5, 41, 41]
    assert [(one.time, one.species) for one in network.count_changes] == [
        (2, 0),
        (5, 1),
    ]
    lines = write_program(network).splitlines()
    assert "event at 2: A = A + 1" in lines
    assert "event at 5: B = (B / C + 5) * C" in lines


def test_names_that_the_language_reserves():
    text = model(
        kinds=species("t", "6") + species("query", "1"),
        parameters=parameter("hill") + parameter("r"),
        reactions=reaction("set", {"t": 1}, {"query": 2}, "hill*r*t"),
    )
    found = read(text)
    assert ("t", "t_") in found.renamed
    assert "set_: t_ -> 2 query_ @ hill_ * r\n" in write_program(found.network)


def test_everything_that_is_refused_is_told_with_its_line():
    text = model(
        kinds=species("A", "6.5") + species("B", None) + species("D", "1"),
        parameters=parameter("x", "1", "false") + parameter("none", None),
        rules=rule("x", "A", "rate"),
        reactions=reaction("r", {"A": 1.5}, {}, "A")
        + reaction("s", {"A": 1}, {}, "arcsin(A)")
        + reaction("u", {"A": 1}, {}, "none*A")
        + reaction("v", {"D": 1}, {}, "r*D"),
        events=event("e", "D > 5", {"k": "0"}) + event("f", "time >= 0", {"A": "0"}),
    )
    with pytest.raises(NotRepresentedError) as error:
        read(text)
    assert str(error.value) == (
        "m.xml:7: error: species `A`: the start is 6.5: copy numbers are whole; "
        "`--round` takes the nearest\n"
        "m.xml:8: error: species `B`: it has no initial amount\n"
        "m.xml:16: error: rate rule `x`: a rate rule is not stochastic: "
        "write reactions instead\n"
        "m.xml:22: error: reaction `r`: `A` stands 1.5 times: not whole\n"
        "m.xml:31: error: reaction `s`: the language has no `arcsin`\n"
        "m.xml:43: error: reaction `u`: `none` has no value\n"
        "m.xml:56: error: reaction `v`: `r` is no species, parameter or compartment\n"
        "m.xml:71: error: event `e`: it changes `k`, which is no copy number\n"
        "m.xml:82: error: event `f`: its trigger turns true at 0: every event of the "
        "language is above 0\n"
        "\n9 errors"
    )


@pytest.mark.parametrize("unit", ["mole", "kilogram"])
def test_amounts_that_count_no_molecules_are_refused(unit):
    text = model(
        kinds=species("A", "6"),
        reactions=reaction("r", {"A": 1}, {}, "A"),
        attributes=f'substanceUnits="{unit}"',
    )
    assert refusals(text) == [
        f"substanceUnits: amounts in `{unit}`: write copy numbers, in the unit `item`"
    ]


def test_level_2_is_read_alike():
    text = model(
        functions=function("f", "lambda(x, 2*x)"),
        kinds=species("A", "6") + species("B", "4", hasOnlySubstanceUnits="false"),
        parameters=parameter("k", "3") + parameter("y", None, "false"),
        rules=rule("y", "f(A)"),
        reactions=reaction("r", {"A": 1}, {"B": 2}, "k*A*y")
        + reaction(
            "s", {"B": 1}, {}, "q*B", local='<localParameter id="q" value="5"/>'
        ),
        events=event("e", "time >= 2", {"A": "A + 1"}),
    )
    document = libsbml.readSBMLFromString(text)
    assert document.setLevelAndVersion(2, 4, False)
    old = libsbml.writeSBMLToString(document)
    assert 'level="2"' in old
    assert read(old).network == read(text).network


def test_no_unit_is_a_note():
    text = model(kinds=species("A", "6"), attributes="")
    assert read(text).notes == (
        "no unit of substance is given: amounts are taken as copy numbers",
    )


def test_circles_are_refused():
    text = model(
        parameters=parameter("a", None, "false") + parameter("b", None, "false"),
        rules=rule("a", "b + 1") + rule("b", "a + 1"),
    )
    assert any("circle" in one or "valid" in one for one in refusals(text))


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("piecewise(2, A > 3, 5)", 2.0),
        ("root(3, 8)*sqrt(4) + ln(exp(2)) + log10(100)", 8.0),
        ("A < 5 && 1 < A || false", 1.0),
        ("xor(true, A > 3, true)", 1.0),
        ("abs(floor(-1.5)) + ceil(0.2) + sinh(0) + sec(0) - cosh(0)", 3.0),
        ("-2^2 + 2^3^1 + A/2/2", 5.0),
        ("max(1, A, 3) + min(7, 5)", 9.0),
        ("plus() + times() + pi/pi + 1e1 + 3", 15.0),
        ("implies(A > 100, false)", 1.0),
    ],
)
def test_formulas(formula, value):
    text = model(
        kinds=species("A", "4"), reactions=reaction("r", {"A": 1}, {}, formula)
    )
    assert rates(read(text).network, (4,))["r"] == pytest.approx(value)


def test_very_long_sums_can_be_written():
    many = "<ci>A</ci>" * 1000
    text = model(kinds=species("A", "1"), reactions=reaction("r", {"A": 1}, {}, "A+k"))
    text = text.replace("<ci> k </ci>", many)
    network = capped(read(text).network, {"": 9})
    assert rates(network, (2,))["r"] == 2002
    assert compile_text(write_program(network)).network.reactions == network.reactions
