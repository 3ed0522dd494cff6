"""Network -> conservation laws with totals: integer left null space of net changes.

A law is a row c with sum_i c_i nu_i = 0 for every channel. Its total is c . n(0), so
only species that start at a fixed count may take part: laws over the others hold too,
but with a total that differs between trajectories.

On a lattice, a law over species that all stay at their sites holds at every site. Any
other law over species holds for the sums over all sites; these are all laws of the
lattice, since the coefficients of what diffuses are the same at sites that are joined.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from crnlang.diagnostics import Report
from crnlang.ir.network import Delta, Network
from crnlang.passes.errors import LawsLeftOut, TooManyLaws
from crnlang.passes.null_space import Sparse, choose_basis, null_space
from crnlang.passes.pools import find_pools

#: Largest table of laws, in coefficients of 8 bytes.
MAX_ENTRIES = 200_000_000


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

    Where some are left out, that is warned of.

    Raises:
        CrnError: the laws need too much memory; with everything reported so far.
    """
    changes = _net_changes(network)
    starts = fixed_starts(network)
    moving = {hop.species for hop in network.hops}
    staying = [i for i in starts if network.species[i].is_per_site and i not in moving]
    local, _ = _basis({i: changes[i] for i in staying})
    chosen, missing = _basis({i: changes[i] for i in starts}, local)
    if missing:
        report.add(LawsLeftOut(network.species[0].span, missing))
    table = _table(network, len(chosen), len(network.species), report)
    totals = np.zeros((len(chosen), network.sites), dtype=np.int64)
    known = {id(law) for law in local}
    is_local = np.array([id(law) in known for law in chosen], dtype=bool)
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
    blocks = network.blocks() if network.triggers else []
    for trigger in network.triggers:
        for species, block in enumerate(blocks):
            if any(variable in block for variable in trigger.variables):
                found.pop(species, None)
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


def _basis(
    changes: Mapping[int, Sparse], first: Sequence[Sparse] = ()
) -> tuple[list[Sparse], str | None]:
    """A basis of all laws over some species that begins with given ones.

    With it what is missing, if anything is.
    """
    space = null_space(changes)
    pools = find_pools(list(space.laws.values()))
    laws = {own: _signed(law) for own, law in space.laws.items()}
    missing = None
    if pools.unsearched:
        missing = "conservation laws without negative coefficients are too many to list"
    if not space.is_whole:
        missing = "some conservation laws are left out: too many, or numbers too large"
    return choose_basis([*first, *pools.laws], laws), missing


def nonnegative_laws(changes: Mapping[int, Sparse]) -> list[Sparse]:
    """The minimal nonnegative laws, simplest first; none where not all are found."""
    space = null_space(changes)
    pools = find_pools(list(space.laws.values()))
    return pools.laws if space.is_whole and not pools.unsearched else []


def _net_changes(network: Network) -> list[Sparse]:
    """Row of the net stoichiometry of each species: channel to net change."""
    rows: list[Sparse] = [{} for _ in network.species]
    for channel, reaction in enumerate(network.reactions):
        for species, change in zip(
            reaction.variables, reaction.net_change, strict=True
        ):
            if change:
                rows[species][channel] = change
    return rows


def _signed(law: Sparse) -> Sparse:
    """The law or its negative, whichever has more positive coefficients."""
    if sum(1 if value > 0 else -1 for value in law.values()) < 0:
        return {key: -value for key, value in law.items()}
    return law
