"""The batch: weights exact on average, bounded, and exact where nothing is missed."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    ENZYME,
    FEW,
    SWITCHES,
    conserving_networks,
    kernel_of,
    law_of,
    lower,
    model_of,
    states_of,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.solve.batch import (
    Flows,
    MixtureDraws,
    draw_distinct,
    draw_mixture,
    sobol_points,
)

SIZE = 256
NOW = jnp.asarray(0.0)
#: 400 states that feed each other.
PAIR = """crn 1
model pair
species A in 0..19 ~ uniform(0, 19)
species B in 0..19 ~ uniform(0, 19)
rise: 0 -> A @ 3
turn: A -> B @ 1
fall: B -> 0 @ 0.3
"""
MIXTURE: dict[str, Any] = {"points": sobol_points(SIZE, 2, 0)}


@eqx.filter_jit
def batches(model, generator, keys, influx_share, size: int = SIZE, points=None):
    """One weighted batch a key: distinct states, or draws where `points` are given."""

    def one(key):
        if points is None:
            draws = draw_distinct(model, generator, size, key, NOW, influx_share)
        else:
            draws = draw_mixture(model, generator, points, key, NOW, influx_share)
        log_p = jax.vmap(model.log_prob)(draws.counts)
        influx = jax.vmap(generator.influx, (None, 0, None))(
            model.log_ratios, draws.counts, NOW
        )
        sources = jax.vmap(generator.source_propensities, (0, None))(draws.counts, NOW)
        return draws.weigh(Flows(log_p, influx, sources))

    return jax.vmap(one)(keys)


def means_of(batch):
    """The weighted average of one function of the state, a batch."""
    values = np.cos(np.asarray(batch.counts) @ [1.0, 2.0])
    return (np.asarray(batch.weights) * values).sum(axis=1)


def exact_mean(model, states):
    """The same average over the whole law."""
    return law_of(model, states) @ np.cos(np.asarray(states) @ [1.0, 2.0])


@pytest.mark.parametrize("influx_share", [0.0, 0.5, 0.9])
def test_averages_over_draws_agree_with_the_exact_mean(influx_share):
    lowered = lower(SWITCHES, on="0.8")
    model, generator = model_of(lowered, noise=0.7), kernel_of(lowered)
    keys = jax.random.split(jax.random.key(5), 64)
    batch = batches(model, generator, keys, influx_share, **MIXTURE)
    weights, counts = np.asarray(batch.weights), np.asarray(batch.counts)
    assert weights.sum(axis=1) == pytest.approx(1, abs=1e-12)
    means = means_of(batch)
    error = means.std(ddof=1) / np.sqrt(len(means))
    # systematic resampling and normalisation leave a bias of order 1 / SIZE
    exact = exact_mean(model, states_of(lowered))
    assert abs(means.mean() - exact) < 4 * error + 1 / SIZE
    assert (counts >= 0).all()
    assert (counts <= lowered.space.caps).all()
    shares = np.asarray(batch.effective_size) / SIZE
    assert shares == pytest.approx(1 / (weights**2).sum(axis=1) / SIZE)
    assert (shares > 1 - influx_share - 1e-9).all()


@pytest.mark.parametrize("influx_share", [0.0, 0.25, 0.6])
def test_averages_over_distinct_states_agree_with_the_exact_mean(influx_share):
    lowered = lower(PAIR)
    model, generator = model_of(lowered, noise=0.7), kernel_of(lowered)
    keys = jax.random.split(jax.random.key(5), 256)
    size = 100
    batch = batches(model, generator, keys, influx_share, size)
    weights, counts = np.asarray(batch.weights), np.asarray(batch.counts)
    assert weights.sum(axis=1) == pytest.approx(1, abs=1e-9)
    for one, weight in zip(counts, weights, strict=True):
        used = one[weight > 0]
        assert len(np.unique(used, axis=0)) == len(used) > 0.5 * size
    means, exact = means_of(batch), exact_mean(model, states_of(lowered))
    spread = means.std(ddof=1)
    # normalising the weights leaves a bias of the order of the variance
    assert abs(means.mean() - exact) < 4 * spread / np.sqrt(len(means)) + spread**2
    # the effective size tells the spread of an average, and beats the number of states
    sizes = np.asarray(batch.effective_size)
    law = law_of(model, states_of(lowered))
    values = np.cos(np.asarray(states_of(lowered)) @ [1.0, 2.0])
    alone = law @ values**2 - (law @ values) ** 2
    assert 0.5 < spread**2 * np.median(sizes) / alone < 2
    assert np.median(sizes) > 1.5 * size


@FEW
@given(
    st.one_of(conserving_networks(), st.just(lower(ENZYME))),
    st.sampled_from([0.0, 0.25, 0.5]),
    st.integers(0, 99),
)
def test_a_batch_that_holds_all_states_is_an_exact_sum(lowered, influx_share, seed):
    states = np.asarray(states_of(lowered))
    model, generator = model_of(lowered, noise=0.5, seed=seed), kernel_of(lowered)
    keys = jax.random.split(jax.random.key(seed), 1)
    size = int(np.ceil((len(states) + 1) / (1 - influx_share)))
    batch = batches(model, generator, keys, influx_share, size)
    weights, counts = np.asarray(batch.weights[0]), np.asarray(batch.counts[0])
    found = {tuple(n): w for n, w in zip(counts, weights, strict=True) if w > 0}
    assert len(found) == (weights > 0).sum() <= len(states)
    law = law_of(model, states_of(lowered))
    # a state of probability 1e-30 may never arrive
    assert (law[[tuple(n) not in found for n in states]] < 1e-25).all()
    got = np.array([found.get(tuple(n), 0.0) for n in states])
    assert got == pytest.approx(law, rel=1e-9, abs=1e-15)
    assert np.isinf(np.asarray(batch.effective_size[0]))


def test_weights_of_draws_are_bounded_by_the_share_of_direct_draws():
    rho, counts = 0.75, jnp.zeros((3, 1), int)
    draws = MixtureDraws(counts, jnp.array([2.0, 0.0]), rho)
    influx = jnp.array([[0.0, 0.0], [2.0, 0.0], [2e9, 7.0]])
    flows = Flows(jnp.zeros(3), influx, jnp.ones((3, 2)))
    weights = np.asarray(draws.weigh(flows).weights)
    direct = 1 / np.array([1 - rho, 1.0, 1 - rho + rho * 1e9])
    assert weights == pytest.approx(direct / direct.sum(), rel=1e-12)
    assert (direct <= 1 / (1 - rho)).all()


@pytest.mark.parametrize("how", [{}, MIXTURE])
def test_without_any_active_channel_the_weights_stay_finite(how):
    lowered = lower(SWITCHES, on="0")
    generator = kernel_of(lowered)
    model = model_of(lowered).with_product_law((np.eye(2)[0], np.eye(3)[0]))
    keys = jax.random.split(jax.random.key(0), 2)
    batch = batches(model, generator, keys, 0.5, **how)
    weights, counts = np.asarray(batch.weights), np.asarray(batch.counts)
    assert np.isfinite(weights).all()
    assert (weights * (counts == 0).all(axis=2)).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("how", [{"size": 40}, MIXTURE])
def test_the_same_key_gives_the_same_batch_and_another_key_another(how):
    lowered = lower(PAIR)
    model, generator = model_of(lowered, noise=0.7), kernel_of(lowered)
    keys = jax.random.split(jax.random.key(1), 2)
    both = jnp.stack([keys[0], keys[0], keys[1]])
    batch = batches(model, generator, both, 0.5, **how)
    weights = np.asarray(batch.weights)
    assert (weights[0] == weights[1]).all()
    assert (weights[0] != weights[2]).any()
