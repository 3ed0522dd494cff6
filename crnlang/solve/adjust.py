"""The network after given changes of probability on some states.

Each conditional is fitted to a table over prefixes r and copy numbers m,

    Q(r, m) = P(r) P(m | r) + (sum of the changes of the states that begin with r, m),

so that states without a change keep what they have: where nothing changes the network
stays exactly as it is, whatever states were looked at. Maximised is

    sum Q log P'(m | r) - damping/2 |theta' - theta|^2

by natural-gradient steps; the Fisher matrix is summed over the likeliest prefixes.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer

from crnlang.nn.base import AbstractAutoregressive
from crnlang.solve.projection import cast, levels_of, with_block

#: Resistance against changes of weights that the law hardly feels.
DAMPING = 1e-4
#: Prefixes whose Fisher matrix is summed: the likeliest.
LOOKED_AT = 256
#: Lengths tried along each direction, and most directions.
LENGTHS = (1.0, 0.5, 0.2, 0.05)
DIRECTIONS = 10
#: Stop when a step gains less than this, in nats, or this share of all gained so far.
GAIN = 1e-8
SHARE = 0.01
#: Smallest number of rows that a program is compiled for; larger ones quadruple.
FEWEST_ROWS = 512


class ChangeTable(eqx.Module):
    """Prefixes, likeliest first, their P(r), and the changes of their copy numbers.

    Prefixes are counts along the order; rows of weight 0 fill up the last ones.
    """

    prefixes: Int[Array, "rows variables"]
    weights: Float[Array, " rows"]
    change: Float[Array, "rows levels"]


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
    prefixes, row = np.unique(ordered[:, :position], axis=0, return_inverse=True)
    rows = FEWEST_ROWS
    while rows < len(prefixes):
        rows *= 4
    mass = np.bincount(row.ravel(), weights, rows)
    rank = np.argsort(-mass, kind="stable")
    place = np.empty(rows, int)
    place[rank] = np.arange(rows)
    table = np.zeros((rows, levels))
    np.add.at(table, (place[row.ravel()], ordered[:, position]), change)
    filled = np.zeros((rows, ordered.shape[1]), int)
    filled[:, :position] = prefixes[0]
    filled[place[: len(prefixes)], :position] = prefixes
    return ChangeTable(jnp.asarray(filled), jnp.asarray(mass[rank]), jnp.asarray(table))


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
        resistance = DAMPING / 2 * jnp.sum((weights - start) ** 2)
        return jnp.sum(jnp.where(is_open, target, 0.0) * log_p) - resistance

    top = table.prefixes[:LOOKED_AT]
    shares = jnp.maximum(table.weights + jnp.sum(table.change, axis=1), 0.0)[:LOOKED_AT]

    def improve(state: tuple[Array, Array, Array, Array]) -> tuple[Array, ...]:
        number, weights, best, _ = state
        fisher = with_block(model, place, weights).block_fisher(place, top, shares)
        damped = fisher + DAMPING * jnp.eye(len(start), dtype=fisher.dtype)
        factor = jax.scipy.linalg.cho_factor(damped)
        direction = jax.scipy.linalg.cho_solve(factor, jax.grad(gain)(weights))
        tried = weights + jnp.asarray(LENGTHS, weights.dtype)[:, None] * direction
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

    def is_unfinished(state: tuple[Array, Array, Array, Array]) -> Array:
        number, _, best, step = state
        return (number < DIRECTIONS) & (
            step > jnp.maximum(GAIN, SHARE * (best - first))
        )

    first = gain(start)
    state = (jnp.zeros((), int), start, first, jnp.full_like(first, jnp.inf))
    return jax.lax.while_loop(is_unfinished, improve, state)[1]
