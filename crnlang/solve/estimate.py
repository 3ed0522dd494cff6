"""What a batch says about the present moment: scores, local generator, Fisher matrix.

Notation, with the code's names: scores O (`scores`), local generator e (`rates`) and
D = de/dtheta (`drifts`). Averages over the batch are weighted with P/q; scores, rates
and drifts are centred, which subtracts the sampling error of identities that hold
exactly (E[O] = 0, E[e] = 0).
"""

from collections.abc import Iterable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from crnlang.nn.base import SUMS, AbstractAutoregressive, Blocks
from crnlang.solve.batch import Batch, Draws, Flows
from crnlang.solve.linear import (
    AbstractProducts,
    BlockMatrices,
    BlockScores,
    Scores,
    block_products,
    combine,
    project,
)
from crnlang.solve.pieces import over_batch, piece_size
from crnlang.solve.problem import Generator
from crnlang.solve.products import DriftProducts, ScoreProducts


class Estimate(eqx.Module):
    """Scores and rates of one batch under one model."""

    weights: Float[Array, " batch"]
    scores: Scores
    rates: Float[Array, " batch"]

    def blocks(self) -> BlockMatrices:
        """The diagonal blocks of S, from scores that are stored."""
        assert not isinstance(self.scores, AbstractProducts)
        return block_products(self.scores, self.scores, self.weights)

    def force(self) -> Blocks:
        """E[O e], the right-hand side of the variational equation."""
        return project(self.scores, self.weights * self.rates)

    def apply_fisher(self, x: Blocks, diag_shift: float | Array) -> Blocks:
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


def dot(a: Blocks, b: Blocks) -> Float[Array, ""]:
    """a . b over all weights."""
    parts = [jnp.sum(x * y) for x, y in zip(a, b, strict=True)]
    return jnp.sum(jnp.stack(parts))


def scaled(a: Blocks, scale: float | Array) -> Blocks:
    """scale a."""
    return tuple(scale * x for x in a)


def weigh(parts: Sequence[Blocks], weights: Iterable[float]) -> Blocks:
    """The parts times their weights, summed; weights beyond the parts do not count."""
    total = scaled(parts[0], 0.0)
    for part, weight in zip(parts, weights, strict=False):
        total = add(total, part, float(weight))
    return total


def scores_of(
    model: AbstractAutoregressive, counts: Int[Array, "batch variables"]
) -> BlockScores:
    """d log P(n) / d theta for every sample, block by block."""
    return over_batch(eqx.Partial(_score, model), counts)


def _score(model: AbstractAutoregressive, n: Int[Array, " variables"]) -> Blocks:
    """d log P(n) / d theta."""

    def log_prob(blocks: Blocks) -> Float[Array, ""]:
        return model.with_weight_blocks(blocks).log_prob(n)

    found = jax.grad(log_prob)(model.weight_blocks())
    return tuple(part.astype(model.dtype) for part in found)


def rates_of(
    model: AbstractAutoregressive,
    generator: Generator,
    counts: Int[Array, "batch variables"],
    t: Float[Array, ""],
) -> Float[Array, " batch"]:
    """e(n) = (W P)(n) / P(n) for every sample."""
    size = piece_size(model, generator)
    return over_batch(eqx.Partial(generator, model.log_ratios, t=t), counts, size)


def estimate(
    model: AbstractAutoregressive,
    generator: Generator,
    batch: Batch,
    t: Float[Array, ""],
    *,
    is_stored: bool,
) -> Estimate:
    """Scores and rates of a batch, centred; the scores stored or only multiplied."""
    rates = rates_of(model, generator, batch.counts, t)
    return _assemble(model, batch, rates, is_stored=is_stored)


def open_batch(
    model: AbstractAutoregressive,
    generator: Generator,
    draws: Draws,
    t: Float[Array, ""],
    *,
    is_stored: bool,
) -> tuple[Batch, Float[Array, " batch"], Estimate]:
    """A batch whose weights wait for the in-flux: weights, log P and estimate."""
    size = piece_size(model, generator)
    found = over_batch(eqx.Partial(_look, model, generator, t), draws.counts, size)
    log_p, influx, source_propensities, losses = found
    flows = Flows(log_p, influx, source_propensities)
    batch = draws.weigh(flows)
    rates = jnp.sum(flows.influx, axis=1) - losses
    return batch, flows.log_p, _assemble(model, batch, rates, is_stored=is_stored)


