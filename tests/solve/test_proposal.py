"""Draws from changed conditionals: their law is the one that they say."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import conditionals_of, law_of, lower, states_of, with_positive_start

from crnlang.solve.proposal import change_of, draw, within

TEXT = """crn 1
species A in 0..3 ~ uniform(0, 3)
species B in 0..4 ~ poisson(1)
species C in 0..2 = 1
A -> B @ 1
B -> C @ 1
C -> A @ 1
0 -> C @ 0.1
"""
POOL = """crn 1
species A in 0..4 = 2
species B in 0..4 = 2
species C in 0..2 = 1
A -> B @ 1
B -> A @ 1
0 -> C @ 1
C -> 0 @ 1
"""
PROPOSALS = ["model", "random", "diffusive", "alpha"]


def drawn_from(text, proposal, changed, size=40_000, alpha=0.3):
    lowered = with_positive_start(lower(text), 3)
    model = conditionals_of(lowered, noise=0.5, seed=1)
    uniforms = jax.random.uniform(jax.random.key(0), (size, len(model.order)))
    change = change_of(proposal, alpha, 1)
    found = jax.jit(jax.vmap(lambda u: draw(model, u, change, jnp.asarray(changed))))(
        uniforms
    )
    return lowered, model, jax.tree.map(np.asarray, found)


@pytest.mark.parametrize("text", [TEXT, POOL], ids=["free", "pool"])
@pytest.mark.parametrize("proposal", PROPOSALS)
def test_states_come_as_often_as_they_say(text, proposal):
    lowered, model, found = drawn_from(text, proposal, 99)
    states = np.asarray(states_of(lowered))
    law = law_of(model, states)
    index = {tuple(row): i for i, row in enumerate(states.tolist())}
    place = np.array([index[tuple(row)] for row in found.counts.tolist()])
    assert np.exp(found.log_p) == pytest.approx(law[place], rel=1e-9)
    assert found.log_share == pytest.approx(found.log_p - found.log_q)
    chance = np.zeros(len(states))
    chance[place] = np.exp(found.log_q)
    often = np.bincount(place, minlength=len(states)) / len(place)
    assert chance.sum() == pytest.approx(1, abs=0.02)
    errors = np.sqrt(np.maximum(chance, 1e-6) / len(place))
    assert (np.abs(often - chance) < 6 * errors).all()


def test_after_the_changed_positions_the_law_is_that_of_the_network():
    lowered, model, found = drawn_from(TEXT, "random", 1)
    first = model.order[0]
    assert np.ptp(np.bincount(found.counts[:, first]) / len(found.counts)) < 0.02
    states = np.asarray(states_of(lowered))
    law = law_of(model, states)
    second = model.order[1]
    for count in np.unique(states[:, first]):
        own = found.counts[found.counts[:, first] == count]
        here = states[:, first] == count
        wanted = np.bincount(states[here, second], law[here] / law[here].sum(), 5)
        often = np.bincount(own[:, second], minlength=5)[:5] / len(own)
        assert often == pytest.approx(wanted[:5], abs=0.03)


def test_nothing_changed_is_the_network():
    _, _, found = drawn_from(TEXT, "alpha", 0)
    assert (found.log_share == 0).all()
    _, _, plain = drawn_from(TEXT, "model", 0)
    assert (found.counts == plain.counts).all()


def test_a_power_of_1_and_the_network_are_the_same():
    _, _, found = drawn_from(TEXT, "alpha", 99, size=100, alpha=1.0)
    assert found.log_p == pytest.approx(found.log_q)


def test_a_window_wider_than_all_copy_numbers_averages_over_all():
    change = change_of("diffusive", 0.3, 3)
    found = np.exp(np.asarray(change(jnp.log(jnp.asarray([1e-9, 1e-9, 1 - 2e-9])))))
    assert found == pytest.approx(np.full(3, 1 / 3))


def test_counts_within_a_box_have_the_law_given_the_box():
    lowered = with_positive_start(lower(TEXT), 3)
    model = conditionals_of(lowered, noise=0.5, seed=1)
    inside = np.ones((3, 5), bool)
    inside[0, 1:] = False
    inside[2, :2] = False
    uniforms = jax.random.uniform(jax.random.key(0), (4000, 3))
    plain = change_of("model", 0.3, 1)
    found = jax.jit(
        jax.vmap(lambda u: draw(model, u, plain, jnp.asarray(3), jnp.asarray(inside)))
    )(uniforms)
    counts = np.asarray(found.counts)
    assert (counts[:, 0] == 0).all()
    assert (counts[:, 2] == 2).all()
    states = np.asarray(states_of(lowered))
    chance = np.exp(np.asarray(found.log_q) - np.asarray(found.log_p))
    law = law_of(model, jnp.asarray(states))
    held = law[(states[:, 0] == 0) & (states[:, 2] == 2)].sum()
    assert (1 / chance).mean() == pytest.approx(held, rel=0.1)


def test_a_box_that_nothing_is_in_changes_nothing():
    log_p = jnp.log(jnp.asarray([0.2, 0.8, 0.0]))
    for inside in ([False, False, False], [False, False, True], [True, True, True]):
        found = np.asarray(within(jnp.asarray(inside))(log_p))
        assert np.exp(found) == pytest.approx([0.2, 0.8, 0.0])
    found = np.asarray(within(jnp.asarray([False, True, True]))(log_p))
    assert np.exp(found) == pytest.approx([0.0, 1.0, 0.0])
