"""Network -> conservation laws with totals: integer left null space of net changes.

A law is a row c with sum_i c_i nu_i = 0 for every channel. Its total is c . n(0), so
only species that start at a fixed count may take part: laws over the others hold too,
but with a total that differs between trajectories.

On a lattice, a law over species that all stay at their sites holds at every site. Any
other law over species holds for the sums over all sites; these are all laws of the
lattice, since the coefficients of what diffuses are the same at sites that are joined.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from crnlang.diagnostics import Report
from crnlang.ir.network import Delta, Network
from crnlang.passes.errors import TooManyLaws
from crnlang.passes.rows import Rows

#: The search for nonnegative laws gives up beyond this many more rows than species.
MAX_CANDIDATES = 2000

#: Largest table of laws, in coefficients of 8 bytes.
MAX_ENTRIES = 200_000_000

_Sparse = dict[int, int]


@dataclass(frozen=True, eq=False)
class Laws:
    """Independent conservation laws over the species, with their totals.

    A law that `is_local` holds at every site, with the totals that stand there; any
    other for the sums over all sites, with one total.
    """

    coefficients: Int[np.ndarray, "laws species"]
    totals: Int[np.ndarray, "laws sites"]
    is_local: Bool[np.ndarray, " laws"]


def find_laws(network: Network, report: Report) -> Laws:
    """A basis of all laws with a fixed total, nonnegative and small where possible.

    Raises:
        CrnError: the laws need too much memory; with everything reported so far.
    """
    changes = _net_changes(network)
    starts = fixed_starts(network)
    moving = {hop.species for hop in network.hops}
    staying = [i for i in starts if network.species[i].is_per_site and i not in moving]
    local = _basis({i: changes[i] for i in staying})
    chosen = _basis({i: changes[i] for i in starts}, local)
    table = _table(network, len(chosen), len(network.species), report)
    totals = np.zeros((len(chosen), network.sites), dtype=np.int64)
    is_local = np.arange(len(chosen)) < len(local)
    for row, law in enumerate(chosen):
        for species, coefficient in law.items():
            table[row, species] = coefficient
            count = starts[species]
            is_sum = not is_local[row] and network.species[species].is_per_site
            totals[row] += coefficient * (count.sum() if is_sum else count)
    return Laws(table, totals, is_local)


def fixed_starts(network: Network) -> dict[int, Int[np.ndarray, " _sites"]]:
    """The count at each site, or the one count, of every species that starts at it.

    Those that an event changes are left out: no total of theirs is the same for ever.
    """
    found = {
        i: np.full(network.sites if species.is_per_site else 1, species.initial.count)
        for i, species in enumerate(network.species)
        if isinstance(species.initial, Delta)
    }
    for change in network.count_changes:
        found.pop(change.species, None)
    for start in network.site_starts:
        if not isinstance(start.initial, Delta):
            found.pop(start.species, None)
        elif start.species in found:
            found[start.species][start.site] = start.initial.count
    return found


def _table(
    network: Network, laws: int, columns: int, report: Report
) -> Int[np.ndarray, "laws _columns"]:
    """Room for the coefficients of laws, if there is."""
    if laws * columns > MAX_ENTRIES:
        first = network.species[0].span
        report.add(TooManyLaws(first, laws, columns, MAX_ENTRIES))
        report.stop_on_errors()
    return np.zeros((laws, columns), dtype=np.int64)


def expand_laws(
    network: Network, laws: Laws, report: Report
) -> tuple[Int[np.ndarray, "expanded variables"], Int[np.ndarray, " expanded"]]:
    """The laws over the variables, with their totals: local ones once for each site.

    Raises:
        CrnError: as `find_laws`.
    """
    blocks = network.blocks()
    variables = blocks[-1].stop if blocks else 0
    copies = np.where(laws.is_local, network.sites, 1)
    table = _table(network, int(copies.sum()), variables, report)
    totals: list[int] = []
    for law, at_sites, is_local in zip(
        laws.coefficients, laws.totals.tolist(), laws.is_local, strict=True
    ):
        for site in range(network.sites if is_local else 1):
            row = table[len(totals)]
            for species in np.flatnonzero(law).tolist():
                block = blocks[species]
                row[block[site] if is_local else slice(block.start, block.stop)] = law[
                    species
                ]
            totals.append(at_sites[site])
    return table, np.array(totals, dtype=np.int64)


def _basis(changes: dict[int, _Sparse], first: Sequence[_Sparse] = ()) -> list[_Sparse]:
    """A basis of all laws over some species that begins with given ones."""
    null_space = _null_space(changes)
    pools = nonnegative_laws(changes)
    return _independent([*first, *pools, *null_space], len(null_space))


def _net_changes(network: Network) -> list[_Sparse]:
    """Row of the net stoichiometry of each species: channel to net change."""
    rows: list[_Sparse] = [{} for _ in network.species]
    for channel, reaction in enumerate(network.reactions):
        for species, change in zip(
            reaction.variables, reaction.net_change, strict=True
        ):
            if change:
                rows[species][channel] = change
    return rows


def _combine(a: int, first: _Sparse, b: int, second: _Sparse) -> _Sparse:
    """The sum a * first + b * second, without zeros."""
    result = {key: a * value for key, value in first.items()}
    for key, value in second.items():
        result[key] = result.get(key, 0) + b * value
    return {key: value for key, value in result.items() if value}


def _primitive(*parts: _Sparse) -> list[_Sparse]:
    """The rows divided by their common divisor."""
    divisor = math.gcd(*(value for part in parts for value in part.values())) or 1
    return [{k: v // divisor for k, v in part.items()} for part in parts]


def _null_space(changes: dict[int, _Sparse]) -> list[_Sparse]:
    """A basis of all integer laws, by exact elimination of the species' rows."""
    pivots: dict[int, tuple[_Sparse, _Sparse]] = {}
    laws: list[_Sparse] = []
    for species, row in changes.items():
        rest, law = dict(row), {species: 1}
        while rest and (lead := min(rest)) in pivots:
            pivot_row, pivot_law = pivots[lead]
            a, b = pivot_row[lead], -rest[lead]
            rest, law = _primitive(
                _combine(a, rest, b, pivot_row), _combine(a, law, b, pivot_law)
            )
        if rest:
            pivots[min(rest)] = (rest, law)
        else:
            laws.append(_signed(law))
    return laws


