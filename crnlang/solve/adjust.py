"""The network after given changes of probability on some states.

Each conditional is fitted to a table over prefixes r and copy numbers m,

    Q(r, m) = P(r) P(m | r) + (sum of the changes of the states that begin with r, m),

so that states without a change keep what they have: where nothing changes the network
stays exactly as it is, whatever states were looked at. Maximised is

    sum Q log P'(m | r) - resistance/2 |theta' - theta|^2

by natural-gradient steps; the Fisher matrix is summed over the likeliest prefixes and
a sample of the others.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer

from crnlang.nn.base import AbstractAutoregressive
from crnlang.solve.projection import (
    cast,
    damped_steps,
    levels_of,
    rows_before,
    with_block,
)

#: Resistance against changes of weights that the law does not feel.
RESISTANCE = 1e-4
#: Prefixes whose Fisher matrix is summed: the likeliest, and a sample of the others.
LIKELIEST, SAMPLED = 256, 256
#: Dampings of the Fisher matrix and lengths along each direction: the best is taken.
SHIFTS = (1e-4, 1e-2)
LENGTHS = (1.0, 0.4, 0.1)
#: Most rounds of such steps.
DIRECTIONS = 10
#: Stop when a step gains less than this, in nats, or this share of all gained so far.
GAIN = 1e-8
SHARE = 0.01


#: How many directions were taken, the weights, their gain, and that of the last one.
_Progress = tuple[Array, Array, Array, Array]


class ChangeTable(eqx.Module):
    """Prefixes, likeliest first, their P(r), and the changes of their copy numbers.

    Prefixes are counts along the order; rows of weight 0 fill up the last ones. The
    Fisher matrix is the sum over the rows `looked_at` with `shares` for their P(r).
    """

    prefixes: Int[Array, "rows variables"]
    weights: Float[Array, " rows"]
    change: Float[Array, "rows levels"]
    looked_at: Int[Array, " some"]
    shares: Float[Array, " some"]


def adjust_law(
    model: AbstractAutoregressive,
    states: Integer[np.ndarray, "states variables"],
    weights: Float[np.ndarray, " states"],
    change: Float[np.ndarray, " states"],
) -> AbstractAutoregressive:
    """The network after the changes. `weights` sum to 1, `change` to 0.

    The fit is in float64, whatever the precision of the network.
    """
    dtype = model.weight_blocks()[0].dtype
    given = cast(model, np.dtype(float))
    ordered = states[:, list(model.order)]
    blocks = []
    for place, position in enumerate(model.block_positions):
        levels = levels_of(given, position)
        table = _tabulate(ordered, weights, change, position, levels)
        blocks.append(_fit(given, place, table)[None])
    return cast(given.with_weight_blocks(tuple(blocks)), dtype)


def _tabulate(
    ordered: Integer[np.ndarray, "states variables"],
    weights: Float[np.ndarray, " states"],
    change: Float[np.ndarray, " states"],
    position: int,
    levels: int,
) -> ChangeTable:
    """The changes summed over what comes after a position."""
    prefixes, row = rows_before(ordered, position)
    mass = np.bincount(row, weights, len(prefixes))
    table = np.zeros((len(prefixes), levels))
    np.add.at(table, (row, ordered[:, position]), change)
    rank = np.argsort(-mass, kind="stable")
    likeliest = prefixes[rank], mass[rank], table[rank]
    arrays = (*likeliest, *_representatives(mass[rank]))
    return ChangeTable(*(jnp.asarray(array) for array in arrays))


def _representatives(
    mass: Float[np.ndarray, " rows"],
) -> tuple[Int[np.ndarray, " some"], Float[np.ndarray, " some"]]:
    """Rows that stand for all, and what they weigh.

    The first ones, and of the others rows at equal distances in mass.
    """
    rest = np.cumsum(mass[LIKELIEST:])
    whole = rest[-1]
    levels = (np.arange(SAMPLED) + 0.5) / SAMPLED * whole
    others = LIKELIEST + np.minimum(np.searchsorted(rest, levels), len(rest) - 1)
    return (
        np.append(np.arange(LIKELIEST), others),
        np.append(mass[:LIKELIEST], np.full(SAMPLED, whole / SAMPLED)),
    )


@eqx.filter_jit
def _fit(
    model: AbstractAutoregressive, place: int, table: ChangeTable
) -> Float[Array, " weights"]:
    """The new weights of one block."""
    position = model.block_positions[place]
    start = model.weight_blocks()[place][0]

    def log_law(weights: Float[Array, " weights"]) -> Float[Array, "rows levels"]:
        there = with_block(model, place, weights)
        return jax.vmap(there.branches, (0, None))(table.prefixes, position)[1]

    before = log_law(start)
    target = table.weights[:, None] * jnp.exp(before) + table.change
    is_open = jnp.isfinite(before)

    def gain(weights: Float[Array, " weights"]) -> Float[Array, ""]:
        log_p = jnp.where(is_open, log_law(weights), 0.0)
        held = RESISTANCE / 2 * jnp.sum((weights - start) ** 2)
        return jnp.sum(jnp.where(is_open, target, 0.0) * log_p) - held

    rows = table.prefixes[table.looked_at]

    def improve(state: _Progress) -> _Progress:
        number, weights, best, _ = state
        there = with_block(model, place, weights)
        fisher = there.block_fisher(place, rows, table.shares)
        gradient = jax.grad(gain)(weights)
        tried = damped_steps(weights, fisher, gradient, SHIFTS, LENGTHS)
        found = jax.lax.map(gain, tried)
        found = jnp.where(jnp.isfinite(found), found, -jnp.inf)
        longest = jnp.argmax(found)
        is_better = found[longest] > best
        return (
            number + 1,
            jnp.where(is_better, tried[longest], weights),
            jnp.maximum(found[longest], best),
            jnp.where(is_better, found[longest] - best, 0.0),
        )

    def is_unfinished(state: _Progress) -> Array:
        number, _, best, step = state
        return (number < DIRECTIONS) & (
            step > jnp.maximum(GAIN, SHARE * (best - first))
        )

    first = gain(start)
    state = (jnp.zeros((), int), start, first, jnp.full_like(first, jnp.inf))
    return jax.lax.while_loop(is_unfinished, improve, state)[1]
