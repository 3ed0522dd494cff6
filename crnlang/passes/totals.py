"""Lowered network -> the same with totals as variables of their own.

Bound and unbound forms of a molecule add up to a total that only few channels change.
Where the total comes first in the order of prediction and the form that takes part in
most channels comes last, as what is left of the total, most channels change fewer
predicted counts. So the network has fewer counts to move together, and follows
binding, which is fast, by single counts.

A total is a nonnegative sum of copy numbers that every conversion leaves as it is:
every channel but those that only make or only take molecules. It becomes a variable
with a conservation law of its own, sum - total = 0; the states stay the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int, Integer

from crnlang.ir.lowered import ChannelFamily, LoweredNetwork, StateSpace
from crnlang.ir.network import Delta
from crnlang.passes.laws import nonnegative_laws
from crnlang.passes.order import order_of
from crnlang.passes.start import weights_of

#: Totals are left out where the laws then have more joint remainders than this.
MOST_REMAINDERS = 1 << 20
#: None are looked for where the table of net changes has more entries than this.
MOST_ENTRIES = 1 << 20


@dataclass(frozen=True, eq=False)
class Totalled:
    """A network, and the same with totals behind its variables: `sums @ counts`."""

    network: LoweredNetwork
    lowered: LoweredNetwork
    sums: Int[np.ndarray, "totals variables"]

    def extend(
        self, states: Integer[np.ndarray, "states variables"]
    ) -> Integer[np.ndarray, "states more"]:
        """The states with their totals, in a type that holds both."""
        totals = states.astype(np.int64) @ self.sums.T
        small = np.min_scalar_type(int(totals.max(initial=0)))
        return np.hstack([states, totals.astype(np.result_type(states, small))])

    def shorten(
        self, states: Integer[np.ndarray, "states more"]
    ) -> Integer[np.ndarray, "states variables"]:
        """The states without their totals."""
        return states[:, : self.sums.shape[1]]


def no_totals(lowered: LoweredNetwork) -> Totalled:
    """The network as it is."""
    none = np.zeros((0, len(lowered.space.caps)), dtype=np.int64)
    return Totalled(lowered, lowered, none)


def add_totals(lowered: LoweredNetwork) -> Totalled:
    """The network with those totals that leave channels fewer counts to change.

    Not on lattices, nor in networks of more than about a thousand species.
    """
    space = lowered.space
    is_large = len(lowered.families) * len(space.caps) > MOST_ENTRIES
    if is_large or lowered.network.lattice is not None:
        return no_totals(lowered)
    moves = _moves(lowered.families, len(space.caps))
    sums = no_totals(lowered).sums
    best = _changed(space.laws, moves, len(space.caps))
    for candidate in _candidates(lowered, moves):
        more = np.vstack([sums, candidate])
        if _remainders(space, more) > MOST_REMAINDERS:
            continue
        laws = _with_totals(space.laws, more)
        extended = np.hstack([moves, moves @ more.T])
        if (changed := _changed(laws, extended, len(space.caps))) < best:
            best, sums = changed, more
    return Totalled(lowered, _extended(lowered, sums), sums)


def _moves(
    families: Sequence[ChannelFamily], variables: int
) -> Int[np.ndarray, "changes variables"]:
    """The distinct net changes; on a lattice those of one instance of each family."""
    rows = np.zeros((len(families), variables), dtype=np.int64)
    for row, family in zip(rows, families, strict=True):
        np.add.at(row, family.variables[0], family.net_change)
    return np.unique(rows, axis=0)


def _candidates(
    lowered: LoweredNetwork, moves: Int[np.ndarray, "changes variables"]
) -> Int[np.ndarray, "candidates variables"]:
    """Sums over counts that start fixed, which conversions leave and others do not.

    Sums of switches and one count are left out: switches come first in any order.
    """
    is_conversion = (moves > 0).any(axis=1) & (moves < 0).any(axis=1)
    changes = {
        v: {
            k: int(moves[k, v])
            for k in np.flatnonzero(is_conversion & (moves[:, v] != 0)).tolist()
        }
        for v, law in enumerate(lowered.initial)
        if np.count_nonzero(law) == 1
    }
    found = nonnegative_laws({v: row for v, row in changes.items() if row})
    table = np.zeros((len(found), moves.shape[1]), dtype=np.int64)
    for row, law in zip(table, found, strict=True):
        row[list(law)] = list(law.values())
    is_conserved = (table @ moves.T == 0).all(axis=1)
    many = np.count_nonzero(table[:, lowered.space.caps > 1], axis=1)
    return table[~is_conserved & (many > 1)]


def _closers(
    laws: Int[np.ndarray, "laws variables"],
    moves: Int[np.ndarray, "changes variables"],
    species: int,
) -> list[int]:
    """Of each law, the species in no other law that most net changes touch."""
    touched = np.count_nonzero(moves, axis=0)
    is_own = np.count_nonzero(laws, axis=0) == 1
    is_own[species:] = False
    found: list[int] = []
    for law in laws:
        own = np.flatnonzero((np.abs(law) == 1) & is_own)
        if len(own):
            found.append(int(own[np.argmax(touched[own])]))
    return found


def _changed(
    laws: Int[np.ndarray, "laws variables"],
    moves: Int[np.ndarray, "changes variables"],
    species: int,
) -> int:
    """How many counts that have to be predicted all net changes change together."""
    closers = _closers(laws, moves, species)
    return int(np.count_nonzero(np.delete(moves, closers, axis=1)))


def _with_totals(
    laws: Int[np.ndarray, "laws variables"], sums: Int[np.ndarray, "totals variables"]
) -> Int[np.ndarray, "more extended"]:
    """The laws, and that each sum is its total."""
    none = np.zeros((len(laws), len(sums)), dtype=np.int64)
    one = np.eye(len(sums), dtype=np.int64)
    return np.block([[laws, none], [sums, -one]])


def _remainders(space: StateSpace, sums: Int[np.ndarray, "totals variables"]) -> float:
    """About how many joint remainders the laws have with the totals."""
    is_sum = (space.laws >= 0).all(axis=1)
    spans = np.where(is_sum, space.totals, np.abs(space.laws) @ space.caps)
    return float(np.prod(np.append(spans, sums @ space.caps) + 1.0))


def _extended(
    lowered: LoweredNetwork, sums: Int[np.ndarray, "totals variables"]
) -> LoweredNetwork:
    """The network with the totals as variables."""
    if not len(sums):
        return lowered
    space, species = lowered.space, len(lowered.space.caps)
    starts = np.array([np.argmax(law) for law in lowered.initial])
    tops = sums @ space.caps
    laws = _with_totals(space.laws, sums)
    caps = np.append(space.caps, tops)
    families = tuple(_family(family, sums, species) for family in lowered.families)
    closers = _closers(laws, _moves(families, len(caps)), species)
    order = order_of(
        caps,
        laws,
        [set(f.variables[0].tolist()) for f in families],
        range(species, len(caps)),
        closers,
    )
    counts = (sums @ starts).tolist()
    known = (
        weights_of(Delta(count), top)
        for count, top in zip(counts, tops.tolist(), strict=True)
    )
    return replace(
        lowered,
        families=families,
        space=StateSpace(
            names=(*space.names, *(_name(space.names, row) for row in sums.tolist())),
            caps=caps,
            laws=laws,
            totals=np.append(space.totals, np.zeros(len(sums), dtype=np.int64)),
            order=np.array(order, dtype=np.int64),
        ),
        initial=(*lowered.initial, *known),
    )


def _family(
    family: ChannelFamily, sums: Int[np.ndarray, "totals variables"], species: int
) -> ChannelFamily:
    """The family with the totals that it changes."""
    change = np.zeros(species, dtype=np.int64)
    np.add.at(change, family.variables[0], family.net_change)
    moved = sums @ change
    where = np.flatnonzero(moved)
    more = np.broadcast_to(species + where, (len(family.variables), len(where)))
    return replace(
        family,
        variables=np.hstack([family.variables, more]),
        net_change=np.append(family.net_change, moved[where]),
    )


def _name(names: Sequence[str], row: list[int]) -> str:
    return " + ".join(
        names[v] if c == 1 else f"{c} {names[v]}" for v, c in enumerate(row) if c
    )


#: What may come before the copy numbers, by the setting `totals`.
TOTALS = {"auto": add_totals, "none": no_totals}
