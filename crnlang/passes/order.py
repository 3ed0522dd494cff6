"""Network -> autoregressive order: in which order the model predicts the variables.

The rule, applied until every variable is placed:

1. A variable that a conservation law fixes, all others of that law being placed, comes
   next: it costs nothing, and later variables can depend on it.
2. Else, among variables with a cap of 1 (gene-like switches) if there are any left,
   and among all others afterwards: the one most strongly coupled to those already
   placed, that is, sharing the most channel families with them.
3. Ties: the one that shares more families with the variable placed last; then the
   smaller cap; then the order of the file.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import Network
from crnlang.passes.laws import Laws


def choose_order(
    network: Network, caps: Int[np.ndarray, " species"], laws: Laws
) -> Int[np.ndarray, " variables"]:
    """A permutation: the variable at each position.

    On a lattice the rule orders the species. Those without sites come first, then the
    others, site after site in rows.
    """
    species = _order_of_species(caps, laws.coefficients, _families(network))
    blocks = network.blocks()
    is_per_site = [kind.is_per_site for kind in network.species]
    single = [blocks[v][0] for v in species if not is_per_site[v]]
    spread = [blocks[v] for v in species if is_per_site[v]]
    sites = [block[site] for site in range(network.sites) for block in spread]
    return np.array([*single, *sites], dtype=np.int64)


def follow_path(lowered: LoweredNetwork, order: str) -> LoweredNetwork:
    """The same network, the sites of its lattice in another order: see `Lattice.path`.

    Without a lattice there is nothing to reorder.
    """
    lattice, places = lowered.network.lattice, lowered.space.order
    if lattice is None:
        return lowered
    single = sum(not kind.is_per_site for kind in lowered.network.species)
    at_sites = places[single:].reshape(lattice.sites, -1)[lattice.path(order)]
    found = np.concatenate([places[:single], at_sites.ravel()])
    return replace(lowered, space=replace(lowered.space, order=found))


def _families(network: Network) -> list[set[int]]:
    """The species that the channels of each net change touch."""
    found: dict[tuple[tuple[int, int], ...], set[int]] = {}
    for reaction in network.reactions:
        pairs = zip(reaction.variables, reaction.net_change, strict=True)
        if key := tuple(sorted((v, change) for v, change in pairs if change)):
            found.setdefault(key, set()).update(reaction.variables)
    return list(found.values())


def _order_of_species(
    caps: Int[np.ndarray, " species"],
    laws: Int[np.ndarray, "laws species"],
    families: Collection[Collection[int]],
) -> list[int]:
    """The species at each position."""
    coupling = _coupling(len(caps), families)
    placed: list[int] = []
    left = set(range(len(caps)))
    strength = last = np.zeros_like(caps)
    while left:
        chosen = _determined(laws, left)
        if chosen is None:
            chosen = min(
                left,
                key=lambda v: (caps[v] > 1, -strength[v], -last[v], caps[v], v),
            )
        placed.append(chosen)
        left.remove(chosen)
        last = coupling[chosen]
        strength = strength + last
    return placed


def _coupling(
    count: int, families: Collection[Collection[int]]
) -> Int[np.ndarray, "species species"]:
    """Number of families that each pair of species shares."""
    coupling = np.zeros((count, count), dtype=np.int64)
    for family in families:
        row = sorted(family)
        coupling[np.ix_(row, row)] += 1
    return coupling


def _determined(laws: Int[np.ndarray, "laws species"], left: set[int]) -> int | None:
    """The first variable that is the only one of some law still to be placed."""
    open_ = [set(np.flatnonzero(law).tolist()) & left for law in laws]
    return min((min(rest) for rest in open_ if len(rest) == 1), default=None)
