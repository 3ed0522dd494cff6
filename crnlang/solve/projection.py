"""The network nearest to a law given on a set of states: maximum likelihood.

Minimises -sum_n Q(n) log P(n) over the set by natural-gradient steps with exact sums:
gradient sum Q O, metric sum Q O O^T + shift, and a search along each step.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from crnlang.nn.base import AbstractAutoregressive
from crnlang.solve.estimate import add, scores_of
from crnlang.solve.linear import (
    block_products,
    factor_blocks,
    project,
    shift_diagonal,
)

#: Lengths tried along a natural-gradient direction.
LENGTHS = (1.0, 0.5, 0.2, 0.05, 0.01, 0.0)
DIAG_SHIFT = 1e-5
MOST_ITERATIONS = 40
#: Stop when an iteration gains less than this, in nats.
GAIN = 1e-6


def fit_law(
    model: AbstractAutoregressive,
    states: Int[Array, "states variables"],
    law: Float[Array, " states"],
) -> tuple[AbstractAutoregressive, float]:
    """The fitted network and its Hellinger distance from the law, on the set.

    `law` sums to 1; states of weight 0 are padding. The fit itself is in float64: in
    float32 the damped metric can lose its definiteness to rounding.
    """
    dtype = model.weight_blocks()[0].dtype
    fitted, distance = _fit(
        _cast(model, np.dtype(float)), states, law.astype(jnp.float64)
    )
    return _cast(fitted, dtype), distance


def _fit(
    model: AbstractAutoregressive,
    states: Int[Array, "states variables"],
    law: Float[Array, " states"],
) -> tuple[AbstractAutoregressive, float]:
    before = -jnp.inf
    for _ in range(MOST_ITERATIONS):
        model, likelihood = _improve(model, states, law)
        if not likelihood - before > GAIN:
            break
        before = likelihood
    return model, float(_distance(model, states, law))


def _cast(model: AbstractAutoregressive, dtype: np.dtype) -> AbstractAutoregressive:
    """The same network in another precision."""
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, model
    )


@eqx.filter_jit
def _improve(
    model: AbstractAutoregressive,
    states: Int[Array, "states variables"],
    law: Float[Array, " states"],
) -> tuple[AbstractAutoregressive, Float[Array, ""]]:
    """One natural-gradient step, as long as the likelihood grows."""
    theta = model.weight_blocks()
    scores = scores_of(model, states)
    fisher = shift_diagonal(block_products(scores, scores, law), DIAG_SHIFT)
    direction = factor_blocks(fisher)(project(scores, law))

    def likelihood(length: Float[Array, ""]) -> Float[Array, ""]:
        there = model.with_weight_blocks(add(theta, direction, length))
        return law @ jax.vmap(there.log_prob)(states)

    lengths = jnp.asarray(LENGTHS, law.dtype)
    found = jax.lax.map(likelihood, lengths)
    best = jnp.argmax(jnp.where(jnp.isfinite(found), found, -jnp.inf))
    return model.with_weight_blocks(add(theta, direction, lengths[best])), found[best]


@eqx.filter_jit
def _distance(
    model: AbstractAutoregressive,
    states: Int[Array, "states variables"],
    law: Float[Array, " states"],
) -> Float[Array, ""]:
    overlap = jnp.sum(jnp.sqrt(law * jnp.exp(jax.vmap(model.log_prob)(states))))
    return jnp.sqrt(jnp.maximum(1.0 - overlap, 0.0))
