"""Pareto smoothing of importance weights: the largest by what a fitted tail expects.

The shape k of the tail says whether the weights can be trusted: below 0.5 their
variance is finite, above 0.7 no practical number of samples is enough. Source: A.
Vehtari, D. Simpson, A. Gelman, Y. Yao, J. Gabry, J. Mach. Learn. Res. 25 (2024) 72; the
fit: J. Zhang, M. A. Stephens, Technometrics 51 (2009) 316.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

#: The fit's candidates: so many and the root of the size of the tail.
CANDIDATES = 30
#: How much a candidate's prior is drawn to the quartile; k is drawn to 1/2 as by so
#: many samples.
SPREAD, PRIOR = 3.0, 10.0
#: Weights closer together than this share of the largest have no tail.
EVEN = 1e-6


def smoothed(
    weights: Float[Array, " batch"],
) -> tuple[Float[Array, " batch"], Float[Array, ""]]:
    """The weights with a smooth tail, none larger than before, and the shape k of it.

    k is 0 where the largest weights are alike.
    """
    size = len(weights)
    tail = max(int(min(size / 5, 3 * size**0.5)), 5)
    order = jnp.argsort(weights)
    ascending = weights[order]
    cut = ascending[-tail - 1]
    above = ascending[-tail:] - cut
    has_tail = above[max(int(tail / 4 + 0.5) - 1, 0)] > EVEN * ascending[-1]
    safe = jnp.where(has_tail, above, jnp.linspace(0.1, 1.0, tail, dtype=above.dtype))
    shape, scale = _fit(safe)
    shares = (jnp.arange(tail, dtype=above.dtype) + 0.5) / tail
    expected = cut + _quantiles(shares, shape, scale)
    replaced = jnp.minimum(expected, ascending[-1])
    whole = jnp.where(has_tail, ascending.at[-tail:].set(replaced), ascending)
    return (
        jnp.zeros_like(weights).at[order].set(whole),
        jnp.where(has_tail, shape, 0.0),
    )


def _fit(above: Float[Array, " tail"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Shape and scale of a generalised Pareto law from ascending positive numbers."""
    size = len(above)
    number = CANDIDATES + int(size**0.5)
    place = jnp.arange(1, number + 1, dtype=above.dtype)
    quartile = above[max(int(size / 4 + 0.5) - 1, 0)]
    rates = 1 / above[-1] + (1 - jnp.sqrt(number / (place - 0.5))) / (SPREAD * quartile)
    shapes = jnp.mean(jnp.log1p(-rates[:, None] * above), axis=1)
    fit = size * (jnp.log(-rates / shapes) - shapes - 1)
    rate = jnp.sum(rates * jax.nn.softmax(fit))
    shape = jnp.mean(jnp.log1p(-rate * above))
    return (size * shape + PRIOR / 2) / (size + PRIOR), -shape / rate


def _quantiles(
    shares: Float[Array, " tail"], shape: Float[Array, ""], scale: Float[Array, ""]
) -> Float[Array, " tail"]:
    """The quantiles of a generalised Pareto law."""
    is_zero = jnp.abs(shape) < 1e-8
    safe = jnp.where(is_zero, 1.0, shape)
    logs = -jnp.log1p(-shares)
    return scale * jnp.where(is_zero, logs, jnp.expm1(safe * logs) / safe)
