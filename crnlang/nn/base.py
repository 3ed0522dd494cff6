"""What every ansatz offers: conditionals, log-probability, samples, weight blocks."""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


class AbstractAutoregressive(eqx.Module):
    """P(n) = prod_p P(n_p | n_<p) over the positions p of an autoregressive order.

    All methods act on one state; the caller vmaps. `order[p]` is the variable at
    position `p`; `levels` is the largest number of copy numbers of any variable.
    """

    order: eqx.AbstractVar[Int[Array, " variables"]]

    @abstractmethod
    def conditionals(
        self, counts: Int[Array, " variables"]
    ) -> Float[Array, "variables levels"]:
        """log P(n_p = m | n_<p) for every position p and copy number m.

        Copy numbers that a cap or a conservation law excludes have -inf.
        """

    @abstractmethod
    def sample(self, uniforms: Float[Array, " variables"]) -> Int[Array, " variables"]:
        """The state at the given quantiles of the conditionals (inverse CDF).

        `uniforms` in [0, 1), one a position: pseudo-random or quasi-random.
        """

    def log_prob(self, counts: Int[Array, " variables"]) -> Float[Array, ""]:
        """log P(counts); -inf outside the state space."""
        chosen = counts[self.order][:, None]
        table = self.conditionals(counts)
        picked = jnp.take_along_axis(
            table, jnp.clip(chosen, 0, table.shape[1] - 1), axis=1
        )
        inside = (chosen >= 0) & (chosen < table.shape[1])
        return jnp.sum(jnp.where(inside, picked, -jnp.inf))
