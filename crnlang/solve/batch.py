"""Where samples come from: draws from P, and states just entered through a channel.

States that the law is about to need are rare in P itself. So a share of every batch
comes from the in-flux: take source states with weight a_k(n) P(n), fire channel k,
every channel equally often ("channel-balanced in-flux"). A slow channel that opens a
new mode is seen from the start. How likely a state was to be drawn follows from terms
that the kernel computes anyway, so every weight is known, and there are two ways:

- `DistinctDraws`: every state at most once (`solve.race`), weighted with the inverse of
  the probability that it is in the batch. Only what the batch may have missed is noise:
  a law with few likely states is summed exactly.
- `MixtureDraws`: quasi-random draws, weighted with the inverse of their density.
"""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt
from scipy.stats import qmc

from crnlang.nn.base import SUMS, AbstractAutoregressive
from crnlang.solve.pieces import over_batch
from crnlang.solve.problem import Generator
from crnlang.solve.race import NEVER, Race, race

#: Bits of a quasi-random coordinate.
_BITS = 30
#: In-flux states looked at for each one kept, as most are in the batch already.
LOOKED_AT = 8


class Batch(eqx.Module):
    """Samples with their weights, normalised to sum 1.

    `effective_size` is how many independent draws from P would be as exact; infinite
    where nothing was missed.
    """

    counts: Int[Array, "batch variables"]
    weights: Float[Array, " batch"]
    effective_size: Float[Array, ""]


class Flows(eqx.Module):
    """What the kernel says of every sample: log P, r_k(n) and a_k(n - s_k)."""

    log_p: Float[Array, " batch"]
    influx: Float[Array, "batch channels"]
    source_propensities: Float[Array, "batch channels"]


class Draws(eqx.Module):
    """Samples whose weights wait for the flows of the kernel."""

    counts: eqx.AbstractVar[Int[Array, "batch variables"]]

    @abstractmethod
    def weigh(self, flows: Flows) -> Batch:
        """The samples with weights such that E_P[f] = sum_b w_b f(n_b) on average."""


class MixtureDraws(Draws):
    """Draws from a mixture q of P and its in-flux.

        q(n) / P(n) = 1 - rho + rho / K sum_k r_k(n) / E_P[a_k]

    So the weights P/q are bounded by 1/(1 - rho). `mean_propensity` is E_P[a_k],
    estimated on the draws from P.
    """

    counts: Int[Array, "batch variables"]
    mean_propensity: Float[Array, " channels"]
    influx_share: float = eqx.field(static=True)

    def weigh(self, flows: Flows) -> Batch:
        """The weights P/q."""
        active = self.mean_propensity > 0
        scale = jnp.where(active, 1.0 / jnp.where(active, self.mean_propensity, 1), 0)
        number = jnp.maximum(jnp.sum(active), 1).astype(scale.dtype)
        balance = flows.influx @ scale / number
        weights = 1.0 / (1.0 - self.influx_share + self.influx_share * balance)
        weights = weights / jnp.sum(weights)
        return Batch(self.counts, weights, 1.0 / jnp.sum(weights**2))


class DistinctDraws(Draws):
    """Distinct states: the first to arrive in a race, and some that they enter.

    A state is in the race with probability 1 - exp(-limit P(n)). A state n that was in
    it was a source of channel k with probability 1 - exp(-picks_k a_k(n) w(n)), where
    w(n) = P(n) / (1 - exp(-limit P(n))). Rows where `is_state` is false are empty.
    """

    counts: Int[Array, "batch variables"]
    is_state: Bool[Array, " batch"]
    limit: Float[Array, ""]
    picks: Float[Array, " channels"]

    def weigh(self, flows: Flows) -> Batch:
        """The inverse of the probability that a state is in the batch, times P(n).

        Everything relative to P(n), in logarithms: P may be 1e-100.
        """
        log_p, log_n = flows.log_p, jnp.log(self.limit)
        has_source = flows.influx > 0
        propensity = jnp.where(has_source, flows.source_propensities, 1.0)
        ratio = jnp.log(jnp.where(has_source, flows.influx, 1.0) / propensity)
        seen = ratio + log_n + _log_share(ratio + log_n + log_p[:, None])
        pick = self.picks * propensity * jnp.exp(ratio - seen)
        log_pick = jnp.log(jnp.where(self.picks > 0, -jnp.expm1(-pick), 1.0))
        is_way = has_source & (self.picks > 0)
        entered = jnp.where(is_way, seen + log_pick, -jnp.inf)
        raced = log_n + _log_share(log_n + log_p)
        ways = jnp.concatenate([raced[:, None], entered], axis=1)
        rate = jax.nn.logsumexp(ways + _log_rate(ways + log_p[:, None]), axis=1)
        drawn = rate + _log_share(rate + log_p)
        weights = jnp.where(self.is_state, jnp.exp(-drawn), 0.0)
        weights = weights / jnp.sum(weights)
        is_missing = self.is_state & (self.limit < NEVER)
        missed = jnp.where(is_missing, -jnp.expm1(jnp.minimum(drawn + log_p, 0)), 0)
        return Batch(self.counts, weights, 1.0 / jnp.sum(weights**2 * missed))


