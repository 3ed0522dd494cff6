"""Products with scores and drifts without storing either: one pass of the network each.

    O x = d/ds log P(n; theta + s x),        O^T y = d/dtheta sum_b y_b log P(n_b)

Source: Pearlmutter, Neural Computation 6 (1994) 147 (forward and reverse products).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.solve.linear import AbstractProducts
from crnlang.solve.pieces import over_batch
from crnlang.solve.problem import Generator


class ScoreProducts(AbstractProducts):
    """Scores O(n) less their mean, weighted with `weights`; 0 where all these are 0."""

    model: AbstractAutoregressive
    counts: Int[Array, "batch variables"]
    weights: Float[Array, " batch"]

    def combine(self, x: Blocks) -> Float[Array, " batch"]:
        """x . O(n)."""
        found = jax.jvp(self._log_prob, (self.model.weight_blocks(),), (x,))[1]
        return found - self.weights @ found

    def project(self, values: Float[Array, " batch"]) -> Blocks:
        """sum_b values_b O(n_b)."""
        pull = jax.vjp(self._log_prob, self.model.weight_blocks())[1]
        return pull(values - self.weights * jnp.sum(values))[0]

    def _log_prob(self, theta: Blocks) -> Float[Array, " batch"]:
        return over_batch(self.model.with_weight_blocks(theta).log_prob, self.counts)


class DriftProducts(eqx.Module):
    """Drifts D(n) = de/dtheta + min(e, 0) O, less their mean; see `solve.estimate`."""

    scores: ScoreProducts
    generator: Generator
    falling: Float[Array, " batch"]
    t: Float[Array, ""]

    def combine(self, x: Blocks) -> Float[Array, " batch"]:
        """x . D(n)."""
        model, counts = self.scores.model, self.scores.counts

        def gain(theta: Blocks) -> Float[Array, " batch"]:
            ratios = model.with_weight_blocks(theta).log_ratios
            influx = eqx.Partial(self.generator.influx, ratios, t=self.t)
            flows = over_batch(influx, counts)
            return jnp.sum(flows, axis=1)

        slope = jax.jvp(gain, (model.weight_blocks(),), (x,))[1]
        found = slope + self.falling * self.scores.combine(x)
        return found - self.scores.weights @ found
