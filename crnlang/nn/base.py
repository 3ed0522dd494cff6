"""What every ansatz offers: conditionals, log-probability, samples, weight blocks."""

from abc import abstractmethod
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.nn.mask import StateMask

#: The type of log-probabilities, of weights in a batch and of all sums over one,
#: whatever that of the network.
SUMS = np.dtype("float64")

#: What a network is made of may rest in host memory; compiled programs take either.
Numbers = Array | np.ndarray

#: Weights, or anything with one entry a weight, as blocks with uncorrelated scores:
#: one array `blocks weights` for each shape of block.
Blocks = tuple[Float[Numbers, "_blocks _weights"], ...]


class AbstractAutoregressive(eqx.Module):
    """P(n) = prod_p P(n_p | n_<p) over the positions p of an autoregressive order.

    All methods act on one state; the caller vmaps. `order[p]` is the variable at
    position `p`; `levels` is the largest number of copy numbers of any variable.
    """

    order: eqx.AbstractVar[tuple[int, ...]]
    mask: eqx.AbstractVar[StateMask]

    @property
    def dtype(self) -> np.dtype:
        """The floating-point type of the weights."""
        return jax.tree.leaves(eqx.filter(self, eqx.is_inexact_array))[0].dtype

    @abstractmethod
    def masked_logits(
        self, ordered: Int[Array, " variables"], position: int
    ) -> Float[Array, " levels"]:
        """log P(n_p | n_<p) up to a constant, of every copy number at a free position.

        Only the entries of `ordered` before the position are read: counts along the
        order. Copy numbers that a cap or a conservation law excludes have -inf.
        """

    def branches(
        self, ordered: Int[Array, " variables"], position: int
    ) -> tuple[Int[Array, " branches"], Float[Array, " branches"]]:
        """The copy numbers that may stand at a position, and their log P(n_p | n_<p).

        One where a law determines it; else all, with -inf for those excluded.
        """
        closing = dict(self.mask.determined)
        if position in closing:
            value = self.mask.closing_value(ordered, position, closing[position])
            return value[None].astype(int), jnp.zeros(1, SUMS)
        logits = self.masked_logits(ordered, position)
        return jnp.arange(len(logits)), jax.nn.log_softmax(logits.astype(SUMS))

    @abstractmethod
    def log_prob(self, counts: Int[Array, " variables"]) -> Float[Array, ""]:
        """log P of a state that lies in the state space."""

    def log_ratios(
        self,
        counts: Int[Array, " variables"],
        changes: Int[np.ndarray, "channels variables"],
        inside: Bool[Array, " channels"],
    ) -> Float[Array, " channels"]:
        """log P(n + change) - log P(n) of every channel.

        0 where `inside` is false: there n + change lies outside the state space.
        """
        return plain_log_ratios(self.log_prob, counts, changes, inside)

    def sample(self, uniforms: Float[Array, " variables"]) -> Int[Array, " variables"]:
        """The state at the given quantiles of the conditionals (inverse CDF).

        `uniforms` in [0, 1), one a position: pseudo-random or quasi-random.
        """
        ordered = jnp.zeros(len(self.order), int)
        for position in range(len(self.order)):
            values, log_p = self.branches(ordered, position)
            place = at_quantile(jnp.exp(log_p), uniforms[position])
            ordered = ordered.at[position].set(values[place])
        return ordered[np.argsort(self.order)]

    @abstractmethod
    def weight_blocks(self) -> Blocks:
        """All weights as `SUMS`; scores of different blocks are uncorrelated."""

    @abstractmethod
    def with_weight_blocks(self, blocks: Blocks) -> "AbstractAutoregressive":
        """The same network with other weights, rounded to its type."""

    @abstractmethod
    def with_product_law(
        self, laws: tuple[Float[np.ndarray, " _levels"], ...]
    ) -> "AbstractAutoregressive":
        """The same network with the product of `laws` (one a variable) as its law.

        Exact, nothing trained; probabilities below a tiny floor are raised to it.
        """


def at_quantile(
    shares: Float[Array, " branches"], uniform: Float[Array, ""]
) -> Int[Array, ""]:
    """The place at a quantile of a law, which need not add up to 1 (inverse CDF)."""
    cdf = jnp.cumsum(shares)
    return jnp.minimum(jnp.sum(cdf < uniform * cdf[-1]), len(cdf) - 1)


def plain_log_ratios(
    log_prob: Callable[[Int[Array, " variables"]], Float[Array, ""]],
    counts: Int[Array, " variables"],
    changes: Int[np.ndarray, "channels variables"],
    inside: Bool[Array, " channels"],
) -> Float[Array, " channels"]:
    """log P(n + change) - log P(n) by a whole new log P for every channel."""
    neighbours = counts + jnp.where(inside[:, None], changes, 0)
    return jax.vmap(log_prob)(neighbours) - log_prob(counts)
