"""The network nearest to a law given on a set of states: maximum likelihood.

Minimises -sum_n Q(n) log P(n) over the set. The sum splits into one problem for every
block of weights, its conditional against the table of Q over prefixes and copy numbers;
states that share a prefix are one row. Each is solved by natural-gradient steps with
exact sums, as long along each step as the likelihood grows.
"""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer
from scipy.special import xlogy

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.solve.pieces import log_probs

#: Dampings of the Fisher matrix, and lengths along each direction: the best is taken.
#: Little damping is best near the optimum, much where the law asks for states that the
#: network has given up.
SHIFTS = (1e-8, 1e-5, 1e-3, 1e-1)
LENGTHS = (1.0, 0.2)
MOST_ITERATIONS = 60
#: Stop when two iterations running gain less than this, in nats,
GAIN = 1e-6
#: or less than this share of the divergence that is left.
SHARE = 0.1
#: Smallest number of rows that a program is compiled for; larger ones quadruple.
FEWEST_ROWS = 512


class Table(eqx.Module):
    """What one conditional is fitted to: Q over prefixes and copy numbers.

    Prefixes are counts along the order; rows of weight 0 fill up the last ones.
    """

    prefixes: Int[Array, "rows variables"]
    law: Float[Array, "rows levels"]


def fit_law(
    model: AbstractAutoregressive,
    states: Integer[np.ndarray, "states variables"],
    law: Float[np.ndarray, " states"],
) -> tuple[AbstractAutoregressive, float]:
    """The fitted network and its Hellinger distance from the law, on the set.

    Each conditional starts from `model`, or from the marginal of its variable where
    that is nearer. `law` sums to 1. The fit itself is in float64: in float32 the
    damped metric can lose its definiteness to rounding.
    """
    dtype = model.weight_blocks()[0].dtype
    given = cast(model, np.dtype(float))
    fresh = given.with_product_law(
        tuple(np.bincount(counts, weights=law) for counts in states.T)
    )
    ordered = states[:, list(model.order)]
    blocks = []
    for place, position in enumerate(model.block_positions):
        table = _tabulate(ordered, law, position, levels_of(given, position))
        starts = [m.weight_blocks()[place][0] for m in (given, fresh)]
        blocks.append(_fit_block(given, place, table, starts)[None])
    fitted = given.with_weight_blocks(tuple(blocks))
    return cast(fitted, dtype), _distance(fitted, states, law)


def levels_of(model: AbstractAutoregressive, position: int) -> int:
    """How many copy numbers the conditional at a position has, those closed too."""
    prefix = jnp.zeros(len(model.order), int)
    _, log_p = eqx.filter_eval_shape(model.branches, prefix, position)
    return log_p.shape[0]


def _tabulate(
    ordered: Integer[np.ndarray, "states variables"],
    law: Float[np.ndarray, " states"],
    position: int,
    levels: int,
) -> Table:
    """Q summed over what comes after a position."""
    prefixes, row = rows_before(ordered, position)
    table = np.zeros((len(prefixes), levels))
    np.add.at(table, (row, ordered[:, position]), law)
    return Table(jnp.asarray(prefixes), jnp.asarray(table))


def rows_before(
    ordered: Integer[np.ndarray, "states variables"], position: int
) -> tuple[Int[np.ndarray, "rows variables"], Int[np.ndarray, " states"]]:
    """The distinct prefixes of states before a position, and the row of each state.

    Padded with copies of the first, so that few programs are compiled.
    """
    prefixes, row = np.unique(ordered[:, :position], axis=0, return_inverse=True)
    rows = FEWEST_ROWS
    while rows < len(prefixes):
        rows *= 4
    filled = np.zeros((rows, ordered.shape[1]), int)
    filled[:, :position] = prefixes[0]
    filled[: len(prefixes), :position] = prefixes
    return filled, row.ravel()


