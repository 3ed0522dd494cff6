"""The adjusted network: unchanged without changes, the changed law with all of them."""

import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    FEW,
    birth_death,
    conditionals_of,
    conserving_networks,
    hellinger,
    law_of,
    states_of,
    with_positive_start,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.solve.adjust import adjust_law


@FEW
@given(conserving_networks(), st.floats(0.2, 1), st.integers(0, 99))
def test_without_changes_the_network_stays_as_it_is(lowered, share, seed):
    lowered = with_positive_start(lowered, seed)
    states = np.asarray(states_of(lowered))
    some = states[: max(int(share * len(states)), 1)]
    model = conditionals_of(lowered, noise=0.3, seed=seed)
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(some)))
    moved = adjust_law(model, some, weights, np.zeros(len(some)))
    for before, after in zip(model.weight_blocks(), moved.weight_blocks(), strict=True):
        np.testing.assert_allclose(after, before, atol=1e-7)


@pytest.mark.parametrize("size", [0.05, 0.5])
def test_changes_of_all_states_give_the_changed_law(size):
    lowered = birth_death(8)
    states = np.asarray(states_of(lowered))
    model = conditionals_of(lowered, noise=0.2)
    law = law_of(model, states)
    wanted = (1 - size) * law + size * np.linspace(2, 0, len(law)) / len(law)
    moved = adjust_law(model, states, law, wanted - law)
    whole = hellinger(law, wanted)
    assert hellinger(law_of(moved, states), wanted) < 0.1 * whole


def test_changes_of_some_states_leave_the_others_alone():
    lowered = birth_death(8)
    states = np.asarray(states_of(lowered))
    model = conditionals_of(lowered, noise=0.2)
    law = law_of(model, states)
    some = np.array([1, 2])
    change = np.array([0.3, -0.3]) * law[2]
    moved = adjust_law(model, states[some], law[some] / law[some].sum(), change)
    expected = law.copy()
    expected[some] += change
    np.testing.assert_allclose(law_of(moved, states), expected, rtol=0.03)


def test_where_noise_is_larger_than_the_changes_nothing_moves():
    lowered = birth_death(8)
    states = np.asarray(states_of(lowered))
    model = conditionals_of(lowered, noise=0.2)
    law = law_of(model, states)
    change = 1e-4 * law * np.linspace(1, -1, len(law))
    moved = adjust_law(model, states, law, change - change.sum() * law, noise=1e3)
    for before, after in zip(model.weight_blocks(), moved.weight_blocks(), strict=True):
        np.testing.assert_array_equal(after, before)


def test_the_precision_of_the_network_is_kept():
    lowered = birth_death(4)
    states = np.asarray(states_of(lowered))
    model = conditionals_of(lowered, precision="float32")
    law = law_of(model, states)
    change = 0.01 * np.array([1.0, -1.0, 0.0, 0.0, 0.0])
    moved = adjust_law(model, states, law / law.sum(), change)
    assert moved.dtype == jnp.dtype("float32")
    assert law_of(moved, states)[0] == pytest.approx(law[0] + 0.01, abs=1e-3)
