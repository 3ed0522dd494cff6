"""One conditional fitted to a table over prefixes r and copy numbers m.

Maximised over the weights of one block is

    sum Q(r, m) log P(m | r) - resistance/2 |theta - theta_start|^2

by natural-gradient steps: of several dampings and lengths the best is taken. All sums
over the table are exact, and go through programs of one size; the Fisher matrix, which
only has to point the way, is summed over the likeliest prefixes and a sample of others.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.nn.conditional import ConditionalNetworks

#: Rows of a table in one call: every table goes through the same programs.
PIECE = 512
#: Prefixes whose Fisher matrix is summed: the likeliest, and a sample of the others.
LIKELIEST, SAMPLED = 256, 256
#: Lengths along each direction.
LENGTHS = (2.0, 1.0, 0.4, 0.1)

Weights = Float[Array, " weights"]
Model = TypeVar("Model", bound=AbstractAutoregressive)


@dataclass(frozen=True, eq=False)
class Table:
    """Prefixes, counts along the order, likeliest first, and Q of their copy numbers.

    Rows of zeros fill up the last piece. The Fisher matrix is the sum over the rows
    `looked_at` with `shares` for what they weigh.
    """

    prefixes: Int[np.ndarray, "rows variables"]
    law: Float[np.ndarray, "rows levels"]
    looked_at: Int[np.ndarray, "some variables"]
    shares: Float[np.ndarray, " some"]

    @cached_property
    def pieces(self) -> list[tuple[Array, Array]]:
        """Prefixes and Q, `PIECE` rows at a time, on the device."""
        parts = len(self.law) // PIECE
        prefixes, law = np.split(self.prefixes, parts), np.split(self.law, parts)
        return [
            (jnp.asarray(r), jnp.asarray(q)) for r, q in zip(prefixes, law, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Objective:
    """What is maximised over the weights of the block at `place`; `start` are its own.

    `shifts` are the dampings of the Fisher matrix that are tried.
    """

    model: ConditionalNetworks
    place: int
    table: Table
    shifts: tuple[float, ...]
    resistance: float = 0.0

    def values(
        self, tried: Float[Array, "tries weights"]
    ) -> Float[np.ndarray, " tries"]:
        """The objective at several weights; -inf where it is not a number."""
        likelihood = sum(
            np.asarray(_likelihoods(self.model, self.place, tried, *piece))
            for piece in self.table.pieces
        )
        start = self.model.weight_blocks()[self.place][0]
        distance = np.asarray(jnp.sum((tried - start) ** 2, axis=1))
        found = likelihood - self.resistance / 2 * distance
        return np.where(np.isfinite(found), found, -np.inf)

    def improve(self, weights: Weights) -> tuple[Weights, float]:
        """The best weights after one natural-gradient step, and their value."""
        start = self.model.weight_blocks()[self.place][0]
        gradient = -self.resistance * (weights - start)
        for piece in self.table.pieces:
            gradient += _slope(self.model, self.place, weights, *piece)
        looked_at = jnp.asarray(self.table.looked_at), jnp.asarray(self.table.shares)
        shifts = jnp.asarray(self.shifts)
        tried = _steps(self.model, self.place, weights, gradient, *looked_at, shifts)
        found = self.values(tried)
        best = int(np.argmax(found))
        return tried[best], float(found[best])


def tabulate(
    ordered: Integer[np.ndarray, "states variables"],
    weights: Float[np.ndarray, " states"],
    values: Float[np.ndarray, " states"],
    position: int,
    levels: int,
) -> tuple[Table, Float[np.ndarray, " rows"]]:
    """`values` summed over what comes after a position, and the weight of each row.

    States that share a prefix are one row.
    """
    distinct, row = np.unique(ordered[:, :position], axis=0, return_inverse=True)
    row = row.ravel()
    mass = np.bincount(row, weights, len(distinct))
    rank = np.argsort(-mass, kind="stable")
    place = np.empty_like(rank)
    place[rank] = np.arange(len(rank))
    size = -(-len(distinct) // PIECE) * PIECE
    prefixes = np.zeros((size, ordered.shape[1]), int)
    prefixes[:, :position] = distinct[rank[0]]
    prefixes[: len(rank), :position] = distinct[rank]
    law = np.zeros((size, levels))
    np.add.at(law, (place[row], ordered[:, position]), values)
    mass = np.append(mass[rank], np.zeros(size - len(rank)))
    chosen, shares = representatives(mass)
    return Table(prefixes, law, prefixes[chosen], shares), mass


def representatives(
    mass: Float[np.ndarray, " rows"],
) -> tuple[Int[np.ndarray, " some"], Float[np.ndarray, " some"]]:
    """Rows that stand for all, and what they weigh; all of them where they are few.

    The first ones, and of the others rows at equal distances in mass.
    """
    if len(mass) == LIKELIEST + SAMPLED:
        return np.arange(len(mass)), mass
    rest = np.cumsum(mass[LIKELIEST:])
    whole = rest[-1]
    levels = (np.arange(SAMPLED) + 0.5) / SAMPLED * whole
    others = LIKELIEST + np.minimum(np.searchsorted(rest, levels), len(rest) - 1)
    return (
        np.append(np.arange(LIKELIEST), others),
        np.append(mass[:LIKELIEST], np.full(SAMPLED, whole / SAMPLED)),
    )


def each_block(model: ConditionalNetworks, fit: Callable[[int], Weights]) -> Blocks:
    """New weights of every block, several fitted at a time."""
    places = range(len(model.block_positions))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return tuple(weights[None] for weights in pool.map(fit, places))


def levels_of(model: ConditionalNetworks, position: int) -> int:
    """How many copy numbers the conditional at a position has, those closed too."""
    prefix = jnp.zeros(len(model.order), int)
    _, log_p = eqx.filter_eval_shape(model.branches, prefix, position)
    return log_p.shape[0]


@eqx.filter_jit
def conditional_law(
    model: ConditionalNetworks, place: int, prefixes: Int[Array, "rows variables"]
) -> Float[Array, "rows levels"]:
    """P(m | r) of the conditional of one block."""
    return jnp.exp(_log_law(model, place, prefixes))


def _log_law(
    model: ConditionalNetworks, place: int, prefixes: Int[Array, "rows variables"]
) -> Float[Array, "rows levels"]:
    position = model.block_positions[place]
    return jax.vmap(model.branches, (0, None))(prefixes, position)[1]


def _likelihood(
    model: ConditionalNetworks,
    place: int,
    weights: Weights,
    prefixes: Int[Array, "rows variables"],
    law: Float[Array, "rows levels"],
) -> Float[Array, ""]:
    """sum Q log P over some rows."""
    log_p = _log_law(_with_block(model, place, weights), place, prefixes)
    return jnp.sum(law * jnp.where(law != 0, log_p, 0.0))


@eqx.filter_jit
def _likelihoods(
    model: ConditionalNetworks,
    place: int,
    tried: Float[Array, "tries weights"],
    prefixes: Int[Array, "rows variables"],
    law: Float[Array, "rows levels"],
) -> Float[Array, " tries"]:
    return jax.lax.map(lambda w: _likelihood(model, place, w, prefixes, law), tried)


@eqx.filter_jit
def _slope(
    model: ConditionalNetworks,
    place: int,
    weights: Weights,
    prefixes: Int[Array, "rows variables"],
    law: Float[Array, "rows levels"],
) -> Weights:
    return jax.grad(lambda w: _likelihood(model, place, w, prefixes, law))(weights)


@eqx.filter_jit
def _steps(
    model: ConditionalNetworks,
    place: int,
    weights: Weights,
    gradient: Weights,
    looked_at: Int[Array, "some variables"],
    shares: Float[Array, " some"],
    shifts: Float[Array, " shifts"],
) -> Float[Array, "tries weights"]:
    """The weights after natural-gradient steps of several dampings and lengths."""
    there = _with_block(model, place, weights)
    fisher = there.block_fisher(place, looked_at, shares)

    def along(shift: Float[Array, ""]) -> Float[Array, "lengths weights"]:
        damped = fisher + shift * jnp.eye(len(weights), dtype=fisher.dtype)
        factor = jax.scipy.linalg.cho_factor(damped)
        direction = jax.scipy.linalg.cho_solve(factor, gradient)
        return weights + jnp.asarray(LENGTHS, weights.dtype)[:, None] * direction

    return jax.lax.map(along, shifts).reshape(-1, len(weights))


def _with_block(
    model: ConditionalNetworks, place: int, weights: Weights
) -> ConditionalNetworks:
    """The same network with other weights in one block."""
    blocks: Blocks = model.weight_blocks()
    return model.with_weight_blocks(
        (*blocks[:place], weights[None], *blocks[place + 1 :])
    )


def cast(model: Model, dtype: np.dtype) -> Model:
    """The same network in another precision."""
    return jax.tree.map(
        lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, model
    )
