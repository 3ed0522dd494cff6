"""The batch: importance weights are exact on average and bounded."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import SWITCHES, kernel_of, law_of, lower, model_of, states_of

from crnlang.solve.batch import Draws, draw, sobol_points

SIZE = 256
NOW = 0.0


@eqx.filter_jit
def batches(model, generator, points, keys, influx_share):
    """One weighted batch a key."""

    def one(key):
        t = jnp.asarray(NOW)
        draws = draw(model, generator, points, key, t, influx_share)
        influx = jax.vmap(generator.influx, (None, 0, None))(
            model.log_ratios, draws.counts, t
        )
        return draws.weigh(influx)

    return jax.vmap(one)(keys)


@pytest.mark.parametrize("influx_share", [0.0, 0.5, 0.9])
def test_weighted_averages_agree_with_the_exact_mean(influx_share):
    lowered = lower(SWITCHES, on="0.8")
    model, generator = model_of(lowered, noise=0.7), kernel_of(lowered)
    keys = jax.random.split(jax.random.key(5), 64)
    batch = batches(model, generator, sobol_points(SIZE, 2, 0), keys, influx_share)
    states = states_of(lowered)
    law, values = law_of(model, states), np.cos(np.asarray(states) @ [1.0, 2.0])
    weights, counts = np.asarray(batch.weights), np.asarray(batch.counts)
    assert weights.sum(axis=1) == pytest.approx(1, abs=1e-12)
    means = (weights * np.cos(counts @ [1.0, 2.0])).sum(axis=1)
    error = means.std(ddof=1) / np.sqrt(len(means))
    # systematic resampling and normalisation leave a bias of order 1 / SIZE
    assert abs(means.mean() - law @ values) < 4 * error + 1 / SIZE
    assert (counts >= 0).all()
    assert (counts <= lowered.space.caps).all()
    shares = 1 / (weights**2).sum(axis=1) / SIZE
    assert (shares > 1 - influx_share - 1e-9).all()


def test_weights_are_bounded_by_the_share_of_direct_draws():
    rho, counts = 0.75, jnp.zeros((3, 1), int)
    draws = Draws(counts, jnp.array([2.0, 0.0]), rho)
    influx = jnp.array([[0.0, 0.0], [2.0, 0.0], [2e9, 7.0]])
    weights = np.asarray(draws.weigh(influx).weights)
    direct = 1 / np.array([1 - rho, 1.0, 1 - rho + rho * 1e9])
    assert weights == pytest.approx(direct / direct.sum(), rel=1e-12)
    assert (direct <= 1 / (1 - rho)).all()


def test_without_any_active_channel_the_weights_stay_finite():
    lowered = lower(SWITCHES, on="0")
    generator = kernel_of(lowered)
    model = model_of(lowered).with_product_law((np.eye(2)[0], np.eye(3)[0]))
    keys = jax.random.split(jax.random.key(0), 2)
    batch = batches(model, generator, sobol_points(SIZE, 2, 0), keys, 0.5)
    assert np.isfinite(np.asarray(batch.weights)).all()
    assert (np.asarray(batch.counts) == 0).all()


def test_the_same_key_gives_the_same_batch_and_another_key_another():
    lowered = lower(SWITCHES, on="0.8")
    model, generator = model_of(lowered, noise=0.7), kernel_of(lowered)
    keys = jax.random.split(jax.random.key(1), 2)
    both = jnp.stack([keys[0], keys[0], keys[1]])
    batch = batches(model, generator, sobol_points(SIZE, 2, 0), both, 0.5)
    weights = np.asarray(batch.weights)
    assert (weights[0] == weights[1]).all()
    assert (weights[0] != weights[2]).any()
