"""From what a network says of a position to a law of the copy number there."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.polynomial import chebyshev

from crnlang.nn.base import Numbers

#: Smallest log-probability that the product initial law can carry.
FLOOR = -30.0
#: Power of the scale of rough functions; see `smooth_functions`.
ROUGHNESS = 2.0


class AbstractOutput(eqx.Module):
    """Logits of one free position, from `heights` that depend on the prefix.

    logits(m) = smooth[m] . bias + smooth[m, :basis] . heights

    `smooth` is a complete basis of functions of the copy number m, ordered from smooth
    to rough, the rough ones scaled down: damping and noise act on weights, so rough
    changes of the law are held back and smooth ones are not.
    """

    bias: eqx.AbstractVar[Float[Numbers, " functions"]]
    smooth: eqx.AbstractVar[Float[Numbers, "levels functions"]]

    def logits(
        self, heights: Float[Array, "*states basis"]
    ) -> Float[Array, "*states levels"]:
        """Unnormalised log-probabilities, nothing masked."""
        basis = heights.shape[-1]
        free = jnp.matmul(self.smooth, self.bias)
        return free + heights @ self.smooth[:, :basis].T

    def logit_at(
        self, heights: Float[Array, "*states basis"], level: Int[Array, "*states"]
    ) -> Float[Array, "*states"]:
        """The logit of one copy number for each state."""
        basis = heights.shape[-1]
        rows = self.smooth[level]
        return rows @ self.bias + jnp.sum(rows[..., :basis] * heights, axis=-1)

    def bias_of(self, law: Float[np.ndarray, " _levels"]) -> Float[Array, " functions"]:
        """The bias whose logits without heights are those of a law over `0..`."""
        smooth = np.asarray(self.smooth, float)
        padded = np.zeros(len(smooth))
        padded[: len(law)] = law
        with np.errstate(divide="ignore"):
            table = np.maximum(np.log(padded), FLOOR)
        bias = (smooth.T @ table) / np.sum(smooth**2, axis=0)
        return jnp.asarray(bias, self.bias.dtype)


class Output(AbstractOutput):
    """The output of a position whose heights come from elsewhere."""

    bias: Float[Numbers, " functions"]
    smooth: Float[Numbers, "levels functions"]


def build_output(cap: int, basis: int) -> Output:
    """The output of a position with copy numbers `0..cap`."""
    smooth = smooth_functions(cap, basis)
    return Output(jnp.zeros(smooth.shape[1]), jnp.asarray(smooth))


def smooth_functions(cap: int, basis: int) -> Float[np.ndarray, "levels functions"]:
    """Polynomials in the square root of the copy number, of degree 1..cap.

    Orthogonal over the levels with mean square 1, those of degree k beyond `basis`
    scaled by (basis / k)^2. With the constant, which a softmax does not see, they span
    every function of the copy number.
    """
    x = 2 * np.sqrt(np.arange(cap + 1) / max(cap, 1)) - 1
    q, _ = np.linalg.qr(chebyshev.chebvander(x, cap))
    degree = np.arange(1, cap + 1)
    return q[:, 1:] * np.sqrt(cap + 1) * np.minimum(1.0, basis / degree) ** ROUGHNESS
