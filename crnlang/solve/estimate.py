"""What a batch says about the present moment: scores, local generator, Fisher matrix.

Notation, with the code's names: scores O (`scores`), local generator e (`rates`) and
D = d[(W P)/P]/d theta at fixed P(n) (`drifts`). Averages over the batch are weighted
with P/q; scores, rates and drifts are centred, which subtracts the sampling error of
identities that hold exactly (E[O] = 0, E[e] = 0).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.solve.batch import Batch, Draws
from crnlang.solve.linear import (
    BlockMatrices,
    BlockScores,
    block_products,
    combine,
    project,
)
from crnlang.solve.problem import Generator


class Estimate(eqx.Module):
    """Scores and rates of one batch under one model."""

    weights: Float[Array, " batch"]
    scores: BlockScores
    rates: Float[Array, " batch"]
    fisher: BlockMatrices

    def force(self) -> Blocks:
        """E[O e], the right-hand side of the variational equation."""
        return project(self.scores, self.weights * self.rates)

    def apply_fisher(self, x: Blocks, diag_shift: float) -> Blocks:
        """(S + diag_shift) x with the full sampled Fisher matrix S."""
        return add(
            project(self.scores, self.weights * combine(self.scores, x)), x, diag_shift
        )

    def norm(self, x: Blocks) -> Float[Array, ""]:
        """Length of a step in the Fisher metric, sqrt(x S x)."""
        return jnp.sqrt(jnp.sum(self.weights * combine(self.scores, x) ** 2))


def add(a: Blocks, b: Blocks, scale: float | Array = 1.0) -> Blocks:
    """a + scale b."""
    return tuple(x + scale * y for x, y in zip(a, b, strict=True))


def scaled(a: Blocks, scale: float | Array) -> Blocks:
    """scale a."""
    return tuple(scale * x for x in a)


def scores_of(
    model: AbstractAutoregressive, counts: Int[Array, "batch variables"]
) -> BlockScores:
    """d log P(n) / d theta for every sample, block by block."""

    def log_prob(blocks: Blocks, n: Int[Array, " variables"]) -> Float[Array, ""]:
        return model.with_weight_blocks(blocks).log_prob(n)

    return jax.vmap(jax.grad(log_prob), (None, 0))(model.weight_blocks(), counts)


def rates_of(
    model: AbstractAutoregressive,
    generator: Generator,
    counts: Int[Array, "batch variables"],
    t: Float[Array, ""],
) -> Float[Array, " batch"]:
    """e(n) = (W P)(n) / P(n) for every sample."""
    return jax.vmap(generator, (None, 0, None))(model.log_prob, counts, t)


def estimate(
    model: AbstractAutoregressive,
    generator: Generator,
    batch: Batch,
    t: Float[Array, ""],
) -> Estimate:
    """Scores, rates and Fisher blocks of a batch, centred."""
    scores = centre(scores_of(model, batch.counts), batch.weights)
    rates = rates_of(model, generator, batch.counts, t)
    return _assemble(batch.weights, scores, rates)


def open_batch(
    model: AbstractAutoregressive,
    generator: Generator,
    draws: Draws,
    t: Float[Array, ""],
) -> tuple[Batch, Estimate, BlockScores]:
    """Weights, estimate, and drifts D(n) = de/dtheta + min(e, 0) O of every sample.

    Differentiating S(theta) v = g(theta) gives A = E[O (de/dtheta + e O)^T] minus the
    change of S along v, whose leading part is E[e O O^T]. That part matters where P
    is too small for its in-flux (e large and positive): there it keeps log P from
    jumping, so it is kept for e > 0, which cancels `e O` in D, and left out for e < 0,
    where it would weaken the matrix.
    """

    def rate(
        blocks: Blocks, n: Int[Array, " variables"]
    ) -> tuple[Float[Array, ""], Float[Array, " channels"]]:
        influx = generator.influx(model.with_weight_blocks(blocks).log_prob, n, t)
        return jnp.sum(influx), influx

    (gains, influx), slopes = jax.vmap(
        jax.value_and_grad(rate, has_aux=True), (None, 0)
    )(model.weight_blocks(), draws.counts)
    losses = jax.vmap(generator.outflux, (0, None))(draws.counts, t)
    rates = gains - jnp.sum(losses, axis=1)
    batch = draws.weigh(influx)
    scores = centre(scores_of(model, batch.counts), batch.weights)
    falling = jnp.minimum(rates, 0.0)[:, None, None]
    drifts = tuple(d + falling * o for d, o in zip(slopes, scores, strict=True))
    now = _assemble(batch.weights, scores, rates)
    return batch, now, centre(drifts, batch.weights)


def centre(scores: BlockScores, weights: Float[Array, " batch"]) -> BlockScores:
    """The scores less their weighted mean."""
    means = project(scores, weights)
    return tuple(o - mean for o, mean in zip(scores, means, strict=True))


def _assemble(
    weights: Float[Array, " batch"], scores: BlockScores, rates: Float[Array, " batch"]
) -> Estimate:
    centred = rates - weights @ rates
    return Estimate(weights, scores, centred, block_products(scores, scores, weights))
