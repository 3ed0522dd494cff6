"""A recurrent network: gated units carry what they keep from position to position.

Source: Cho et al., EMNLP 2014 (the unit); Tang, Weng, Zhang, Nature Machine
Intelligence 5 (2023) 376 (the ansatz). One layer in arXiv 2512.10309.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from crnlang.nn.counts import Counts, build_counts
from crnlang.nn.mask import StateMask
from crnlang.nn.output import Output, build_output
from crnlang.nn.tokens import AbstractReader, Tokens, build_outward, build_tokens


class Gru(AbstractReader):
    """Layers of gated units, each reading the one below, and one outward layer."""

    tokens: Tokens
    cells: tuple[eqx.nn.GRUCell, ...]
    outward: eqx.nn.Linear
    outputs: tuple[Output, ...]
    counts: Counts
    mask: StateMask
    order: tuple[int, ...] = eqx.field(static=True)

    def hidden(
        self, features: Float[Array, "before features"]
    ) -> Float[Array, "after width"]:
        """The state of the last layer at each position."""

        def layer(x: Float[Array, "after width"], cell: eqx.nn.GRUCell) -> Array:
            def step(h: Float[Array, " width"], row: Float[Array, " width"]):
                h = cell(row, h)
                return h, h

            return jax.lax.scan(step, jnp.zeros_like(x[0]), x)[1]

        x = self.tokens(features)
        for cell in self.cells:
            x = layer(x, cell)
        return x

    def shared_weights(self) -> tuple[PyTree, ...]:
        """Tokens, cells and outward."""
        return self.tokens, self.cells, self.outward


def build_gru(
    mask: StateMask,
    order: Int[np.ndarray, " variables"],
    *,
    width: int,
    basis: int,
    layers: int,
    key: PRNGKeyArray,
) -> Gru:
    """A network whose law is uniform where nothing is masked."""
    caps = np.asarray(mask.caps)[list(mask.free)]
    key_tokens, key_out, *keys = jax.random.split(key, 2 + layers)
    return Gru(
        tokens=build_tokens(len(caps), width, key_tokens),
        cells=tuple(eqx.nn.GRUCell(width, width, key=k) for k in keys),
        outward=build_outward(width, basis, key_out),
        outputs=tuple(build_output(int(cap), basis) for cap in caps),
        counts=build_counts(caps),
        mask=mask,
        order=tuple(int(variable) for variable in order),
    )
