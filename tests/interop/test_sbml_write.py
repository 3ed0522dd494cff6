"""Networks as SBML: the same when read back, and the same to another simulator."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("libsbml", reason="SBML needs python-libsbml: crnlang[sbml]")

import libsbml
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from interop.propensities import fires, fixed, rates
from interop.whole_networks import whole_networks

from crnlang.compiler import compile_file, compile_text
from crnlang.interop.refused import NotRepresentedError
from crnlang.interop.sbml import read_sbml
from crnlang.interop.sbml_write import write_sbml
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.network import Observable
from crnlang.testing import expressions, networks

EXAMPLES = Path(__file__).parents[2] / "examples"
EVENTS = """crn 1
massaction binomial
param k = 0.5, m = 2
species A in 0..9 = 4
species B in 0..9
pair: 2 A <-> B @ k, m
odd: 0 -> A @ propensity((A > 2)*k + (B < 1 and not (A == 1)))
event at 2: k = m/8, A = min(B + 1, 9), B = A
event at 3.5: k = 2*k
observe total = A + 2*B
set many = A > 3
query prob(many, at=4)
solve main with fsp { t = 0..4 }
"""


def again(network):
    return read_sbml(write_sbml(network, "m.crn")[0], "m.xml").network


@given(networks().map(fixed), st.data())
def test_import_export_import_is_import(network, data):
    first = again(network)
    second = again(first)
    assert second == first
    counts = data.draw(st.tuples(*[st.integers(0, 6)] * len(network.species)))
    t = data.draw(st.sampled_from([0.0, 0.37, 2.9]))
    assert fires(first, counts, t) == pytest.approx(fires(network, counts, t))
    # and nothing is left to the firing rule: elsewhere there is none
    assert rates(first, counts, t) == pytest.approx(fires(network, counts, t))


@given(whole_networks(), st.data())
def test_events_and_observables_of_any_network_survive(network, data):
    first = again(network)
    assert again(first) == first
    assert [one.variables for one in first.triggers] == [
        one.variables for one in network.triggers
    ]
    assert [(one.time, one.species) for one in first.count_changes] == [
        (one.time, one.species) for one in network.count_changes
    ]
    counts = data.draw(st.tuples(*[st.integers(0, 6)] * len(network.species)))
    assert quantities(first, counts) == pytest.approx(
        quantities(network, counts), nan_ok=True
    )


def quantities(network, counts):
    """What events and observables make of a state, in the order of the network."""
    local = [float(count) for count in counts]
    values = [one.value for one in network.parameters]
    exprs = [(one.value, local) for one in network.observables]
    exprs += [
        (one.value, [local[v] for v in one.reads]) for one in network.count_changes
    ]
    for trigger in network.triggers:
        exprs += [(one, local) for one in (trigger.condition, *trigger.values)]
    return [float(evaluate_float64(expr, read, values, 0.37)) for expr, read in exprs]


@given(expressions(slots=1, parameters=1))
def test_every_expression_can_be_written(expr):
    network = compile_text(
        "crn 1\nparam k = 2\nspecies A in 0..9 = 1\nA -> 0 @ k\n"
    ).network
    observable = Observable("o", expr, network.species[0].span)
    network = replace(network, observables=(observable,))
    first = again(network)
    assert again(first) == first


def test_events_and_observables():
    network = compile_text(EVENTS, "m.crn").network
    text, notes = write_sbml(network, "m.crn")
    first = read_sbml(text, "m.xml").network
    assert [one.time for one in first.count_changes] == [2, 2]
    assert [one.name for one in first.observables] == ["total"]
    for t in (0, 1.9, 2, 3.4, 3.5, 9):
        assert fires(first, (5, 3), t) == pytest.approx(fires(network, (5, 3), t))
    assert notes == [
        "the caps of A, B are left out: there reactions fire beyond them",
        "`set` is left out: many",
        "`query` is left out: prob_many",
        "`solve` is left out: main",
    ]


@given(networks().map(fixed))
@settings(max_examples=10)
def test_libsbml_finds_it_valid(network):
    document = libsbml.readSBMLFromString(write_sbml(network, "m.crn")[0])
    document.checkConsistency()
    assert document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) == 0


def test_what_sbml_cannot_hold_is_refused():
    text = (
        "crn 1\nlattice grid(3)\nspecies X in 0..9 per site ~ poisson(1)\nX -> 0 @ 1\n"
    )
    with pytest.raises(NotRepresentedError) as error:
        write_sbml(compile_text(text, "m.crn").network, "m.crn")
    assert str(error.value) == (
        "m.crn: error: lattice: the core of SBML has no lattice: "
        "write one well-mixed site\n"
        "m.crn:3: error: species `X`: the core of SBML has no random start: "
        "write a fixed one\n"
        "\n2 errors"
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["toggle_switch", "mapk_cascade", "events"])
def test_another_simulator_has_the_same_propensities(name, seed):
    roadrunner = pytest.importorskip(
        "roadrunner", reason="needs the other simulator: `pip install libroadrunner`"
    )
    if name == "events":
        network = compile_text(EVENTS, "m.crn").network
    else:
        network = compile_file(EXAMPLES / f"{name}.crn").network
    model = roadrunner.RoadRunner(write_sbml(network, "m.crn")[0])
    draw = np.random.default_rng(seed)
    names = [one.name for one in network.species]
    for _ in range(20):
        counts = draw.integers(0, 8, len(names)).tolist()
        wanted = fires(network, counts, 0.0)
        assert rates_there(model, names, counts) == pytest.approx(wanted, rel=1e-12)


def rates_there(model, names, counts):
    """The propensities of the other simulator, by name."""
    for species, count in zip(names, counts, strict=True):
        model[species] = float(count)
    ids, values = model.model.getReactionIds(), model.model.getReactionRates()
    return dict(zip(ids, values, strict=True))


@settings(max_examples=20)
@given(networks().map(fixed), st.data())
def test_another_simulator_has_the_same_propensities_of_any_network(network, data):
    roadrunner = pytest.importorskip(
        "roadrunner", reason="needs the other simulator: `pip install libroadrunner`"
    )
    model = roadrunner.RoadRunner(write_sbml(network, "m.crn")[0])
    names = [one.name for one in network.species]
    for _ in range(5):
        counts = data.draw(st.tuples(*[st.integers(0, 9)] * len(names)))
        wanted = list(fires(network, counts, 0.0).values())
        found = list(rates_there(model, names, counts).values())
        assert found == pytest.approx(wanted, rel=1e-9)
