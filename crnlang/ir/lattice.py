"""Lattices: the sites of a model, and which of them molecules hop between."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from jaxtyping import Int

#: Most sites that a lattice may have.
MAX_SITES = 65_536


class Boundary(Enum):
    """What lies behind the last site of an axis."""

    REFLECTING = "reflecting"  #: nothing: no hop leads there
    PERIODIC = "periodic"  #: the first site of the axis


@dataclass(frozen=True, slots=True)
class Lattice:
    """Sites in rows: the last index runs fastest. One boundary an axis.

    `spacing` is the distance between neighbours, where the file gives it. `kept` are
    the places that a mask leaves, of all in rows; `None` for all of them. `links` are
    the pairs of neighbours of a graph, whose sites have one index each.
    """

    shape: tuple[int, ...]
    boundary: tuple[Boundary, ...]
    spacing: float | None = None
    kept: tuple[int, ...] | None = None
    links: tuple[tuple[int, int], ...] | None = None

    @property
    def sites(self) -> int:
        """The number of sites."""
        return int(np.prod(self.shape)) if self.kept is None else len(self.kept)

    def coordinates(self) -> Int[np.ndarray, "sites axes"]:
        """The indices of every site."""
        axes = len(self.shape)
        rows = np.indices(self.shape).reshape(axes, -1).T.astype(np.int64)
        return rows if self.kept is None else rows[list(self.kept)]

    def _numbers(self) -> Int[np.ndarray, "..."]:
        """The number of the site at each place; -1 where a mask leaves none."""
        if self.kept is None:
            return np.arange(self.sites).reshape(self.shape)
        found = np.full(int(np.prod(self.shape)), -1)
        found[list(self.kept)] = np.arange(len(self.kept))
        return found.reshape(self.shape)

    def find(self, index: Sequence[int]) -> int | None:
        """The number of the site with these indices; `None` where there is none."""
        if any(not 0 <= i < size for i, size in zip(index, self.shape, strict=True)):
            return None
        site = int(self._numbers()[tuple(index)])
        return None if site < 0 else site

    def directed_edges(self) -> Int[np.ndarray, "edges 2"]:
        """Every pair of neighbours in both directions, by the site that is left.

        Neighbours count once: a periodic axis of two sites is a reflecting one.
        """
        if self.links is not None:
            pairs = np.array(self.links, dtype=np.int64).reshape(-1, 2)
            both = np.concatenate([pairs, pairs[:, ::-1]])
            return both[np.lexsort((both[:, 1], both[:, 0]))]
        numbers = self._numbers()
        found = [np.zeros((0, 2), dtype=np.int64)]
        for axis, (size, boundary) in enumerate(
            zip(self.shape, self.boundary, strict=True)
        ):
            is_ring = boundary is Boundary.PERIODIC and size > 2
            here = np.moveaxis(numbers, axis, 0)
            last = size if is_ring else size - 1
            pairs = np.stack(
                [here[:last].ravel(), np.roll(here, -1, axis=0)[:last].ravel()], axis=1
            )
            found += [pairs, pairs[:, ::-1]]
        edges = np.concatenate(found)
        edges = edges[(edges >= 0).all(axis=1)]
        return edges[np.lexsort((edges[:, 1], edges[:, 0]))]

    def site_labels(self) -> list[str]:
        """The indices of every site as they stand in a name: `[0,3]`."""
        return [f"[{','.join(map(str, row))}]" for row in self.coordinates().tolist()]

    def path(self, order: str) -> Int[np.ndarray, " sites"]:
        """A permutation of the sites.

        `raster` goes through the rows one after the other, all in one direction;
        `snake` turns at their ends, so that each site is next to the one before,
        where no mask is between them.
        """
        if order != "snake":
            return np.arange(self.sites)
        path = _snake(self._numbers())
        return path[path >= 0]


def _snake(numbers: Int[np.ndarray, "..."]) -> Int[np.ndarray, " sites"]:
    if numbers.ndim == 1:
        return numbers
    rows = [_snake(row) for row in numbers]
    turned = [row[::-1] if i % 2 else row for i, row in enumerate(rows)]
    return np.concatenate(turned)
