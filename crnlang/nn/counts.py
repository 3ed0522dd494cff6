"""Copy numbers as a network sees them."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Real

from crnlang.nn.base import Numbers
from crnlang.nn.inputs import Inputs, sums_of

#: Features of each copy number.
FEATURES = 2


class Counts(eqx.Module):
    """The copy number and its square root, both scaled to -1..1.

    A variable of two levels has only the first. `scale` is the largest copy number at
    each free position.
    """

    scale: Float[Numbers, " free"]

    def __call__(self, counts: Real[Array, " some"]) -> Float[Array, "features some"]:
        """The features at the first free positions; of means of counts as well."""
        return features_of(counts, self.scale[: len(counts)])

    def sums(
        self, inputs: Inputs, counts: Real[Array, " before"]
    ) -> tuple[Real[Array, " inputs"], Float[Array, " inputs"]]:
        """The inputs of a conditional from the counts before it, and the largest."""
        return sums_of(inputs, counts), sums_of(inputs, jnp.asarray(self.scale))


def features_of(
    counts: Real[Array, " some"], scale: Float[Numbers, " some"]
) -> Float[Array, "features some"]:
    """The features of counts, or of sums of some, `scale` being the largest ones."""
    share = counts.astype(scale.dtype) / scale
    root = jnp.where(scale > 1, jnp.sqrt(share), 0.0)
    return jnp.stack([2 * share - 1, jnp.where(scale > 1, 2 * root - 1, 0.0)])


def build_counts(caps: Int[np.ndarray, " free"]) -> Counts:
    """The features of free positions with the given caps."""
    return Counts(np.maximum(caps, 1.0))
