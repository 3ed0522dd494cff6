"""Network -> diagnostics: questions that the box answers before any run.

Sets are compared on states that the box and the conservation laws admit: all of them
where they are few, else evenly spread ones. So a pass is evidence, not a proof.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Int

from crnlang.diagnostics import Report
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Count, Expr, SiteCounts, map_leaves, slots_of
from crnlang.ir.network import LogpQuery, Network, PassageQuery
from crnlang.passes.checks import grid_of, obeys, unclear_species
from crnlang.passes.errors import CountOutside, SharedState
from crnlang.passes.laws import Laws


def check_questions(
    network: Network, laws: Laws, caps: Int[np.ndarray, " species"], report: Report
) -> None:
    """Report counts outside of the box, and passages that end where they start.

    Nothing is said of species that an error leaves open.
    """
    unclear = unclear_species(network, laws, report)
    for query in [q for q in network.queries if report.is_sound(q.span)]:
        if isinstance(query, LogpQuery):
            _check_counts(network, query, unclear, caps, report)
        elif isinstance(query, PassageQuery) and query.start is not None:
            _check_apart(network, query, query.start, unclear, laws, caps, report)


def _owners(network: Network) -> list[int]:
    """The species of each variable."""
    return [place for place, block in enumerate(network.blocks()) for _ in block]


def _check_counts(
    network: Network,
    query: LogpQuery,
    unclear: set[int],
    caps: Int[np.ndarray, " species"],
    report: Report,
) -> None:
    owners, names = _owners(network), network.variable_names()
    for variable, count, span in zip(
        query.variables, query.counts, query.spans, strict=True
    ):
        owner = owners[variable]
        cap = int(caps[owner])
        if owner not in unclear and count > cap:
            species = network.species[owner].name
            report.add(CountOutside(span, names[variable], count, cap, species))


def _check_apart(
    network: Network,
    query: PassageQuery,
    start: Expr,
    unclear: set[int],
    laws: Laws,
    caps: Int[np.ndarray, " species"],
    report: Report,
) -> None:
    """Report a state in which a passage both starts and ends."""
    variables = sorted(slots_of(start) | slots_of(query.target))
    owners = _owners(network)
    species = list(dict.fromkeys(owners[v] for v in variables))
    if not unclear.isdisjoint(species):
        return
    counts = grid_of(caps[species])
    if network.lattice is None:
        counts = counts[obeys(counts, species, laws)]
    elif (laws.coefficients[:, species] != 0).any():
        return  # a sum over sites may exclude every state that is looked at
    columns = {v: species.index(owners[v]) for v in variables}
    shared = np.flatnonzero(_holds(network, start, columns, counts))
    shared = shared[_holds(network, query.target, columns, counts[shared])]
    if not len(shared):
        return
    pairs = zip(species, counts[shared[0]].tolist(), strict=True)
    state = ", ".join(f"{network.species[s].name} = {count}" for s, count in pairs)
    where = "" if network.lattice is None else "at every site of the lattice"
    report.add(SharedState(query.start_span, state or "any", where))


def _holds(
    network: Network,
    condition: Expr,
    columns: Mapping[int, int],
    counts: Int[np.ndarray, "states species"],
) -> Bool[np.ndarray, " states"]:
    """Whether a condition holds where every variable has the count of its column.

    So each species has the same count at every site.
    """

    def of_species(leaf: Expr) -> Expr:
        match leaf:
            case Count(slot):
                return Count(columns[slot])
            case SiteCounts(slots):
                return Count(columns[slots[0]])
            case _:
                return leaf

    levels = [column.astype(np.float64) for column in counts.T]
    parameters = [parameter.value for parameter in network.parameters]
    moved = map_leaves(condition, of_species)
    found = evaluate_float64(moved, levels, parameters, 0.0)
    return np.broadcast_to(found != 0, len(counts))
