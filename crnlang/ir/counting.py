"""Caps and conservation laws -> the number of states, without listing them.

Variable after variable is summed over; what is kept is how many ways lead to each
vector of *rests*: what the laws still ask of the variables to come. A rest that these
cannot give is dropped at once, so a law costs no more than its total.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import prod

import numpy as np
from jaxtyping import Int

#: Beyond so many vectors of rests, at one variable or at all of them together, the
#: states are not counted but bounded.
MOST_RESTS, MOST_IN_ALL = 200_000, 300_000

_Rest = tuple[int, ...]
_Bounds = list[tuple[int, int]]


def count_states(
    caps: Int[np.ndarray, " variables"],
    laws: Int[np.ndarray, "laws variables"],
    totals: Int[np.ndarray, " laws"],
    order: Int[np.ndarray, " variables"],
) -> int:
    """The number of states in the box `0..caps` that obey every law.

    Exact; or an upper bound where counting needs too many vectors of rests. `order`
    says which variable is summed over first. Laws that share no variable are counted
    apart, and those that are alike, as at the sites of a lattice, once.
    """
    rows = [np.flatnonzero(row).tolist() for row in laws]
    free = set(range(len(caps))).difference(*rows)
    found = prod(int(caps[v]) + 1 for v in free)
    known: dict[tuple[bytes, ...], int] = {}
    position = np.argsort(order)
    for group in _components(rows):
        used = sorted({v for row in group for v in rows[row]}, key=position.__getitem__)
        parts = caps[used], laws[np.ix_(group, used)], totals[group]
        key = tuple(part.tobytes() for part in parts)
        if key not in known:
            known[key] = _count_component(*parts, np.arange(len(used)))
        found *= known[key]
    return found


def _components(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """The laws in groups; laws of different groups share no variable."""
    groups: dict[int, list[int]] = {}
    group_of: dict[int, int] = {}
    for law, row in enumerate(rows):
        touched = {group_of[v] for v in row if v in group_of}
        members = [law, *(one for group in touched for one in groups.pop(group))]
        groups[law] = sorted(members)
        group_of.update(dict.fromkeys((v for one in members for v in rows[one]), law))
    return list(groups.values())


def _count_component(
    caps: Int[np.ndarray, " variables"],
    laws: Int[np.ndarray, "laws variables"],
    totals: Int[np.ndarray, " laws"],
    order: Int[np.ndarray, " variables"],
) -> int:
    """The number of states, or an upper bound, counted variable by variable."""
    if not len(order):
        return int(not totals.any())
    free = 1
    ways: dict[_Rest, int] = {tuple(totals.tolist()): 1}
    low, high = _bounds(caps, laws, order)
    in_all = 0
    for position, variable in enumerate(order.tolist()):
        column, cap = laws[:, variable].tolist(), int(caps[variable])
        if not any(column):
            free *= cap + 1
            continue
        bounds = list(zip(low[position].tolist(), high[position].tolist(), strict=True))
        after: dict[_Rest, int] = {}
        for line in _lines(ways, column):
            for rest, count in _windows(line, column, cap, bounds):
                after[rest] = count
                if len(after) > min(MOST_RESTS, MOST_IN_ALL - in_all):
                    return _upper_bound(caps, laws, order)
        in_all += len(after)
        ways = after
    return free * sum(ways.values())


def _bounds(
    caps: Int[np.ndarray, " variables"],
    laws: Int[np.ndarray, "laws variables"],
    order: Int[np.ndarray, " variables"],
) -> tuple[Int[np.ndarray, "variables laws"], Int[np.ndarray, "variables laws"]]:
    """The least and the most that the variables after each can give to each law."""
    ends = (laws[:, order] * caps[order]).T
    least, most = np.minimum(ends, 0), np.maximum(ends, 0)
    least, most = least.cumsum(axis=0), most.cumsum(axis=0)
    return least[-1] - least, most[-1] - most


#: Rests `base + t * column` with their ways, by ascending t.
_Line = tuple[_Rest, list[tuple[int, int]]]


def _lines(ways: dict[_Rest, int], column: Sequence[int]) -> Iterator[_Line]:
    """The rests by the lines along `column` that they lie on."""
    law = next(i for i, c in enumerate(column) if c)
    lines: dict[_Rest, list[tuple[int, int]]] = {}
    for rest, count in ways.items():
        t = rest[law] // column[law]
        base = tuple(r - t * c for r, c in zip(rest, column, strict=True))
        lines.setdefault(base, []).append((t, count))
    for base, points in lines.items():
        yield base, sorted(points)


def _windows(
    line: _Line, column: Sequence[int], cap: int, bounds: _Bounds
) -> Iterator[tuple[_Rest, int]]:
    """The rests within `bounds` that 0..`cap` copies lead to, with their ways."""
    base, points = line
    places = [t for t, _ in points]
    sums = list(accumulate((count for _, count in points), initial=0))
    first, last = places[0] - cap, places[-1]
    for b, c, (low, high) in zip(base, column, bounds, strict=True):
        if c > 0:
            first, last = max(first, -((b - low) // c)), min(last, (high - b) // c)
        elif c < 0:
            first, last = max(first, -((high - b) // -c)), min(last, (b - low) // -c)
    for t in range(first, last + 1):
        count = sums[bisect_right(places, t + cap)] - sums[bisect_left(places, t)]
        if count:
            yield tuple(b + t * c for b, c in zip(base, column, strict=True)), count


def _upper_bound(
    caps: Int[np.ndarray, " variables"],
    laws: Int[np.ndarray, "laws variables"],
    order: Int[np.ndarray, " variables"],
) -> int:
    """The states of the box, without the variables that the others determine."""
    position = {variable: p for p, variable in enumerate(order.tolist())}
    rows = [set(np.flatnonzero(row).tolist()) for row in laws]
    determined = {max(row, key=position.__getitem__) for row in rows}
    sizes = {v: cap + 1 for v, cap in enumerate(caps.tolist())}
    return prod(size for v, size in sizes.items() if v not in determined)