def _fit_block(
    model: AbstractAutoregressive,
    place: int,
    table: Table,
    starts: list[Float[Array, " weights"]],
) -> Float[Array, " weights"]:
    """The weights of one block, from the likeliest of the starts."""
    found = [float(_likelihood(model, place, table, start)) for start in starts]
    best = int(np.nanargmax(found))
    before, weights = found[best], starts[best]
    bound = _likelihood_bound(table)
    idle = 0
    for _ in range(MOST_ITERATIONS):
        weights, likelihood = _improve(model, place, table, weights)
        gain, before = float(likelihood) - before, float(likelihood)
        idle = 0 if gain > max(GAIN, SHARE * (bound - before)) else idle + 1
        if idle == 2:
            break
    return weights


def _likelihood_bound(table: Table) -> float:
    """The likelihood of the table itself: sum Q log Q(copy number | prefix)."""
    law = np.asarray(table.law)
    prefix = law.sum(axis=1)
    return float(xlogy(law, law).sum() - xlogy(prefix, prefix).sum())


def _likelihood_of(
    model: AbstractAutoregressive,
    place: int,
    table: Table,
    weights: Float[Array, " weights"],
) -> Float[Array, ""]:
    """sum Q log P of one conditional with the given weights."""
    there = with_block(model, place, weights)
    position = model.block_positions[place]
    _, log_p = jax.vmap(there.branches, (0, None))(table.prefixes, position)
    return jnp.sum(table.law * jnp.where(table.law > 0, log_p, 0.0))


_likelihood = eqx.filter_jit(_likelihood_of)


@eqx.filter_jit
def _improve(
    model: AbstractAutoregressive,
    place: int,
    table: Table,
    weights: Float[Array, " weights"],
) -> tuple[Float[Array, " weights"], Float[Array, ""]]:
    """The best of several natural-gradient steps of a block, or none."""
    likelihood = partial(_likelihood_of, model, place, table)
    there = with_block(model, place, weights)
    fisher = there.block_fisher(place, table.prefixes, jnp.sum(table.law, axis=1))
    gradient = jax.grad(likelihood)(weights)

    tried = damped_steps(weights, fisher, gradient, SHIFTS, LENGTHS)
    tried = jnp.concatenate([weights[None], tried])
    found = jax.lax.map(likelihood, tried)
    best = jnp.argmax(jnp.where(jnp.isfinite(found), found, -jnp.inf))
    return tried[best], found[best]


def damped_steps(
    weights: Float[Array, " weights"],
    fisher: Float[Array, "weights weights"],
    gradient: Float[Array, " weights"],
    shifts: tuple[float, ...],
    lengths: tuple[float, ...],
) -> Float[Array, "tries weights"]:
    """The weights after natural-gradient steps of several dampings and lengths."""

    def along(shift: Float[Array, ""]) -> Float[Array, "lengths weights"]:
        damped = fisher + shift * jnp.eye(len(weights), dtype=fisher.dtype)
        factor = jax.scipy.linalg.cho_factor(damped)
        direction = jax.scipy.linalg.cho_solve(factor, gradient)
        return weights + jnp.asarray(lengths, weights.dtype)[:, None] * direction

    tried = jax.lax.map(along, jnp.asarray(shifts, weights.dtype))
    return tried.reshape(-1, len(weights))


def with_block(
    model: AbstractAutoregressive, place: int, weights: Float[Array, " weights"]
) -> AbstractAutoregressive:
    """The same network with other weights in one block."""
    blocks: Blocks = model.weight_blocks()
    return model.with_weight_blocks(
        (*blocks[:place], weights[None], *blocks[place + 1 :])
    )


def cast(model: AbstractAutoregressive, dtype: np.dtype) -> AbstractAutoregressive:
    """The same network in another precision."""
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, model
    )


def _distance(
    model: AbstractAutoregressive,
    states: Integer[np.ndarray, "states variables"],
    law: Float[np.ndarray, " states"],
) -> float:
    """Hellinger distance on the set."""
    overlap = np.sqrt(law * np.exp(log_probs(model, states))).sum()
    return float(np.sqrt(max(1.0 - overlap, 0.0)))
