"""A transformer: every position attends to the copy numbers at all positions before.

Source: Vaswani et al., NeurIPS 2017; normalised before each part, as in Xiong et al.,
ICML 2020. One of the ansaetze of arXiv 2512.10309.
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

#: Units of the layer inside each block, for each unit of the width.
INNER = 2


class Block(eqx.Module):
    """Attention, then one hidden layer; each is added to what goes in."""

    first: eqx.nn.LayerNorm
    attention: eqx.nn.MultiheadAttention
    second: eqx.nn.LayerNorm
    inner: eqx.nn.MLP

    def __call__(
        self, x: Float[Array, "positions width"]
    ) -> Float[Array, "positions width"]:
        """The block on all positions, none looking ahead."""
        y = jax.vmap(self.first)(x)
        x = x + self.attention(y, y, y, mask=jnp.tri(len(x), dtype=bool))
        return x + jax.vmap(self.inner)(jax.vmap(self.second)(x))


class Transformer(AbstractReader):
    """Blocks one after the other, a last normalisation, and one outward layer."""

    tokens: Tokens
    blocks: tuple[Block, ...]
    last: eqx.nn.LayerNorm
    outward: eqx.nn.Linear
    outputs: tuple[Output, ...]
    counts: Counts
    mask: StateMask
    order: tuple[int, ...] = eqx.field(static=True)

    def hidden(
        self, features: Float[Array, "before features"]
    ) -> Float[Array, "after width"]:
        """What the last block says of each position."""
        x = self.tokens(features)
        for block in self.blocks:
            x = block(x)
        return jax.vmap(self.last)(x)

    def shared_weights(self) -> tuple[PyTree, ...]:
        """Tokens, blocks, last normalisation and outward."""
        return self.tokens, self.blocks, self.last, self.outward


def build_transformer(
    mask: StateMask,
    order: Int[np.ndarray, " variables"],
    *,
    width: int,
    basis: int,
    layers: int,
    heads: int,
    key: PRNGKeyArray,
) -> Transformer:
    """A network whose law is uniform where nothing is masked.

    `heads` divide `width`.
    """
    caps = np.asarray(mask.caps)[list(mask.free)]
    key_tokens, key_out, *keys = jax.random.split(key, 2 + layers)
    return Transformer(
        tokens=build_tokens(len(caps), width, key_tokens),
        blocks=tuple(_build_block(width, heads, k) for k in keys),
        last=eqx.nn.LayerNorm(width),
        outward=build_outward(width, basis, key_out),
        outputs=tuple(build_output(int(cap), basis) for cap in caps),
        counts=build_counts(caps),
        mask=mask,
        order=tuple(int(variable) for variable in order),
    )


def _build_block(width: int, heads: int, key: PRNGKeyArray) -> Block:
    key_attention, key_inner = jax.random.split(key)
    return Block(
        first=eqx.nn.LayerNorm(width),
        attention=eqx.nn.MultiheadAttention(heads, width, key=key_attention),
        second=eqx.nn.LayerNorm(width),
        inner=eqx.nn.MLP(width, width, INNER * width, 1, jnp.tanh, key=key_inner),
    )
