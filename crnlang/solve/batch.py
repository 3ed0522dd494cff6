"""Where samples come from: quasi-random draws, half of them pushed along a channel.

The proposal q mixes draws from P with states just entered through a channel, every
channel equally often ("channel-balanced in-flux"): take source states with weight
a_k and fire the channel. Its density is known without extra work,

    q(n) / P(n) = 1 - rho + rho / K sum_k r_k(n) / E_P[a_k],

with r_k the in-flux ratios of the kernel, so the importance weights P/q are exact and
bounded by 1/(1 - rho). A slow channel that opens a new mode is seen from the start.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt
from scipy.stats import qmc

from crnlang.nn.base import AbstractAutoregressive
from crnlang.solve.problem import Generator

#: Bits of a quasi-random coordinate.
_BITS = 30


class Batch(eqx.Module):
    """Samples of q with their weights P/q, normalised to sum 1."""

    counts: Int[Array, "batch variables"]
    weights: Float[Array, " batch"]

    def effective_share(self) -> Float[Array, ""]:
        """Effective sample size over batch size (Kish), 1 for equal weights."""
        return 1.0 / jnp.sum(self.weights**2) / self.weights.shape[0]


class Draws(eqx.Module):
    """Samples of q whose weights wait for the in-flux ratios of the kernel.

    `mean_propensity` is E_P[a_k], estimated on the draws from P.
    """

    counts: Int[Array, "batch variables"]
    mean_propensity: Float[Array, " channels"]
    influx_share: float = eqx.field(static=True)

    def weigh(self, influx: Float[Array, "batch channels"]) -> Batch:
        """The weights P/q, from r_k of every sample and channel."""
        active = self.mean_propensity > 0
        scale = jnp.where(active, 1.0 / jnp.where(active, self.mean_propensity, 1), 0)
        number = jnp.maximum(jnp.sum(active), 1).astype(influx.dtype)
        balance = influx @ scale / number
        weights = 1.0 / (1.0 - self.influx_share + self.influx_share * balance)
        return Batch(self.counts, weights / jnp.sum(weights))


def sobol_points(size: int, variables: int, seed: int) -> UInt[Array, "size variables"]:
    """Scrambled Sobol points as integers; `quantiles` makes each draw unbiased."""
    power = int(np.ceil(np.log2(size)))
    sequence = qmc.Sobol(variables, bits=_BITS, rng=np.random.default_rng(seed))
    points = sequence.random_base2(power)[:size]
    return jnp.asarray(points * 2**_BITS, dtype=jnp.uint32)


def quantiles(
    key: PRNGKeyArray, points: UInt[Array, "size variables"], dtype: np.dtype
) -> Float[Array, "size variables"]:
    """The points after a random digital shift: each uniform in (0, 1), all spread out.

    Source: Owen, Monte Carlo theory, chapter 17 (randomised quasi-Monte Carlo).
    """
    shift = jax.random.bits(key, (points.shape[1],), jnp.uint32) >> (32 - _BITS)
    return ((points ^ shift).astype(dtype) + 0.5) / 2**_BITS


def draw(
    model: AbstractAutoregressive,
    generator: Generator,
    points: UInt[Array, "batch variables"],
    key: PRNGKeyArray,
    t: Float[Array, ""],
    influx_share: float,
) -> Draws:
    """Draw from the mixture q; `influx_share` is rho."""
    key_points, key_push = jax.random.split(key)
    size = points.shape[0]
    pushed = round(influx_share * size)
    dtype = model.weight_blocks()[0].dtype
    spread = quantiles(key_points, points[: size - pushed], dtype)
    drawn = jax.vmap(model.sample)(spread)
    propensities = jax.vmap(generator.outflux, in_axes=(0, None))(drawn, t)
    counts = drawn
    if pushed:
        entered = _push(key_push, drawn, propensities, generator.net_changes, pushed)
        counts = jnp.concatenate([drawn, entered])
    return Draws(counts, jnp.mean(propensities, axis=0), pushed / size)


def _push(
    key: PRNGKeyArray,
    drawn: Int[Array, "drawn variables"],
    propensities: Float[Array, "drawn channels"],
    net_changes: Int[np.ndarray, "channels variables"],
    size: int,
) -> Int[Array, "size variables"]:
    """States entered through a channel: every active channel equally often.

    Sources are resampled systematically (one uniform a channel) with weight a_k, and
    rounding must not choose one with a_k = 0. Where no channel is active, none fires.
    """
    channels = propensities.shape[1]
    active = jnp.max(propensities, axis=0) > 0
    number = jnp.maximum(jnp.sum(active), 1)
    ranked = jnp.argsort(~active, stable=True)
    draw = jnp.arange(size)
    channel = ranked[draw % number]
    places = (size - (draw % number) + number - 1) // number
    offset = jax.random.uniform(key, (channels,), propensities.dtype)[channel]
    cumulated = jnp.cumsum(propensities, axis=0)
    rank = (draw // number).astype(offset.dtype)
    among = places.astype(offset.dtype)
    whole = cumulated[-1, channel]
    below = whole * (1 - jnp.finfo(whole.dtype).eps)
    level = jnp.minimum((rank + offset) / among * whole, below)
    find = jax.vmap(lambda k, x: jnp.searchsorted(cumulated[:, k], x, side="right"))
    is_moving = jnp.any(active)
    found = find(channel, level).astype(draw.dtype)
    source = jnp.where(is_moving, found, draw % drawn.shape[0])
    return drawn[source] + jnp.where(is_moving, jnp.asarray(net_changes)[channel], 0)
