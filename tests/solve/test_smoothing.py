"""Pareto smoothing: the shape of known tails, and weights that keep their order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import FEW
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import genpareto

from crnlang.solve.smoothing import smoothed

#: Compiled once for each number of weights.
smooth = jax.jit(smoothed)
smooth_many = jax.jit(jax.vmap(smoothed))


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.2, 0.5, 0.9])
def test_the_shape_of_a_known_tail_is_found(shape):
    """The estimate is drawn to 1/2 as by 10 of 190 samples; its spread is near 0.1."""
    draws = [genpareto.rvs(shape, size=4000, random_state=seed) for seed in range(20)]
    _, found = smooth_many(jnp.asarray(draws))
    drawn_to = (189 * shape + 5) / 199
    assert np.mean(found) == pytest.approx(drawn_to, abs=0.12)


@FEW
@given(st.integers(0, 1000), st.integers(30, 500))
def test_smoothing_keeps_order_and_raises_no_weight_above_the_largest(seed, size):
    draws = np.random.default_rng(seed).pareto(1.5, (100, size))
    every, shapes = smooth_many(jnp.asarray(draws))
    assert np.isfinite(np.asarray(shapes)).all()
    for weights, found in zip(draws, np.asarray(every), strict=True):
        assert np.isfinite(found).all()
        order = np.argsort(weights)
        assert (np.diff(found[order]) >= -1e-12 * found.max()).all()
        assert found.max() <= weights.max() * (1 + 1e-12)
        low = order[: size // 2]
        np.testing.assert_array_equal(found[low], weights[low])


@pytest.mark.parametrize("size", [16, 100, 4096])
def test_weights_all_alike_stay(size):
    weights = jnp.full(size, 1 / size)
    found, shape = smooth(weights)
    np.testing.assert_allclose(np.asarray(found), 1 / size)
    assert float(shape) == 0