def _signed(law: _Sparse) -> _Sparse:
    """The law or its negative, whichever has more positive coefficients."""
    if sum(1 if value > 0 else -1 for value in law.values()) < 0:
        return {key: -value for key, value in law.items()}
    return law


def nonnegative_laws(changes: dict[int, _Sparse]) -> list[_Sparse]:
    """All minimal nonnegative laws (Farkas); none where there are too many.

    Channel after channel is cancelled by adding rows of opposite sign; a row whose
    species include those of another row is dropped.
    """
    rows = Rows()
    for species, row in changes.items():
        rows.add((row, {species: 1}))
    for channel in sorted({channel for row in changes.values() for channel in row}):
        touched = rows.take(channel)
        gains = [pair for pair in touched if pair[0][channel] > 0]
        losses = [pair for pair in touched if pair[0][channel] < 0]
        if len(rows) + len(gains) * len(losses) > len(changes) + MAX_CANDIDATES:
            return []
        made: list[tuple[_Sparse, _Sparse]] = []
        for row, law in gains:
            for other_row, other_law in losses:
                a, b = -other_row[channel], row[channel]
                new_row, new_law = _primitive(
                    _combine(a, row, b, other_row), _combine(a, law, b, other_law)
                )
                made.append((new_row, new_law))
        for pair in sorted(made, key=lambda pair: len(pair[1])):
            rows.add_minimal(pair)
    return sorted((law for _, law in rows), key=_simplicity)


def _simplicity(law: _Sparse) -> tuple[int, int, Sequence[int]]:
    return len(law), sum(map(abs, law.values())), sorted(law)


def _independent(laws: Iterable[_Sparse], rank: int) -> list[_Sparse]:
    """The first `rank` laws of which none is a combination of those before it."""
    chosen: list[_Sparse] = []
    pivots: dict[int, _Sparse] = {}
    for law in laws:
        rest = dict(law)
        while rest and (lead := min(rest)) in pivots:
            pivot = pivots[lead]
            (rest,) = _primitive(_combine(pivot[lead], rest, -rest[lead], pivot))
        if rest:
            pivots[min(rest)] = rest
            chosen.append(law)
        if len(chosen) == rank:
            break
    return chosen
