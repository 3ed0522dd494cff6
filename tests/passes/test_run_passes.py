"""What every lowered network satisfies, and the single passes by example."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import lowered_networks, networks

from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Call, Count, Function, call, number, slots_of
from crnlang.passes.fold import fold
from crnlang.testing import lower


def lowered_of(text):
    return compile_text("crn 1\n" + text).lowered


def rates_between(families, parameters, states, t):
    """Total propensity of each change vector at each state, over the whole box."""
    totals = {}
    for family in families:
        (variables,) = family.variables.tolist()
        change = np.zeros(states.shape[1], dtype=int)
        np.add.at(change, variables, family.net_change)
        columns = [states[:, v].astype(float) for v in variables]
        values = evaluate_float64(family.propensity, columns, parameters, t)
        key = tuple(change.tolist())
        totals[key] = totals.get(key, 0.0) + np.broadcast_to(values, len(states))
    return totals


def box(caps):
    return np.array(list(itertools.product(*(range(c + 1) for c in caps))))


@given(networks(), st.sampled_from([0.0, 0.7, 2.0]))
def test_families_have_the_propensities_of_the_reactions(network, t):
    lowered = lower(network)
    states = box(lowered.space.caps)
    found = rates_between(lowered.families, lowered.parameters, states, t)
    assert len(found) == len(lowered.families)
    expected = {}
    for reaction in network.reactions:
        change = np.zeros(len(network.species), dtype=int)
        np.add.at(change, list(reaction.variables), reaction.net_change)
        columns = [states[:, v].astype(float) for v in reaction.variables]
        values = evaluate_float64(reaction.propensity, columns, lowered.parameters, t)
        key = tuple(change.tolist())
        expected[key] = expected.get(key, 0.0) + np.broadcast_to(values, len(states))
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-12)


@given(lowered_networks())
def test_every_lowered_network_is_sound(lowered):
    space = lowered.space
    assert sorted(space.order.tolist()) == list(range(len(space.names)))
    for cap, law in zip(space.caps, lowered.initial, strict=True):
        assert law.shape == (cap + 1,)
        assert law.min() >= 0
        assert law.sum() == pytest.approx(1.0, abs=1e-14)
    for family in lowered.families:
        instances, width = family.variables.shape
        assert (instances, width) == (1, len(family.net_change))
        assert len(set(family.variables[0].tolist())) == width
        assert slots_of(family.propensity) <= set(range(width))
        change = np.zeros(len(space.names), dtype=int)
        np.add.at(change, family.variables[0], family.net_change)
        assert not (space.laws @ change).any()


@given(lowered_networks())
def test_number_of_states_counts_the_box_within_the_laws(lowered):
    space = lowered.space
    states = box(space.caps)
    obeys = (states @ space.laws.T == space.totals).all(axis=1)
    assert space.number_of_states() == obeys.sum()


def test_caps_are_inferred_from_laws():
    text = "species A = 3\nspecies B\nspecies C in 0..7\nA <-> B @ 1, 1\n0 -> C @ 1"
    assert lowered_of(text).space.caps.tolist() == [3, 3, 7]


def test_caps_are_inferred_through_mixed_signs():
    text = "species A in 0..9 = 3\nspecies B = 1\n0 <-> A + B @ 1, 1"
    assert lowered_of(text).space.caps.tolist() == [9, 7]


def test_declared_caps_are_kept():
    text = "species A in 0..9 = 1\nspecies B in 0..9\nA <-> B @ 1, 1"
    assert lowered_of(text).space.caps.tolist() == [9, 9]


def test_equal_net_changes_become_one_family():
    text = "species A, B in 0..9 = 1\nx: 0 -> A @ 2\ny: 0 -> A via B @ 3\nz: A -> 0 @ 1"
    first, second = lowered_of(text).families
    assert first.reactions == ("x", "y")
    assert first.variables.tolist() == [[0, 1]]
    assert first.net_change.tolist() == [1, 0]
    assert second.name == "z"


def test_genes_come_first_and_determined_ones_follow_at_once():
    text = (
        "species P in 0..50\nspecies G_on in 0..1 = 1\nspecies G_off in 0..1\n"
        "G_on -> G_on + P @ 3\nP -> 0 @ 1\nG_on + P <-> G_off @ 1, 1"
    )
    space = lowered_of(text).space
    assert [space.names[v] for v in space.order] == ["G_on", "G_off", "P"]


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_folding_keeps_the_value(a, b):
    count = Count(0)
    inner = call(Function.POW, number(a), number(b))
    expr = call(Function.ADD, call(Function.MUL, number(1), count), inner)
    folded = fold(expr)
    for n in (0.0, 2.0):
        before = evaluate_float64(expr, [np.float64(n)], (), 0.0)
        after = evaluate_float64(folded, [np.float64(n)], (), 0.0)
        np.testing.assert_array_equal(before, after)


def test_folding_drops_neutral_elements():
    count = Count(0)
    expr = call(Function.SUB, call(Function.POW, count, number(1)), number(0))
    assert fold(call(Function.MUL, number(1), expr)) == count
    condition = call(Function.LT, number(1), number(2))
    assert fold(call(Function.IF, condition, count, number(0))) == count
    assert isinstance(fold(call(Function.MUL, number(0), count)), Call)


def test_poisson_start_is_cut_and_scaled():
    lowered = lowered_of("species A in 0..60 ~ poisson(2)\nA -> 0 @ 1")
    (law,) = lowered.initial
    assert law @ np.arange(61) == pytest.approx(2.0, abs=1e-12)
    assert law[0] == pytest.approx(np.exp(-2.0), rel=1e-14)


def test_a_propensity_is_checked_only_where_the_laws_allow():
    text = (
        "species A in 0..9 = 4\nspecies B in 0..9\nA -> B @ propensity(ma(A)/(A + B))"
    )
    assert lowered_of(text).space.totals.tolist() == [4]


def test_a_propensity_is_checked_only_where_it_can_fire():
    text = "species A in 0..9 = 4\n0 -> A @ propensity(9 - A)\nA -> 0 @ 1"
    assert len(lowered_of(text).families) == 2
    with pytest.raises(CrnError, match="CRN305"):
        lowered_of(text.replace("9 - A", "8.5 - A*1.5"))