def _log_share(log_x: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """log((1 - exp(-x)) / x): a probability over its rate."""
    x = jnp.exp(jnp.minimum(log_x, 40.0))
    is_small = x < 1e-3
    return jnp.where(
        is_small, -x / 2, jnp.log(-jnp.expm1(-jnp.where(is_small, 1.0, x))) - log_x
    )


def _log_rate(log_y: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """log(-log(1 - y) / y): a rate over its probability."""
    y = jnp.exp(jnp.minimum(log_y, -1e-6))
    is_small = y < 1e-3
    safe = jnp.where(is_small, 0.5, y)
    return jnp.where(is_small, y / 2, jnp.log(-jnp.log1p(-safe) / safe))


def draw_distinct(
    model: AbstractAutoregressive,
    generator: Generator,
    size: int,
    key: PRNGKeyArray,
    t: Float[Array, ""],
    influx_share: float,
) -> DistinctDraws:
    """At most `size` distinct states, `influx_share` of them entered by a channel."""
    key_race, key_push = jax.random.split(key)
    pushed = round(influx_share * size)
    first = race(model, size - pushed, key_race)
    if not pushed:
        nothing = jnp.zeros(len(generator.net_changes), first.limit.dtype)
        return DistinctDraws(first.counts, first.arrived, first.limit, nothing)
    entered, is_new, picks = _enter(key_push, model, generator, first, t, pushed)
    return DistinctDraws(
        jnp.concatenate([first.counts, entered]),
        jnp.concatenate([first.arrived, is_new]),
        first.limit,
        picks,
    )


def _enter(
    key: PRNGKeyArray,
    model: AbstractAutoregressive,
    generator: Generator,
    first: Race,
    t: Float[Array, ""],
    size: int,
) -> tuple[
    Int[Array, "size variables"], Bool[Array, " size"], Float[Array, " channels"]
]:
    """States that the sources enter and that are not among the sources.

    With them: whether each row is a state, and the picks of each channel over the
    in-flux of all sources.
    """
    log_p = over_batch(model.log_prob, first.counts)
    log_n = jnp.log(first.limit)
    weights = jnp.exp(-log_n - _log_share(log_n + log_p))
    weights = jnp.where(first.arrived, weights, 0.0)
    propensities = jax.vmap(generator.outflux, (0, None))(first.counts, t)
    cumulated = jnp.cumsum(propensities * weights[:, None], axis=0).T
    whole = cumulated[:, -1]
    channels = len(whole)
    each = -(-LOOKED_AT * size // channels)
    level = jax.random.uniform(key, (channels, each), whole.dtype) * whole[:, None]
    below = whole[:, None] * (1 - jnp.finfo(whole.dtype).eps)
    find = jax.vmap(lambda c, x: jnp.searchsorted(c, x, side="right"))
    source = find(cumulated, jnp.minimum(level, below)).T
    is_entry = jnp.broadcast_to(whole > 0, source.shape).ravel()
    source = jnp.where(whole > 0, source, 0)
    targets = first.counts[source] + jnp.asarray(generator.net_changes)
    targets = targets.reshape(-1, targets.shape[-1])
    everything = jnp.concatenate([first.counts, targets])
    is_state = jnp.concatenate([first.arrived, is_entry])
    is_new = _is_first(everything, is_state)[len(first.counts) :]
    number = jnp.cumsum(is_new)
    is_kept = is_new & (number <= size)
    looked_at = 1 + jnp.argmax(number >= size)
    share = jnp.where(number[-1] >= size, looked_at / len(number), 1.0)
    chosen = jnp.argsort(~is_kept, stable=True)[:size]
    kept = is_kept[chosen]
    states = jnp.where(kept[:, None], targets[chosen], first.counts[0])
    rounds = (share * each).astype(whole.dtype)
    picks = jnp.where(whole > 0, rounds / jnp.where(whole > 0, whole, 1.0), 0.0)
    return states, kept, picks


def _is_first(
    states: Int[Array, "many variables"], is_state: Bool[Array, " many"]
) -> Bool[Array, " many"]:
    """Whether a row is a state that no earlier row holds."""
    multipliers = _hash_multipliers(states.shape[1])
    left, right = (states.astype(jnp.uint32) @ m for m in multipliers)
    place = jnp.arange(len(states))
    is_empty, left, right, place = jax.lax.sort(
        (~is_state, left, right, place), num_keys=3, is_stable=True
    )
    is_repeat = (left[1:] == left[:-1]) & (right[1:] == right[:-1])
    is_first = ~is_empty & ~jnp.concatenate([jnp.zeros(1, bool), is_repeat])
    return jnp.zeros(len(states), bool).at[place].set(is_first)


def _hash_multipliers(variables: int) -> UInt[np.ndarray, "2 variables"]:
    random = np.random.default_rng(20251210)
    return random.integers(1, 2**32, (2, variables), dtype=np.uint32)


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


def draw_mixture(
    model: AbstractAutoregressive,
    generator: Generator,
    points: UInt[Array, "batch variables"],
    key: PRNGKeyArray,
    t: Float[Array, ""],
    influx_share: float,
) -> MixtureDraws:
    """Draw from the mixture q; `influx_share` is rho."""
    key_points, key_push = jax.random.split(key)
    size = points.shape[0]
    pushed = round(influx_share * size)
    spread = quantiles(key_points, points[: size - pushed], SUMS)
    drawn = over_batch(model.sample, spread)
    propensities = over_batch(eqx.Partial(generator.outflux, t=t), drawn)
    counts = drawn
    if pushed:
        entered = _push(key_push, drawn, propensities, generator.net_changes, pushed)
        counts = jnp.concatenate([drawn, entered])
    return MixtureDraws(counts, jnp.mean(propensities, axis=0), pushed / size)


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
