"""A network in float32: what it costs, against the same network in float64."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import PAIR, kernel_of, lower, model_of, scattered

from crnlang.compiler import compile_file
from crnlang.nn.base import SUMS
from crnlang.solve.batch import Batch
from crnlang.solve.estimate import estimate
from crnlang.solve.projection import cast

TOGGLE = Path(__file__).parents[2] / "examples" / "toggle_switch.crn"


@eqx.filter_jit
def look(model, generator, batch):
    now = estimate(model, generator, batch, jnp.zeros(()), is_stored=True)
    return now, now.force(), now.blocks()


@pytest.fixture(
    scope="module", params=["pair", pytest.param("toggle", marks=pytest.mark.slow)]
)
def both(request):
    """A network with its law spread out: in float32, and the same in float64."""
    is_pair = request.param == "pair"
    lowered = lower(PAIR) if is_pair else compile_file(TOGGLE).lowered
    model = model_of(lowered, precision="float32")
    broad = tuple(np.full(cap + 1, 1 / (cap + 1)) for cap in lowered.space.caps)
    single = scattered(model.with_product_law(broad), 0.3)
    uniforms = jax.random.uniform(jax.random.key(0), (256, len(single.order)))
    states = jax.jit(jax.vmap(single.sample))(uniforms)
    even = jnp.full(len(states), 1 / len(states))
    batch = Batch(states, even, jnp.asarray(jnp.inf))
    double = cast(single, SUMS)
    assert (single.dtype, double.dtype) == (np.dtype("float32"), SUMS)
    generator = kernel_of(lowered)
    return look(single, generator, batch), look(double, generator, batch)


def test_probabilities_rates_and_sums_are_in_float64(both):
    (now, force, fisher), _ = both
    assert {part.dtype for part in now.scores} == {np.dtype("float32")}
    assert {now.rates.dtype, *(part.dtype for part in (*force, *fisher))} == {SUMS}


def test_the_local_generator_is_good_to_the_rounding_of_a_logit(both):
    (single, *_), (double, *_) = both
    np.testing.assert_allclose(single.rates, double.rates, rtol=1e-4, atol=1e-3)


def test_force_and_fisher_matrix_come_from_good_sums(both):
    (now, force, fisher), (_, *double) = both
    flows = np.asarray(now.weights * now.rates)
    for own, matrix, scores in zip(force, fisher, now.scores, strict=True):
        exact = np.asarray(scores, float)[:, 0]
        np.testing.assert_allclose(own[0], flows @ exact, rtol=1e-11, atol=1e-13)
        square = (exact * np.asarray(now.weights)[:, None]).T @ exact
        np.testing.assert_allclose(matrix[0], square, rtol=1e-11, atol=1e-13)
    pairs = zip(jax.tree.leaves((force, fisher)), jax.tree.leaves(double), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * np.abs(other).max())


def test_ratios_may_be_beyond_what_float32_holds():
    """A neighbour e^100 times as likely: its flow is a number, and so is the rate."""
    lowered = lower(PAIR)
    generator, model = kernel_of(lowered), model_of(lowered, precision="float32")
    law = np.exp(-25.0 * (np.arange(7) % 2))
    model = model.with_product_law((law / law.sum(), law / law.sum()))
    blocks = tuple(5 * block for block in model.weight_blocks())
    model, state = model.with_weight_blocks(blocks), jnp.asarray([1, 1])

    @jax.jit
    def look(n):
        moves = -generator.net_changes
        ratios = model.log_ratios(n, moves, jnp.ones(len(moves), bool))
        return ratios, generator(model.log_ratios, n, jnp.zeros(()))

    ratios, rate = look(state)
    assert float(ratios.max()) > 89
    assert np.isfinite(float(rate))
