"""One conditional fitted to a table over prefixes r and copy numbers m.

Maximised over the weights of one block is

    sum Q(r, m) log P(m | r) - D(r, m) P(m | r) - resistance/2 |theta - theta_start|^2

by natural-gradient steps: of several dampings and lengths the best is taken. D is 0 but
where Q would be below 0, see `solve.adjust`. All sums over the table are exact, and go
through programs of one size; the Fisher matrix, which only has to point the way, is
summed over the likeliest prefixes and a sample of others.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Integer
from scipy.sparse import csr_matrix
from scipy.special import xlogy

from crnlang.nn.base import Numbers
from crnlang.nn.conditional import PARTS, Conditional, ConditionalNetworks
from crnlang.nn.padding import cropped, inputs, padded

#: Rows of a table in one call: every table goes through the same programs.
PIECE = 512
#: Prefixes whose Fisher matrix is summed: the likeliest, and a sample of the others.
LIKELIEST, SAMPLED = 256, 256
#: Lengths along each direction.
LENGTHS = (2.0, 1.0, 0.4, 0.1)

Weights = Float[np.ndarray, " weights"]
#: Features of some prefixes, which copy numbers they leave open, Q, D if there is any.
Piece = tuple[
    Float[Array, "piece features"],
    Bool[Array, "piece levels"],
    Float[Array, "piece levels"],
    Float[Array, "piece levels"] | None,
]


@dataclass(frozen=True, eq=False)
class Table:
    """Q(r, m) and D(r, m) over prefixes, likeliest first, and copy numbers.

    `pieces` hold `PIECE` prefixes each, on the device; rows of zeros fill up the last.
    `looked_at` are features and open copy numbers of the prefixes whose Fisher matrix
    is summed, with `shares` for what they weigh.
    """

    pieces: list[Piece]
    looked_at: tuple[Float[Array, "some features"], Bool[Array, "some levels"]]
    shares: Float[Array, " some"]

    @property
    def law(self) -> Float[np.ndarray, "rows levels"]:
        """Q of all rows."""
        return np.concatenate([np.asarray(law) for _, _, law, _ in self.pieces])

    def with_law(
        self,
        law: Float[np.ndarray, "rows levels"],
        taken: Float[np.ndarray, "rows levels"] | None = None,
    ) -> "Table":
        """The same prefixes with another Q, and D, which is 0 if not given."""
        whole = zip(self.pieces, _in_pieces(law, taken), strict=True)
        pieces = [(x, is_open, *pair) for (x, is_open, *_), pair in whole]
        return replace(self, pieces=pieces)


@dataclass(frozen=True, eq=False)
class Objective:
    """What is maximised over the weights of one conditional; `network` is the start.

    `shifts` are the dampings of the Fisher matrix that are tried.
    """

    network: Conditional
    table: Table
    shifts: tuple[float, ...]
    resistance: float = 0.0

    @cached_property
    def start(self) -> Weights:
        """The weights of the start."""
        return np.concatenate([np.ravel(part) for part in PARTS(self.network)])

    def values(
        self, tried: Float[np.ndarray, "tries weights"]
    ) -> Float[np.ndarray, " tries"]:
        """The objective at several weights; -inf where it is not a number."""
        likelihood = sum(
            np.asarray(_likelihoods(self.network, tried, *piece))
            for piece in self.table.pieces
        )
        distance = np.sum((tried - self.start) ** 2, axis=1)
        found = likelihood - self.resistance / 2 * distance
        return np.where(np.isfinite(found), found, -np.inf)

    def factors(self, weights: Weights) -> Float[Array, "shifts weights weights"]:
        """Cholesky factors of the Fisher matrix with every damping."""
        looked_at, shares = self.table.looked_at, self.table.shares
        shifts = np.asarray(self.shifts)
        return _factors(self.network, weights, *looked_at, shares, shifts)

    def improve(
        self,
        weights: Weights,
        factors: Float[Array, "shifts weights weights"] | None = None,
    ) -> tuple[Weights, float]:
        """The best weights after one natural-gradient step, and their value.

        `factors` are those of other weights, if they shall do.
        """
        gradient = -self.resistance * (weights - self.start)
        for piece in self.table.pieces:
            gradient = gradient + np.asarray(_slope(self.network, weights, *piece))
        if factors is None:
            factors = self.factors(weights)
        tried = np.asarray(_steps(weights, gradient, factors))
        found = self.values(tried)
        best = int(np.argmax(found))
        return tried[best], float(found[best])

    def conditional_law(self) -> Float[np.ndarray, "rows levels"]:
        """P(m | r) of the start on the table."""
        return np.concatenate(
            [_law(self.network, x, is_open) for x, is_open, *_ in self.table.pieces]
        )


@dataclass(frozen=True, eq=False)
class Rows:
    """The distinct prefixes of some states before one free position, likeliest first.

    `row[s]` is the prefix of state s, `first` a state of each prefix, `mass` what the
    states of a prefix weigh together. Rows of mass 0 fill up the last piece of a table.
    """

    x: Float[np.ndarray, "rows features"]
    is_open: Bool[np.ndarray, "rows levels"]
    row: Int[np.ndarray, " states"]
    first: Int[np.ndarray, " distinct"]
    mass: Float[np.ndarray, " rows"]

    def gather(
        self, values: Float[np.ndarray, "states _levels"]
    ) -> Float[np.ndarray, "rows levels"]:
        """The values of all states of a prefix, summed; more levels hold 0."""
        states, levels = values.shape
        shape = len(self.mass), states
        which = csr_matrix((np.ones(states), (self.row, range(states))), shape=shape)
        return np.pad(which @ values, ((0, 0), (0, self.is_open.shape[1] - levels)))

    def table(
        self,
        law: Float[np.ndarray, "rows levels"],
        taken: Float[np.ndarray, "rows levels"] | None = None,
    ) -> Table:
        """The table of a law Q, and of D, which is 0 if not given."""
        chosen, shares = representatives(self.mass)
        prefixes = _in_pieces(self.x, self.is_open)
        whole = zip(prefixes, _in_pieces(law, taken), strict=True)
        return Table(
            [(*prefix, *pair) for prefix, pair in whole],
            (jnp.asarray(self.x[chosen]), jnp.asarray(self.is_open[chosen])),
            jnp.asarray(shares),
        )


def _in_pieces(one: np.ndarray, other: np.ndarray | None) -> list[tuple]:
    """Rows of two arrays, or of one and none, on the device, `PIECE` at a time."""
    parts = len(one) // PIECE
    others = [None] * parts if other is None else np.split(other, parts)
    return [
        (jnp.asarray(left), None if right is None else jnp.asarray(right))
        for left, right in zip(np.split(one, parts), others, strict=True)
    ]


def list_rows(
    model: ConditionalNetworks,
    place: int,
    ordered: Integer[np.ndarray, "states variables"],
    weights: Float[np.ndarray, " states"],
) -> Rows:
    """The prefixes of states (along the order) before a free position."""
    position = model.mask.free[place]
    distinct, first, row = np.unique(
        ordered[:, :position], axis=0, return_index=True, return_inverse=True
    )
    row = row.ravel()
    mass = np.bincount(row, weights, len(distinct))
    rank = np.argsort(-mass, kind="stable")
    rows = np.empty_like(rank)
    rows[rank] = np.arange(len(rank))
    size = -(-len(distinct) // PIECE) * PIECE
    prefixes = np.zeros((size, ordered.shape[1]), int)
    prefixes[:, :position] = distinct[rank[0]]
    prefixes[: len(rank), :position] = distinct[rank]
    mass = np.append(mass[rank], np.zeros(size - len(rank)))
    parts = [inputs(model, place, p) for p in np.split(prefixes, size // PIECE)]
    x, is_open = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Rows(x, is_open, rows[row], first[rank], mass)


def tabulate(
    model: ConditionalNetworks,
    place: int,
    ordered: Integer[np.ndarray, "states variables"],
    weights: Float[np.ndarray, " states"],
    values: Float[np.ndarray, " states"],
) -> tuple[Table, Float[np.ndarray, " rows"]]:
    """`values` summed over what comes after a free position, and each row's weight.

    `ordered` are states along the order; those that share a prefix are one row.
    """
    rows = list_rows(model, place, ordered, weights)
    law = np.zeros(rows.is_open.shape)
    np.add.at(law, (rows.row, ordered[:, model.mask.free[place]]), values)
    return rows.table(law), rows.mass


def likelihood_bound(law: Float[np.ndarray, "rows levels"]) -> float:
    """The likelihood of the table itself: sum Q log Q(copy number | prefix).

    Infinite where Q is below 0 somewhere: then it is no bound.
    """
    if (law < 0).any():
        return np.inf
    prefix = law.sum(axis=1)
    return float(xlogy(law, law).sum() - xlogy(prefix, prefix).sum())


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


def law_of(
    model: ConditionalNetworks, place: int, rows: Rows
) -> Float[np.ndarray, "rows levels"]:
    """P(m | r) of every row."""
    network, parts = padded(model, place), len(rows.mass) // PIECE
    pieces = zip(np.split(rows.x, parts), np.split(rows.is_open, parts), strict=True)
    return np.concatenate(
        [_law(network, jnp.asarray(x), jnp.asarray(is_open)) for x, is_open in pieces]
    )


def fit_each(
    model: ConditionalNetworks, fit: Callable[[int], Weights]
) -> ConditionalNetworks:
    """The network with new weights of every conditional, several fitted at a time.

    `fit` gives those of the network filled up. All in float64, whatever the precision
    of the network: in float32 the damped metric can lose its definiteness to rounding.
    """
    places = range(len(model.networks))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(fit, places))
    blocks = [cropped(model, place, row)[None] for place, row in enumerate(rows)]
    fitted = model.with_weight_blocks(tuple(b.astype(model.dtype) for b in blocks))
    return jax.tree.map(jnp.asarray, fitted)


def _log_law(
    network: Conditional,
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
) -> Float[Array, "rows levels"]:
    logits = network.logits(network.heights(x))
    return jax.nn.log_softmax(jnp.where(is_open, logits, -jnp.inf))


@eqx.filter_jit
def _law(
    network: Conditional,
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
) -> Float[Array, "rows levels"]:
    return jnp.exp(_log_law(network, x, is_open))


def _likelihood(
    network: Conditional,
    weights: Float[Numbers, " weights"],
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
    law: Float[Array, "rows levels"],
    taken: Float[Array, "rows levels"] | None,
) -> Float[Array, ""]:
    """sum Q log P - D P over some rows."""
    log_p = _log_law(network.with_weights(weights), x, is_open)
    likelihood = jnp.sum(law * jnp.where(law != 0, log_p, 0.0))
    if taken is None:
        return likelihood
    return likelihood - jnp.sum(taken * jnp.exp(log_p))


@eqx.filter_jit
def _likelihoods(
    network: Conditional,
    tried: Float[Numbers, "tries weights"],
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
    law: Float[Array, "rows levels"],
    taken: Float[Array, "rows levels"] | None,
) -> Float[Array, " tries"]:
    return jax.lax.map(lambda w: _likelihood(network, w, x, is_open, law, taken), tried)


@eqx.filter_jit
def _slope(
    network: Conditional,
    weights: Float[Numbers, " weights"],
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
    law: Float[Array, "rows levels"],
    taken: Float[Array, "rows levels"] | None,
) -> Float[Array, " weights"]:
    return jax.grad(lambda w: _likelihood(network, w, x, is_open, law, taken))(weights)


@eqx.filter_jit
def _factors(
    network: Conditional,
    weights: Float[Numbers, " weights"],
    x: Float[Array, "some features"],
    is_open: Bool[Array, "some levels"],
    shares: Float[Array, " some"],
    shifts: Float[Numbers, " shifts"],
) -> Float[Array, "shifts weights weights"]:
    there = network.with_weights(weights)
    fisher = there.fisher(x, jnp.exp(_log_law(there, x, is_open)), shares)
    one = jnp.eye(len(weights), dtype=fisher.dtype)
    return jax.lax.map(lambda s: jnp.linalg.cholesky(fisher + s * one), shifts)


@eqx.filter_jit
def _steps(
    weights: Float[Numbers, " weights"],
    gradient: Float[Numbers, " weights"],
    factors: Float[Array, "shifts weights weights"],
) -> Float[Array, "tries weights"]:
    """The weights after natural-gradient steps of several dampings and lengths."""

    def along(factor: Float[Array, "weights weights"]) -> Float[Array, "some weights"]:
        direction = jax.scipy.linalg.cho_solve((factor, True), gradient)
        lengths = jnp.asarray(LENGTHS, weights.dtype)[:, None]
        return jnp.add(weights, lengths * direction)

    return jax.lax.map(along, factors).reshape(-1, len(weights))
