"""NADE: one hidden layer whose inward weights serve all later conditionals.

    hidden_p = tanh(shift + sum_{q < p} inward_q x_q),    heights_p = outward_p hidden_p

Source: Larochelle and Murray, "The neural autoregressive distribution estimator",
AISTATS 2011, there for bits; with softmax outputs Uria et al., JMLR 17 (2016) 1. The
paper's ansatz of width 16 (arXiv 2512.10309).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from crnlang.nn.counts import FEATURES, Counts, build_counts
from crnlang.nn.mask import StateMask
from crnlang.nn.output import Output, build_output
from crnlang.nn.shared import AbstractShared


class Nade(AbstractShared):
    """See the module."""

    inward: Float[Array, "free width features"]
    shift: Float[Array, " width"]
    outward: tuple[Float[Array, "_basis width"], ...]
    outputs: tuple[Output, ...]
    counts: Counts
    mask: StateMask
    order: tuple[int, ...] = eqx.field(static=True)

    def hidden(
        self, features: Float[Array, "before features"]
    ) -> Float[Array, "after width"]:
        """The hidden units before each position."""
        added = jnp.einsum("pwf,pf->pw", self.inward[: len(features)], features)
        sums = jnp.cumsum(jnp.concatenate([self.shift[None], added]), axis=0)
        return jnp.tanh(sums)

    def heights(
        self, number: int, hidden: Float[Array, " width"]
    ) -> Float[Array, " basis"]:
        """Every position has outward weights of its own."""
        return self.outward[number] @ hidden

    def shared_weights(self) -> tuple[PyTree, ...]:
        """Inward, shift and outward."""
        return self.inward, self.shift, self.outward

    def silenced(self) -> "Nade":
        """No outward weights."""
        zeros = jax.tree.map(jnp.zeros_like, self.outward)
        return eqx.tree_at(lambda m: m.outward, self, zeros)


def build_nade(
    mask: StateMask,
    order: Int[np.ndarray, " variables"],
    *,
    width: int,
    basis: int,
    key: PRNGKeyArray,
) -> Nade:
    """A network whose law is uniform where nothing is masked.

    The inward weights are scaled as if all positions came before.
    """
    caps = np.asarray(mask.caps)[list(mask.free)]
    key_in, key_shift = jax.random.split(key)
    shape = (len(caps), width, FEATURES)
    outputs = tuple(build_output(int(cap), basis) for cap in caps)
    return Nade(
        inward=jax.random.normal(key_in, shape) / np.sqrt(FEATURES * len(caps)),
        shift=0.5 * jax.random.normal(key_shift, (width,)),
        outward=tuple(jnp.zeros((min(basis, len(o.bias)), width)) for o in outputs),
        outputs=outputs,
        counts=build_counts(caps),
        mask=mask,
        order=tuple(int(variable) for variable in order),
    )
