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

    `spacing` is the distance between neighbours, where the file gives it.
    """

    shape: tuple[int, ...]
    boundary: tuple[Boundary, ...]
    spacing: float | None = None

    @property
    def sites(self) -> int:
        """The number of sites."""
        return int(np.prod(self.shape))

    def coordinates(self) -> Int[np.ndarray, "sites axes"]:
        """The indices of every site."""
        axes = len(self.shape)
        return np.indices(self.shape).reshape(axes, -1).T.astype(np.int64)

    def find(self, index: Sequence[int]) -> int | None:
        """The number of the site with these indices; `None` where there is none."""
        if any(not 0 <= i < size for i, size in zip(index, self.shape, strict=True)):
            return None
        return int(np.ravel_multi_index(tuple(index), self.shape))

    def directed_edges(self) -> Int[np.ndarray, "edges 2"]:
        """Every pair of neighbours in both directions, by the site that is left.

        Neighbours count once: a periodic axis of two sites is a reflecting one.
        """
        numbers = np.arange(self.sites).reshape(self.shape)
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
        return edges[np.lexsort((edges[:, 1], edges[:, 0]))]

    def site_labels(self) -> list[str]:
        """The indices of every site as they stand in a name: `[0,3]`."""
        return [f"[{','.join(map(str, row))}]" for row in self.coordinates().tolist()]

    def path(self, order: str) -> Int[np.ndarray, " sites"]:
        """A permutation of the sites.

        `raster` goes through the rows one after the other, all in one direction;
        `snake` turns at their ends, so that each site is next to the one before.
        """
        numbers = np.arange(self.sites)
        return _snake(numbers.reshape(self.shape)) if order == "snake" else numbers


def _snake(numbers: Int[np.ndarray, "..."]) -> Int[np.ndarray, " sites"]:
    if numbers.ndim == 1:
        return numbers
    rows = [_snake(row) for row in numbers]
    turned = [row[::-1] if i % 2 else row for i, row in enumerate(rows)]
    return np.concatenate(turned)
