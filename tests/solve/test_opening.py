"""The opening: the law on a set of states is exact, and the network fits it."""

import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    BIRTH_DEATH,
    PAIR,
    SWITCHES,
    exact_law,
    hellinger,
    kernel_of,
    law_of,
    lower,
    model_of,
    scattered,
    states_of,
)

from crnlang.solve.opening import propagate_set
from crnlang.solve.projection import fit_law

WIDE = """crn 1
model wide
species A in 0..50 = 0
species B in 0..50 = 0
species C in 0..50 = 0
a: 0 <-> A @ 9, 1
b: 0 <-> B @ 9, 1
c: 0 <-> C @ 9, 1
"""


def stops_at(*times):
    """The next of some times, infinity after the last."""
    return lambda t: next((s for s in times if s > t), np.inf)


def test_the_law_on_the_set_is_the_exact_law():
    lowered = lower(BIRTH_DEATH, cap=30, start="= 2", birth=4)
    laws = propagate_set(
        model_of(lowered), kernel_of(lowered), stops_at(0.5, 2.0), 64, 0
    )
    found = {law.t: law for law in laws}
    for t in (0.5, 2.0):
        states, exact = exact_law(lowered, t)
        on_set = np.zeros(len(states))
        on_set[found[t].states[:, 0]] = found[t].law
        assert np.abs(on_set - exact).sum() < 1e-5
        assert np.abs(on_set - exact).max() < 1e-6
        assert found[t].law.sum() == pytest.approx(1, abs=1e-12)
        assert 0 <= found[t].lost < 1e-4


SEASONS = """crn 1
model seasons
species X in 0..40 = 3
in_: 0 -> X @ RATE
out: X -> 0 @ 1
"""


@pytest.mark.parametrize(
    ("rate", "mean"),
    [
        # of dm/dt = k(t) - m from m = 3
        ("4 + 3*sin(2*t)", lambda t: 4 + 0.6 * (np.sin(2 * t) - 2 * np.cos(2 * t))),
        ("if(t < 0.7, 2, 8)", lambda t: 2 + 6 * (1 - np.exp(0.7 - t)) * (t > 0.7)),
    ],
)
def test_rates_that_depend_on_the_time_are_followed_in_time(rate, mean):
    """Births at k(t) and deaths at 1, from 3 copies: the mean is known."""
    lowered = lower(SEASONS.replace("RATE", rate))
    stops = stops_at(0.5, 2.0)
    laws = list(propagate_set(model_of(lowered), kernel_of(lowered), stops, 64, 0))
    assert laws[-1].t == 2.0
    for law in laws:
        rest = (3 - mean(0.0)) * np.exp(-law.t)
        found = law.states[:, 0] @ law.law
        assert found == pytest.approx(mean(law.t) + rest, abs=2e-3)
    assert 0 <= laws[-1].lost < 1e-3


def test_a_set_too_small_for_the_law_ends_the_opening():
    lowered = lower(WIDE)
    model, kernel = model_of(lowered), kernel_of(lowered)
    laws = list(propagate_set(model, kernel, stops_at(5.0), 200, 0))
    assert laws
    assert 0 < laws[-1].t < 5.0
    assert all(len(law.states) <= 200 for law in laws)
    assert np.all(np.diff([law.t for law in laws]) > 0)
    assert np.all(np.diff([law.lost for law in laws]) > -1e-12)


def test_a_start_spread_over_too_many_states_has_no_opening():
    lowered = lower(BIRTH_DEATH, cap=40, start="~ uniform(0, 40)", birth=4)
    laws = propagate_set(model_of(lowered), kernel_of(lowered), stops_at(1.0), 64, 0)
    assert list(laws) == []


def test_the_fit_of_a_correlated_law_is_close():
    lowered = lower(PAIR)
    states, exact = exact_law(lowered, 0.5)
    marginals = tuple(
        np.bincount(states[:, v], weights=exact, minlength=7) for v in (0, 1)
    )
    model = model_of(lowered, width=8, basis=6).with_product_law(marginals)
    before = hellinger(law_of(model, jnp.asarray(states)), exact)
    fitted, claimed = fit_law(model, states, exact)
    found = hellinger(law_of(fitted, jnp.asarray(states)), exact)
    assert claimed == pytest.approx(found, abs=1e-6)
    assert found < 0.01 < before


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_fit_finds_the_law_of_a_network_from_far_away(seed):
    """From another network's weights, and though some states had been given up."""
    lowered = lower(SWITCHES, on=1.0)
    states = np.asarray(states_of(lowered))
    model = model_of(lowered, width=4)
    wanted = law_of(scattered(model, 1.0, seed), jnp.asarray(states))
    start = scattered(model, 3.0, seed + 10)
    fitted, claimed = fit_law(start, states, wanted / wanted.sum())
    assert claimed < 0.003
    assert hellinger(law_of(fitted, jnp.asarray(states)), wanted) < 0.003


def test_the_fit_of_a_law_without_spread_keeps_it():
    lowered = lower(SWITCHES, on=1.0)
    fitted, claimed = fit_law(model_of(lowered), np.array([[1, 2]]), np.ones(1))
    assert claimed < 1e-4
    assert law_of(fitted, jnp.asarray([[1, 2]])) == pytest.approx(1, abs=1e-7)
