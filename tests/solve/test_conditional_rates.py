"""Rates of the conditionals: exact on average over the states behind each prefix."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    ENZYME,
    FEW,
    conditionals_of,
    conserving_networks,
    kernel_of,
    law_of,
    lower,
    states_of,
    summing,
    with_positive_start,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.pipeline.law import enumerate_states
from crnlang.solve import late_channels as channels_module
from crnlang.solve.late import late_flow
from crnlang.solve.late_channels import own_steps
from crnlang.solve.outlook import look
from crnlang.solve.prefixes import rates_of
from crnlang.testing import lowered_networks

T = 0.7
#: Firings that the caps stop at once, before and behind in the order, and that read
#: what comes later.
STOPPED = """crn 1
model stopped
species A in 0..2 ~ uniform(0, 2)
species B in 0..1 ~ uniform(0, 1)
species C in 0..3 ~ uniform(0, 3)
hop: A -> B @ 1.3
back: B -> A @ 0.4
split: A -> B + C @ 0.6
push: C -> A + C @ propensity((0.2 + 0.3*B)*C)
drain: C -> 0 @ propensity(0.9*sqrt(C) + 0.1*A)
feed: 0 -> C @ propensity((1 + sin(t))/(1 + B))
"""
#: The same in the other order along the network: the caps decide it.
TURNED = STOPPED.replace("A in 0..2 ~ uniform(0, 2)", "A in 0..3 ~ uniform(0, 3)")
TURNED = TURNED.replace("C in 0..3 ~ uniform(0, 3)", "C in 0..2 ~ uniform(0, 2)")
networks = st.one_of(conserving_networks(), lowered_networks())


@eqx.filter_jit
def local_generator(model, kernel, states, t):
    return jax.vmap(lambda n: kernel(model.log_ratios, n, t))(states)


def exact_rates(lowered, model, law, moving, position):
    """P(m | r) and its rate at every state's prefix, from the whole law."""
    states = enumerate_states(lowered.space)
    ordered = states[:, list(model.order)]
    prefixes, row = np.unique(ordered[:, :position], axis=0, return_inverse=True)
    row, levels = row.ravel(), int(lowered.space.caps[model.order[position]]) + 1
    joint, flow = np.zeros((2, len(prefixes), levels))
    np.add.at(joint, (row, ordered[:, position]), law)
    np.add.at(flow, (row, ordered[:, position]), moving)
    whole = joint.sum(axis=1, keepdims=True)
    conditional = joint / whole
    rates = (flow - conditional * flow.sum(axis=1, keepdims=True)) / whole
    return row, conditional, rates


def assert_exact_on_average(lowered, seed, build=conditionals_of):
    """The mean over all states behind a prefix is the rate from the whole law."""
    lowered = with_positive_start(lowered, seed)
    states = states_of(lowered)
    model, kernel = build(lowered, noise=0.5, seed=seed), kernel_of(lowered)
    law = law_of(model, states)
    moving = law * np.asarray(local_generator(model, kernel, states, jnp.asarray(T)))
    found, lates, means = rates_of(model, kernel, np.asarray(states), T)
    # the guess of late propensities may rest on any weights of the states
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(states)))
    laws = [np.asarray(here.law) for here in found]
    shares = [weights] * len(laws)
    outlooks = look(model, np.asarray(states), laws, lates, shares, means)
    for place, position in enumerate(model.mask.free):
        row, conditional, wanted = exact_rates(lowered, model, law, moving, position)
        here = jax.tree.map(np.asarray, found[place])
        levels = conditional.shape[1]
        assert here.law[:, :levels] == pytest.approx(conditional[row], abs=1e-10)
        own = np.asarray(states)[:, model.order[position]]
        late, seen = lates[place], outlooks[place]
        flow = late_flow(here, late, own_steps(model, kernel, place, late), seen)
        rates = here.rates + flow.rates + flow.sampled
        rates = (rates - here.sampled[:, None] * here.law)[:, :levels]
        rates[np.arange(len(own)), own] += here.sampled
        mass = np.bincount(row, law)
        mean = np.zeros_like(wanted)
        np.add.at(mean, row, (law / mass[row])[:, None] * rates)
        size = max(np.abs(wanted).max(), 1.0)
        assert mean == pytest.approx(wanted, abs=1e-9 * size)


@FEW
@given(networks, st.integers(0, 99))
def test_the_rates_are_exact_on_average_over_what_follows_a_prefix(lowered, seed):
    if len(enumerate_states(lowered.space)) < 2000:
        assert_exact_on_average(lowered, seed)


@FEW
@given(networks, st.integers(0, 99))
def test_so_they_are_where_conditionals_see_sums_of_counts(lowered, seed):
    if len(enumerate_states(lowered.space)) < 2000:
        assert_exact_on_average(lowered, seed, summing)


@pytest.mark.parametrize(
    "text", [ENZYME, STOPPED, TURNED], ids=lambda text: text.split()[3]
)
def test_so_they_are_where_caps_and_laws_stop_firings(text):
    assert_exact_on_average(lower(text), 0)


@pytest.mark.parametrize("most", [0, 10**9], ids=["nothing asked", "all asked"])
def test_so_they_are_whatever_the_network_is_asked_of_later_counts(most, monkeypatch):
    jax.clear_caches()  # what is asked is decided when programs are made
    monkeypatch.setattr(channels_module, "MOST_MEANS", most)
    assert_exact_on_average(lower(TURNED), 1)


def test_a_later_cap_that_is_hardly_met_makes_no_noise():
    """A channel that it stops is stopped by its chance, not where it is met."""
    text = """crn 1
model handed_on
species A, B in 0..9 ~ poisson(1)
A -> B @ 1000
B -> 0 @ 1
"""
    model, kernel = conditionals_of(lower(text)), kernel_of(lower(text))
    assert list(model.order) == [0, 1]
    states = states_of(lower(text))
    found, *_ = rates_of(model, kernel, np.asarray(states), T)
    sampled = np.asarray(found[0].sampled)
    assert np.abs(sampled).max() > 1e-3
    for count in range(10):
        assert np.ptp(sampled[np.asarray(states[:, 0] == count)]) < 1e-9


def test_a_cascade_away_from_its_caps_has_rates_without_any_sampled_part():
    text = """crn 1
model cascade
species A, B, C in 0..9 ~ poisson(1)
0 -> A @ 1
A -> B @ 1
B -> C @ 1
C -> 0 @ 1
"""
    model, kernel = conditionals_of(lower(text)), kernel_of(lower(text))
    low = states_of(lower(text))
    low = low[jnp.max(low, axis=1) < 5]
    found, *_ = rates_of(model, kernel, np.asarray(low), T)
    for here in found:
        assert np.abs(here.sampled).max() < 1e-3
        assert not here.within.size
        assert not here.across.after.size
