"""What the ansaetze whose conditionals share weights have in common.

One network reads the copy numbers along the order; what it holds before a position
makes the heights of the output there. Every weight may act on every conditional, so all
scores are one block. The biases of the outputs are free for each position: with the
outward weights at zero they are the whole law.
"""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from crnlang.nn.base import SUMS, AbstractAutoregressive, Blocks
from crnlang.nn.counts import Counts
from crnlang.nn.output import Output


class AbstractShared(AbstractAutoregressive):
    """One network for all conditionals; `outputs` has one entry a free position."""

    counts: eqx.AbstractVar[Counts]
    outputs: eqx.AbstractVar[tuple[Output, ...]]

    @abstractmethod
    def hidden(
        self, features: Float[Array, "before features"]
    ) -> Float[Array, "after width"]:
        """What the network holds before the free positions 0..before.

        `features` are of the copy numbers at the positions 0..before-1, and row p of
        the result depends on the first p of them.
        """

    @abstractmethod
    def heights(
        self, number: int, hidden: Float[Array, " width"]
    ) -> Float[Array, " basis"]:
        """The heights of the output at a free position."""

    @abstractmethod
    def shared_weights(self) -> tuple[PyTree, ...]:
        """The parts of this module that hold the weights, but for the biases."""

    @abstractmethod
    def silenced(self) -> "AbstractShared":
        """The same network with outward weights of zero: all heights are zero."""

    def masked_logits(
        self, ordered: Int[Array, " variables"], position: int
    ) -> Float[Array, " levels"]:
        """The logits at a free position."""
        number = self.mask.free.index(position)
        hidden = self._hidden(ordered, number)[number]
        return self._masked_logits(number, hidden, ordered)

    def log_conditionals(
        self, ordered: Int[Array, " variables"], first: int = 0
    ) -> tuple[Float[Array, " _levels"], ...]:
        """log P(m | n_<p) of every copy number m, at each free position from one on."""
        hidden = self._hidden(ordered, len(self.mask.free) - 1)
        return tuple(
            jax.nn.log_softmax(self._masked_logits(number, hidden[number], ordered))
            for number in range(first, len(self.mask.free))
        )

    def log_prob(self, counts: Int[Array, " variables"]) -> Float[Array, ""]:
        """log P of a state that lies in the state space."""
        return jnp.sum(self._terms(counts[np.asarray(self.order)], 0))

    def log_ratios(
        self,
        counts: Int[Array, " variables"],
        changes: Int[np.ndarray, "channels variables"],
        inside: Bool[Array, " channels"],
    ) -> Float[Array, " channels"]:
        """log P(n + change) - log P(n); see the base class.

        The conditionals before the first free position that a channel changes cancel.
        """
        ordered = counts[np.asarray(self.order)]
        moves = changes[:, list(self.order)]
        first = np.argmax(moves[:, list(self.mask.free)] != 0, axis=1)
        here = self._terms(ordered, 0)
        total = jnp.zeros(inside.shape, here.dtype)
        for number in np.unique(first):
            rows = np.flatnonzero(first == number)
            there = ordered + jnp.where(inside[rows, None], moves[rows], 0)
            terms = jax.vmap(self._terms, (0, None))(there, int(number))
            total = total.at[rows].set(jnp.sum(terms - here[number:], axis=1))
        return jnp.where(inside, total, 0.0)

    def with_product_law(
        self, laws: tuple[Float[np.ndarray, " _levels"], ...]
    ) -> "AbstractShared":
        """The product of `laws`, exactly, down to the floor."""
        biases = tuple(
            output.bias_of(laws[self.order[position]])
            for output, position in zip(self.outputs, self.mask.free, strict=True)
        )
        return eqx.tree_at(lambda m: m._biases(), self.silenced(), biases)

    def weight_blocks(self) -> Blocks:
        """One block."""
        weights = eqx.filter(self._trained(), eqx.is_inexact_array)
        return (ravel_pytree(weights)[0].astype(SUMS)[None],)

    def with_weight_blocks(self, blocks: Blocks) -> "AbstractShared":
        """The same network with other weights."""
        weights, rest = eqx.partition(self._trained(), eqx.is_inexact_array)
        row, unravel = ravel_pytree(weights)
        new = unravel(blocks[0][0].astype(row.dtype))
        return eqx.tree_at(lambda m: m._trained(), self, eqx.combine(new, rest))

    def _trained(self) -> tuple[PyTree, ...]:
        return *self.shared_weights(), *self._biases()

    def _biases(self) -> tuple[PyTree, ...]:
        return tuple(output.bias for output in self.outputs)

    def _hidden(
        self, ordered: Int[Array, " variables"], number: int
    ) -> Float[Array, "after width"]:
        """What the network holds before the free positions up to one."""
        before = np.asarray(self.mask.free[:number], int)
        return self.hidden(self.counts(ordered[before]).T)

    def _masked_logits(
        self,
        number: int,
        hidden: Float[Array, " width"],
        ordered: Int[Array, " variables"],
    ) -> Float[Array, " levels"]:
        logits = self.outputs[number].logits(self.heights(number, hidden))
        return self.mask.shut(logits, ordered, self.mask.free[number])

    def _terms(
        self, ordered: Int[Array, " variables"], first: int
    ) -> Float[Array, " some"]:
        """log P(n_p | n_<p) at the free positions from one on."""
        conditionals = self.log_conditionals(ordered, first)
        chosen = ordered[np.asarray(self.mask.free[first:])]
        terms = [c[m] for c, m in zip(conditionals, chosen, strict=True)]
        return jnp.stack(terms).astype(SUMS)
