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

import heapq
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
    species = order_of(caps, laws.coefficients, _families(network))
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


def order_of(
    caps: Int[np.ndarray, " species"],
    laws: Int[np.ndarray, "laws species"],
    families: Collection[Collection[int]],
    first: Collection[int] = (),
    closing: Collection[int] = (),
) -> list[int]:
    """The species at each position.

    Of those that are no switches, those that come `first` do; `closing` ones wait until
    a law fixes them.
    """
    queue = _Queue(caps.tolist(), _neighbours(len(caps), families), first, closing)
    pools = _Pools(laws)
    placed: list[int] = []
    while len(placed) < len(caps):
        chosen = pools.determined()
        if chosen is None:
            chosen = queue.best()
        queue.place(chosen)
        pools.place(chosen)
        placed.append(chosen)
    return placed


def _neighbours(
    count: int, families: Collection[Collection[int]]
) -> list[dict[int, int]]:
    """Of each species, the others that it shares families with, and how many."""
    found: list[dict[int, int]] = [{} for _ in range(count)]
    for family in families:
        for one in family:
            for other in family:
                if other != one:
                    found[one][other] = found[one].get(other, 0) + 1
    return found


class _Queue:
    """The species that are left, the next one by rules 2 and 3 first.

    A heap holds an entry for each strength that a species has had; only the newest
    counts. What a species shares with the last one placed is looked up: few do.
    """

    def __init__(
        self,
        caps: list[int],
        neighbours: list[dict[int, int]],
        first: Collection[int],
        closing: Collection[int],
    ) -> None:
        self.caps = caps
        self.first = set(first)
        self.closing = set(closing)
        self.neighbours = neighbours
        self.strength = [0] * len(caps)
        self.left = set(range(len(caps)))
        self.last: dict[int, int] = {}
        self.heap = [self.key(v) for v in self.left]
        heapq.heapify(self.heap)

    def key(self, v: int, last: int = 0) -> tuple[bool, bool, bool, int, int, int, int]:
        """What the order of choice compares."""
        return (
            v in self.closing,
            self.caps[v] > 1,
            v not in self.first,
            -self.strength[v],
            -last,
            self.caps[v],
            v,
        )

    def best(self) -> int:
        """The species to place next."""
        while self.heap[0][-1] not in self.left or (
            self.heap[0] != self.key(self.heap[0][-1])
        ):
            heapq.heappop(self.heap)
        near = [self.key(v, n) for v, n in self.last.items() if v in self.left]
        return min([self.heap[0], *near])[-1]

    def place(self, chosen: int) -> None:
        """Take a species out; those that share families with it move up."""
        self.left.remove(chosen)
        self.last = self.neighbours[chosen]
        for v, shared in self.last.items():
            if v in self.left:
                self.strength[v] += shared
                heapq.heappush(self.heap, self.key(v))


class _Pools:
    """The laws, and how many of their species are still to be placed."""

    def __init__(self, laws: Int[np.ndarray, "laws species"]) -> None:
        self.open = [set(np.flatnonzero(law).tolist()) for law in laws]
        self.laws_of: dict[int, list[int]] = {}
        for number, species in enumerate(self.open):
            for v in species:
                self.laws_of.setdefault(v, []).append(number)
        self.ready = [min(species) for species in self.open if len(species) == 1]
        heapq.heapify(self.ready)
        self.placed: set[int] = set()

    def determined(self) -> int | None:
        """The first species that is the only one of some law still to be placed."""
        while self.ready and self.ready[0] in self.placed:
            heapq.heappop(self.ready)
        return self.ready[0] if self.ready else None

    def place(self, chosen: int) -> None:
        """Count a species as placed."""
        self.placed.add(chosen)
        for number in self.laws_of.get(chosen, ()):
            rest = self.open[number]
            rest.remove(chosen)
            if len(rest) == 1:
                heapq.heappush(self.ready, min(rest))
