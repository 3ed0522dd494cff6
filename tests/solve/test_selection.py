"""The selection: sums over it are right on average, flows from outside all there."""

import jax
import numpy as np
import pytest
from engine_cases import (
    FEW,
    conserving_networks,
    kernel_of,
    law_of,
    lower,
    model_of,
    states_of,
    with_positive_start,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.reference.fsp import generator
from crnlang.solve.selection import Selector

WALK = """crn 1
model walk
species X in 0..40 ~ poisson(6)
species Y in 0..1 ~ uniform(0, 1)
up: 0 <-> X @ 9, 1
on: 0 -> Y @ propensity(X)
off: Y -> 0 @ 2
"""


def rows_of(states, among):
    """The place of each of `states` in `among`."""
    same = np.all(np.asarray(states)[:, None] == np.asarray(among)[None], axis=2)
    assert (same.sum(axis=1) == 1).all()
    return same.argmax(axis=1)


@FEW
@given(conserving_networks(), st.integers(0, 99))
def test_a_selection_as_large_as_the_space_is_the_law_itself(lowered, seed):
    lowered = with_positive_start(lowered, seed)
    states = states_of(lowered)
    model = model_of(lowered, noise=0.3, seed=seed)
    selector = Selector(kernel_of(lowered), len(states), 4)
    chosen = selector.select(model, jax.random.key(seed), 0.0, 0.1)
    place = rows_of(chosen.states, states)
    assert sorted(place) == list(range(len(states)))
    law = law_of(model, states)[place]
    np.testing.assert_allclose(chosen.law, law, rtol=1e-9)
    np.testing.assert_allclose(chosen.weights, law / law.sum(), rtol=1e-9)
    assert not chosen.source.any()
    assert chosen.covered == pytest.approx(1, abs=1e-9)
    assert np.isinf(chosen.effective_size)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_flows_in_from_outside_is_what_the_matrix_says(seed):
    lowered = lower(WALK)
    model = model_of(lowered, noise=0.1, seed=seed)
    selector = Selector(kernel_of(lowered), 12, 8)
    chosen = selector.select(model, jax.random.key(seed), 0.0, 0.1)
    every, matrix = generator(lowered)
    place = rows_of(chosen.states, every)
    law = law_of(model, every)
    outside = np.ones(len(every))
    outside[place] = 0.0
    flow = matrix.toarray()
    np.fill_diagonal(flow, 0.0)
    expected = (flow @ (law * outside))[place]
    np.testing.assert_allclose(chosen.source, expected, rtol=1e-6, atol=1e-12)
    assert chosen.source.any()
    inside, leaving = selector.around.matrix(chosen.states, chosen.rates)
    np.testing.assert_allclose(
        inside.toarray(), matrix.toarray()[np.ix_(place, place)], atol=1e-9
    )
    lost = (flow * (outside > 0)[:, None]).sum(axis=0)[place]
    np.testing.assert_allclose(leaving, lost, atol=1e-9)


def test_sums_over_a_selection_are_right_on_average():
    lowered = lower(WALK)
    states = states_of(lowered)
    model = model_of(lowered, noise=0.1)
    law = law_of(model, states)
    selector = Selector(kernel_of(lowered), 8, 16)
    number = 400
    seen = np.zeros((number, len(states)))
    sizes = []
    for i, key in enumerate(jax.random.split(jax.random.key(1), number)):
        chosen = selector.select(model, key, 0.0, 0.01)
        seen[i, rows_of(chosen.states, states)] = chosen.weights
        sizes.append(chosen.effective_size)
    error = seen.std(axis=0, ddof=1) / np.sqrt(number)
    often = (seen > 0).sum(axis=0) >= 50
    assert often.sum() > 20
    assert (np.abs(seen.mean(axis=0) - law)[often] < 5 * error[often] + 1e-3 / 40).all()
    assert 8 < np.median(sizes) < np.inf


def test_states_about_to_be_entered_are_selected():
    lowered = lower(WALK.replace("poisson(6)", "uniform(0, 3)"))
    model = model_of(lowered)
    selector = Selector(kernel_of(lowered), 20, 4)
    chosen = selector.select(model, jax.random.key(0), 0.0, 0.1)
    assert {4, 5, 6} <= set(chosen.states[:, 0].tolist())
