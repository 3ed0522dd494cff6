"""Lattice -> what each conditional sees: near sites one by one, far ones as a sum."""

from collections import defaultdict

import numpy as np
from jaxtyping import Int
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import shortest_path

from crnlang.ir.lattice import Lattice
from crnlang.ir.lowered import LoweredNetwork
from crnlang.nn.inputs import Inputs


def local_inputs(
    lowered: LoweredNetwork, free: tuple[int, ...], reach: int
) -> tuple[Inputs, ...]:
    """The inputs of the conditionals at the `free` positions of a lattice.

    One by one those before it on sites at most `reach` hops away, and those that have
    no site; of every species the sum over all sites farther away.
    """
    lattice = lowered.network.lattice
    assert lattice is not None
    species, site = _placed(lowered)
    order = lowered.space.order[list(free)]
    species, site = species[order], site[order]
    hops = _hops(lattice)
    found = []
    for number, here in enumerate(site.tolist()):
        before = site[:number]
        far = (before >= 0) & (hops[before, here] > reach) & (here >= 0)
        sums: dict[int, list[int]] = defaultdict(list)
        for place in np.flatnonzero(far).tolist():
            sums[int(species[place])].append(place)
        near = [(place,) for place in np.flatnonzero(~far).tolist()]
        inputs = *near, *map(tuple, sums.values())
        found.append(tuple(sorted(inputs, key=lambda members: len(members) > 1)))
    return tuple(found)


def _placed(
    lowered: LoweredNetwork,
) -> tuple[Int[np.ndarray, " variables"], Int[np.ndarray, " variables"]]:
    """The species and the site of every variable; -1 for the site where it has none."""
    network = lowered.network
    species, site = np.zeros((2, len(lowered.space.caps)), int)
    for kind, block in enumerate(network.blocks()):
        species[block] = kind
        has_sites = network.species[kind].is_per_site
        site[block] = np.arange(len(block)) if has_sites else -1
    return species, site


def _hops(lattice: Lattice) -> Int[np.ndarray, "sites sites"]:
    """The least number of hops between sites; where there is no way, more than any."""
    edges, sites = lattice.directed_edges(), lattice.sites
    ways = csr_matrix((np.ones(len(edges)), edges.T), shape=(sites, sites))
    hops = shortest_path(ways, unweighted=True)
    return np.where(np.isfinite(hops), hops, sites).astype(int)
