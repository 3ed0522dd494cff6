"""Boxes that questions ask about and that hold little: how exact a step is inside them.

The distance of two laws does not feel what happens to a probability of 1e-9. So a box
has a distance of its own, that of the laws given that all counts are inside, from sums
over the prefixes inside,

    A(m) = sum of P(r, m) over prefixes r inside,    m inside,

at every free position: they are taken as shares of the sum of A over m. A box whose
probability is off by a small share x, at one position, has the distance 0.35 x.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from crnlang.solve.tables import Rows

#: What holds less of the law than this, logarithm, is not looked at.
RAREST = -25.0


@dataclass(frozen=True, eq=False)
class RareBoxes:
    """At one free position: the copy numbers inside, and the prefixes inside so far."""

    levels: Bool[np.ndarray, "boxes _levels"]
    rows: Bool[np.ndarray, "boxes _rows"]

    def inside(
        self, box: int, table: Float[np.ndarray, "_rows _levels"]
    ) -> Float[np.ndarray, " _some"]:
        """The table summed over the prefixes inside, at the copy numbers inside."""
        return table[self.rows[box]].sum(axis=0)[self.levels[box]]


def rare_boxes(
    boxes: Bool[np.ndarray, "boxes variables _levels"],
    ordered: Int[np.ndarray, "states variables"],
    free: Sequence[int],
    rows: Sequence[Rows],
) -> list[RareBoxes]:
    """What boxes leave at every free position; variables and states along the order."""
    found = []
    for position, here in zip(free, rows, strict=True):
        places = np.arange(position)
        begin = ordered[here.first][:, :position]
        is_in = np.zeros((len(boxes), len(here.mass)), bool)
        is_in[:, : len(begin)] = boxes[:, places, begin].all(axis=2)
        size = here.is_open.shape[1]
        levels = np.zeros((len(boxes), size), bool)
        own = boxes[:, position, :size]
        levels[:, : own.shape[1]] = own
        found.append(RareBoxes(levels, is_in))
    return found


def distance_inside(
    rare: Sequence[RareBoxes],
    one: Sequence[Float[np.ndarray, "_rows _levels"]],
    other: Sequence[Float[np.ndarray, "_rows _levels"]],
) -> float:
    """The largest Hellinger distance of two laws inside a box, as seen from the first.

    0 where no box is likely enough.
    """
    count = len(rare[0].levels) if len(rare) else 0
    return max((_inside(box, rare, one, other) for box in range(count)), default=0.0)


def _inside(
    box: int,
    rare: Sequence[RareBoxes],
    one: Sequence[Float[np.ndarray, "_rows _levels"]],
    other: Sequence[Float[np.ndarray, "_rows _levels"]],
) -> float:
    total, log_p = 0.0, 0.0
    for here, left, right in zip(rare, one, other, strict=True):
        whole = left[here.rows[box]].sum()
        kept = np.maximum(here.inside(box, left), 0.0)
        share = kept.sum()
        if not share > 0:
            break
        log_p += np.log(share / whole)
        if log_p < RAREST:
            break
        lost = np.sqrt(kept) - np.sqrt(np.maximum(here.inside(box, right), 0.0))
        total += float(np.sum(lost**2)) / 2 / share
    return total**0.5
