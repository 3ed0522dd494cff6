"""Distinct states of a network, drawn without replacement by an exponential race.

Every state arrives once, at an exponential time of rate P(n); the first `size` states
to arrive are the draw. Given the arrival `limit` of the next state, each was among them
with probability 1 - exp(-limit P(n)): what `limit` independent draws on average would
have found. Where no state is left to arrive, the limit is infinite and the draw is the
whole state space.

The race is run along the autoregressive order: the first arrival among the states below
a prefix is exponential too, so a prefix that arrives late has no early state, and only
`size + 1` prefixes have to be kept at each position.

Source: Kool, van Hoof, Welling, "Stochastic beams and where to find them", ICML 2019,
written there with Gumbel variables, the negative logarithms of these times.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from crnlang.nn.base import SUMS, AbstractAutoregressive

#: Stands for an infinite limit; far beyond any 1 / P that matters.
NEVER = 1e30


class Race(eqx.Module):
    """The first states to arrive; rows whose `arrived` is false hold no state."""

    counts: Int[Array, "size variables"]
    arrived: Bool[Array, " size"]
    limit: Float[Array, ""]


def race(model: AbstractAutoregressive, size: int, key: PRNGKeyArray) -> Race:
    """Draw `size` distinct states, or all that there are."""
    variables = len(model.order)
    keys = jax.random.split(key, variables + 1)
    ordered = jnp.zeros((1, variables), int)
    log_p = jnp.zeros(1, SUMS)
    arrival = jax.random.exponential(keys[-1], (1,), SUMS)
    for position in range(variables):
        values, here = jax.vmap(model.branches, (0, None))(ordered, position)
        below = log_p[:, None] + here
        apart = jax.random.exponential(keys[position], below.shape, SUMS)
        apart = apart / jnp.exp(below)
        first = jnp.min(apart, axis=1, keepdims=True)
        behind = jnp.where(jnp.isfinite(apart), apart - first, jnp.inf)
        times = (arrival[:, None] + behind).ravel()
        chosen = _earliest(times, size + 1)
        parent = chosen // values.shape[1]
        ordered = ordered[parent].at[:, position].set(values.ravel()[chosen])
        log_p, arrival = below.ravel()[chosen], times[chosen]
    short = max(size + 1 - len(arrival), 0)
    arrival = jnp.pad(arrival, (0, short), constant_values=jnp.inf)
    ordered = jnp.concatenate([ordered, jnp.repeat(ordered[:1], short, axis=0)])
    last = jnp.argmax(arrival)
    places = jnp.arange(size)
    kept = jnp.where(places >= last, places + 1, places)
    counts = ordered[:, jnp.argsort(jnp.asarray(model.order))]
    return Race(counts[kept], arrival[kept] < NEVER, jnp.minimum(arrival[last], NEVER))


def _earliest(times: Float[Array, " many"], most: int) -> Int[Array, " few"]:
    """Indices of the `most` smallest times, in any order."""
    if len(times) <= most:
        return jnp.arange(len(times))
    return jax.lax.top_k(-times, most)[1]