def _look(
    model: AbstractAutoregressive,
    generator: Generator,
    t: Float[Array, ""],
    n: Int[Array, " variables"],
) -> tuple[
    Float[Array, ""], Float[Array, " channels"], Float[Array, " channels"], Array
]:
    """log P, r_k(n) and a_k(n - s_k) of every channel, and how fast n is left."""
    return (
        model.log_prob(n),
        generator.influx(model.log_ratios, n, t),
        generator.source_propensities(n, t),
        jnp.sum(generator.outflux(n, t)),
    )


class Jacobian(eqx.Module):
    """A = E[O D^T], from the drifts D of every sample."""

    drifts: BlockScores | DriftProducts

    def apply(self, now: Estimate, x: Blocks) -> Blocks:
        """A x."""
        return project(now.scores, now.weights * self._combine(x))

    def blocks(self, now: Estimate) -> BlockMatrices:
        """The diagonal blocks of A, from scores and drifts that are stored."""
        assert not isinstance(now.scores, AbstractProducts)
        assert not isinstance(self.drifts, DriftProducts)
        return block_products(now.scores, self.drifts, now.weights)

    def _combine(self, x: Blocks) -> Float[Array, " batch"]:
        if isinstance(self.drifts, DriftProducts):
            return self.drifts.combine(x)
        return combine(self.drifts, x)


def jacobian_of(
    model: AbstractAutoregressive,
    generator: Generator,
    batch: Batch,
    now: Estimate,
    t: Float[Array, ""],
) -> Jacobian:
    """A from the drifts D(n) = de/dtheta + min(e, 0) O, stored where the scores are.

    Differentiating S(theta) v = g(theta) gives A = E[O (de/dtheta + e O)^T] minus the
    change of S along v, whose leading part is E[e O O^T]. That part matters where P
    is too small for its in-flux (e large and positive): there it keeps log P from
    jumping, so it is kept for e > 0, which cancels `e O` in D, and left out for e < 0,
    where it would weaken the matrix.
    """
    falling = jnp.minimum(now.rates, 0.0)
    if isinstance(now.scores, ScoreProducts):
        return Jacobian(DriftProducts(now.scores, generator, falling, t))
    assert not isinstance(now.scores, AbstractProducts)

    size = piece_size(model, generator)
    slopes = over_batch(eqx.Partial(_slope, model, generator, t), batch.counts, size)
    drifts = tuple(
        d + falling.astype(d.dtype)[:, None, None] * o
        for d, o in zip(slopes, now.scores, strict=True)
    )
    return Jacobian(centre(drifts, now.weights))


def _slope(
    model: AbstractAutoregressive,
    generator: Generator,
    t: Float[Array, ""],
    n: Int[Array, " variables"],
) -> Blocks:
    """de(n) / d theta."""

    def gain(blocks: Blocks) -> Float[Array, ""]:
        ratios = model.with_weight_blocks(blocks).log_ratios
        return jnp.sum(generator.influx(ratios, n, t))

    found = jax.grad(gain)(model.weight_blocks())
    if model.dtype == SUMS:
        return found
    # what is beyond the type is left out: any Jacobian does for these steps
    kept = (jnp.where(jnp.isfinite(part), part, 0.0) for part in found)
    return tuple(part.astype(model.dtype) for part in kept)


def centre(scores: BlockScores, weights: Float[Array, " batch"]) -> BlockScores:
    """The scores less their weighted mean."""
    means = project(scores, weights)
    return tuple(
        o - mean.astype(o.dtype) for o, mean in zip(scores, means, strict=True)
    )


def _assemble(
    model: AbstractAutoregressive,
    batch: Batch,
    rates: Float[Array, " batch"],
    *,
    is_stored: bool,
) -> Estimate:
    weights = batch.weights
    if is_stored:
        scores = centre(scores_of(model, batch.counts), weights)
    else:
        scores = ScoreProducts(model, batch.counts, weights)
    return Estimate(weights, scores, rates - weights @ rates)
