"""One projection step: exact on a whole space, right in the limit, still at rest."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    birth_death,
    conditionals_of,
    exact_law,
    hellinger,
    kernel_of,
    law_of,
    lower,
)
from scipy.linalg import expm

from crnlang.solve.projected import law_after, projected_step
from crnlang.solve.projection import fit_law
from crnlang.solve.selection import Selector

ON_OFF = """crn 1
model on_off
species G in 0..1 ~ uniform(0, 1)
species X in 0..30 ~ poisson(4)
switch: 0 <-> G @ 0.4, 0.6
make: G -> G + X @ 8
fade: X -> 0 @ 1
"""


def step(lowered, model, dt, most=4096, samples=64, tolerance=0.9, seed=0):
    """One step with a selection of a given size."""
    selector = Selector(kernel_of(lowered), most, samples)
    return advance(model, selector, jax.random.key(seed), 0.0, dt, tolerance)


def advance(model, selector, key, t, dt, tolerance):
    """Select, and take one step."""
    chosen = selector.select(model, key, t, dt)
    return projected_step(model, selector.around, chosen, dt, tolerance)


@pytest.mark.parametrize("dt", [0.05, 1.0, 30.0])
def test_on_the_whole_space_a_step_of_any_length_is_exact(dt):
    lowered = birth_death(8)
    moved = step(lowered, conditionals_of(lowered), dt)
    states, exact = exact_law(lowered, dt)
    assert hellinger(law_of(moved.model, jnp.asarray(states)), exact) < 2e-3
    assert moved.error < 1e-9
    assert moved.dt == dt
    assert moved.residual < 0.05


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_law_at_rest_stays_whatever_was_selected(seed):
    lowered = lower(ON_OFF)
    states, law = exact_law(lowered, 200.0)
    model, distance = fit_law(conditionals_of(lowered, width=6, basis=8), states, law)
    assert distance < 2e-3
    start = law_of(model, jnp.asarray(states))
    moved = step(lowered, model, 5.0, most=16, samples=8, seed=seed)
    drift = hellinger(law_of(moved.model, jnp.asarray(states)), start)
    assert drift < 0.02
    assert moved.error < 0.1


def test_short_steps_on_some_states_add_up_to_the_exact_law():
    lowered = lower(ON_OFF)
    model = conditionals_of(lowered, width=6, basis=8)
    selector = Selector(kernel_of(lowered), 24, 16)
    for number in range(20):
        key = jax.random.key(number)
        moved = advance(model, selector, key, 0.05 * number, 0.05, 0.1)
        assert moved.rejections == 0
        model = moved.model
    states, exact = exact_law(lowered, 1.0)
    assert len(states) > 24 + 16
    assert hellinger(law_of(model, jnp.asarray(states)), exact) < 0.02


def test_a_step_that_loses_too_much_is_shortened_or_given_up():
    lowered = lower(ON_OFF)
    model = conditionals_of(lowered, width=6, basis=8)
    free = step(lowered, model, 4.0, most=16, samples=8)
    assert free.error > 0.01
    shorter = step(lowered, model, 4.0, most=16, samples=8, tolerance=free.error / 2)
    assert shorter.dt < 4.0
    assert shorter.rejections > 0
    assert shorter.error < free.error / 2
    never = step(lowered, model, 4.0, most=16, samples=8, tolerance=1e-12)
    assert not never.error < 1e-12
    assert never.model is model


def test_errors_say_how_wrong_a_step_is():
    lowered = lower(ON_OFF)
    model = conditionals_of(lowered, width=6, basis=8)
    states, exact = exact_law(lowered, 1.0)
    found = {}
    for most in (12, 24, 62):
        moved = step(lowered, model, 1.0, most=most, samples=8)
        wrong = hellinger(law_of(moved.model, jnp.asarray(states)), exact)
        found[most] = (moved.error, wrong)
    errors, wrongs = zip(*found.values(), strict=True)
    assert list(errors) == sorted(errors, reverse=True)
    assert np.all(np.diff(wrongs) < 0)
    assert errors[0] > wrongs[0] ** 2


@pytest.mark.parametrize("tiny", [1e-40, 1e-315])
def test_a_state_that_was_all_but_empty_does_not_stop_the_step(tiny):
    """Its growth is without bound, but not what flows into it from outside."""
    lowered = lower(ON_OFF)
    selector = Selector(kernel_of(lowered), 24, 16)
    model = conditionals_of(lowered, width=6, basis=8)
    chosen = selector.select(model, jax.random.key(0), 0.0, 0.1)
    empty = np.argmin(chosen.law)
    law, source = chosen.law.copy(), chosen.source.copy()
    law[empty], source[empty] = tiny, 1e-12
    hollow = replace(chosen, law=law, source=source)
    moved = projected_step(model, selector.around, hollow, 0.05, 0.1)
    assert moved.rejections == 0


@pytest.mark.parametrize("dt", [0.02, 3.0, 200.0])
def test_the_source_flows_in_at_its_rate(dt):
    """Against the matrix exponential of the selection with one more state."""
    lowered = lower(ON_OFF)
    selector = Selector(kernel_of(lowered), 24, 16)
    model = conditionals_of(lowered, width=6, basis=8)
    chosen = selector.select(model, jax.random.key(0), 0.0, 0.1)
    w, _ = selector.around.matrix(chosen.states, chosen.rates)
    size = len(chosen.law)
    whole = np.zeros((size + 1, size + 1))
    whole[:size, :size], whole[:size, size] = w.toarray(), chosen.source
    exact = (expm(whole * dt) @ np.append(chosen.law, 1.0))[:size]
    found = law_after(w, chosen, dt)
    np.testing.assert_allclose(found, exact, atol=1e-10 * max(exact.sum(), 1.0))
