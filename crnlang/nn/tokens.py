"""Networks that treat all positions alike: what they read at each, how they answer."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from crnlang.nn.counts import FEATURES
from crnlang.nn.shared import AbstractShared


class Tokens(eqx.Module):
    """At position p: a vector of its own, and the copy number at the position before.

    Nothing stands before the first position.
    """

    places: eqx.nn.Embedding
    inward: eqx.nn.Linear

    def __call__(
        self, features: Float[Array, "before features"]
    ) -> Float[Array, "after width"]:
        """The tokens of the positions 0..before."""
        places = jax.vmap(self.places)(jnp.arange(len(features) + 1))
        return places.at[1:].add(jax.vmap(self.inward)(features))


class AbstractReader(AbstractShared):
    """Reads tokens; one outward layer answers at all positions."""

    tokens: eqx.AbstractVar[Tokens]
    outward: eqx.AbstractVar[eqx.nn.Linear]

    def heights(
        self, number: int, hidden: Float[Array, " width"]
    ) -> Float[Array, " basis"]:
        """As many as the output has functions."""
        return self.outward(hidden)[: len(self.outputs[number].bias)]

    def silenced(self) -> "AbstractReader":
        """No outward weights."""
        return eqx.tree_at(lambda m: m.outward, self, silence(self.outward))


def build_tokens(positions: int, width: int, key: PRNGKeyArray) -> Tokens:
    """Tokens of some positions."""
    key_place, key_in = jax.random.split(key)
    return Tokens(
        places=eqx.nn.Embedding(positions, width, key=key_place),
        inward=eqx.nn.Linear(FEATURES, width, use_bias=False, key=key_in),
    )


def build_outward(width: int, basis: int, key: PRNGKeyArray) -> eqx.nn.Linear:
    """From hidden units to heights, the same at all positions; zero at first."""
    return silence(eqx.nn.Linear(width, basis, use_bias=False, key=key))


def silence(outward: eqx.nn.Linear) -> eqx.nn.Linear:
    """The same layer with weights of zero."""
    return jax.tree.map(jnp.zeros_like, outward)
