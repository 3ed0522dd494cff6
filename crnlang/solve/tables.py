"""Tables over prefixes and copy numbers, the form in which a conditional is fitted."""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Integer
from scipy.sparse import csr_matrix
from scipy.special import xlogy

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.nn.padding import inputs
from crnlang.solve.distinct import distinct_rows

#: Rows of a table in one call: every table goes through the same programs.
PIECE = 512
#: Prefixes whose Fisher matrix is summed: the likeliest, and a sample of the others.
LIKELIEST, SAMPLED = 256, 256

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
    is summed, and how much more than others every copy number counts, if some do, with
    `shares` for what they weigh.
    """

    pieces: list[Piece]
    looked_at: tuple[
        Float[Array, "some features"],
        Bool[Array, "some levels"],
        Float[Array, "some levels"] | None,
    ]
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
        stress: Float[np.ndarray, "rows levels"] | None = None,
    ) -> Table:
        """The table of a law Q, and of D, which is 0 if not given.

        Where there is a stress v, copy numbers count v times: v (Q log P - Q(r) P) is
        in the place of Q log P - Q(r) P, with Q(r) the sum of the row. Whatever v is,
        the largest value is at P = Q / Q(r).
        """
        if stress is not None:
            more = (stress - 1.0) * law.sum(axis=1, keepdims=True)
            taken = more if taken is None else stress * taken + more
            law = stress * law
        chosen, shares = representatives(self.mass)
        prefixes = _in_pieces(self.x, self.is_open)
        whole = zip(prefixes, _in_pieces(law, taken), strict=True)
        return Table(
            [(*prefix, *pair) for prefix, pair in whole],
            (
                jnp.asarray(self.x[chosen]),
                jnp.asarray(self.is_open[chosen]),
                None if stress is None else jnp.asarray(stress[chosen]),
            ),
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
    first, row = distinct_rows(ordered[:, :position])
    mass = np.bincount(row, weights, len(first))
    rank = np.argsort(-mass, kind="stable")
    rows = np.empty_like(rank)
    rows[rank] = np.arange(len(rank))
    first = first[rank]
    size = -(-len(first) // PIECE) * PIECE
    prefixes = np.zeros((size, ordered.shape[1]), int)
    prefixes[:, :position] = ordered[first[0], :position]
    prefixes[: len(first), :position] = ordered[first, :position]
    mass = np.append(mass[rank], np.zeros(size - len(rank)))
    parts = [inputs(model, place, p) for p in np.split(prefixes, size // PIECE)]
    x, is_open = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Rows(x, is_open, rows[row], first, mass)


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


def likelihood_bound(
    law: Float[np.ndarray, "rows levels"],
    stress: Float[np.ndarray, "rows levels"] | None = None,
) -> float:
    """The likelihood of the table itself: sum Q log Q(copy number | prefix).

    With a stress v, sum v Q (log Q(copy number | prefix) - 1) + Q. Infinite where Q is
    below 0 somewhere: then it is no bound.
    """
    if (law < 0).any():
        return np.inf
    prefix = law.sum(axis=1, keepdims=True)
    logs = xlogy(law, law / np.where(prefix > 0, prefix, 1.0))
    if stress is not None:
        logs = stress * (logs - law) + law
    return float(logs.sum())


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
