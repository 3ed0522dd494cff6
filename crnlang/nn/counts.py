"""Copy numbers as a network sees them."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Real

from crnlang.nn.base import Numbers

#: Features of each copy number.
FEATURES = 2


class Counts(eqx.Module):
    """The copy number and its square root, both scaled to -1..1.

    A variable of two levels has only the first. `scale` is the largest copy number at
    each free position, `is_counted` whether it exceeds 1.
    """

    scale: Float[Numbers, " free"]
    is_counted: Float[Numbers, " free"]

    def __call__(self, counts: Real[Array, " some"]) -> Float[Array, "features some"]:
        """The features at the first free positions; of means of counts as well."""
        return self._at(counts, np.arange(len(counts)))

    def steps(
        self,
        counts: Int[Array, " free"],
        place: Int[np.ndarray, " singles"],
        step: Int[np.ndarray, " singles"],
    ) -> Float[Array, "features singles"]:
        """How the features change where one count does; below 0 it stays at 0."""
        before = counts[place]
        after = jnp.maximum(before + step, 0)
        return self._at(after, place) - self._at(before, place)

    def _at(
        self, counts: Real[Array, " some"], place: Int[np.ndarray, " some"]
    ) -> Float[Array, "features some"]:
        """The features of counts at some free positions."""
        share = counts.astype(self.scale.dtype) / self.scale[place]
        is_counted = self.is_counted[place]
        root = jnp.sqrt(share) * is_counted
        return jnp.stack([2 * share - 1, 2 * root - is_counted])


def build_counts(caps: Int[np.ndarray, " free"]) -> Counts:
    """The features of free positions with the given caps."""
    return Counts(np.maximum(caps, 1.0), np.asarray(caps > 1, float))
