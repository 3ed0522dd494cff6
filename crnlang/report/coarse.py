"""Arrays made small enough for a page: fewer times, wider bins, three digits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

#: Probabilities below this are 0 on a page.
NOTHING = 1e-12
#: Numbers above this are not shown; whole ones below the other have no point.
LARGEST = 1e300
LARGEST_WHOLE = 1e15
#: Digits of the numbers of a page.
DIGITS = 3


@dataclass(frozen=True, eq=False)
class Binned:
    """A law a time over bins of `width` counts from `low` on: probability a count."""

    low: int
    width: int
    law: Float[np.ndarray, "times bins"]


def spread_places(number: int, most: int) -> Int[np.ndarray, " chosen"]:
    """At most so many of 0..number-1, evenly spread, the ends among them."""
    if number <= most:
        return np.arange(number)
    return np.unique(np.linspace(0, number - 1, most).round().astype(int))


def bin_counts(
    law: Float[np.ndarray, "times levels"],
    most: int,
    seen: tuple[int, int] | None = None,
) -> Binned:
    """The law over at most so many bins, what is never seen at the edges left out.

    `seen` are the first and the last count to show; without it those of this law.
    """
    first, last = seen or seen_range(law)
    width = -(-(last + 1 - first) // most)
    return Binned(first, width, _mean_of_bins(law, 1, first, last, width))


def bin_table(
    law: Float[np.ndarray, "times count_a count_b"],
    most: int,
    seen: tuple[tuple[int, int], tuple[int, int]],
) -> tuple[tuple[int, int], Float[np.ndarray, "times bins_a bins_b"]]:
    """The joint law over at most so many bins a side, and the widths of the bins."""
    widths = [-(-(last + 1 - first) // most) for first, last in seen]
    for axis, ((first, last), width) in enumerate(zip(seen, widths, strict=True), 1):
        law = _mean_of_bins(law, axis, first, last, width)
    return (widths[0], widths[1]), law


def seen_range(law: Float[np.ndarray, "times levels"]) -> tuple[int, int]:
    """The first and the last count that ever has a probability worth a name."""
    seen = np.flatnonzero((law > NOTHING).any(axis=0))
    return (int(seen[0]), int(seen[-1])) if len(seen) else (0, law.shape[1] - 1)


def _mean_of_bins(
    law: Float[np.ndarray, "*shape"], axis: int, first: int, last: int, width: int
) -> Float[np.ndarray, "*shorter"]:
    """The mean over each bin along an axis; the last may reach beyond the counts."""
    bins = -(-(last + 1 - first) // width)
    shape = list(law.shape)
    shape[axis] = bins * width
    padded = np.zeros(shape)
    within = min(first + bins * width, law.shape[axis]) - first
    index = [slice(None)] * law.ndim
    index[axis] = slice(0, within)
    padded[tuple(index)] = np.take(law, np.arange(first, first + within), axis)
    shape[axis : axis + 1] = [bins, width]
    return padded.reshape(shape).mean(axis=axis + 1)


def as_plain(values: Any, digits: int = DIGITS) -> Any:
    """Nested lists of numbers with few digits; what is no number is `None`."""
    array = np.asarray(values, dtype=float)
    flat = array.ravel()
    is_known = np.abs(flat) <= LARGEST
    known = np.where(is_known & (np.abs(flat) >= NOTHING), flat, 0.0)
    size = np.floor(np.log10(np.where(known == 0, 1.0, np.abs(known))))
    # powers of 10 that are whole numbers, so that the result is the nearest double
    up = 10.0 ** np.maximum(digits - 1 - size, 0)
    down = 10.0 ** np.maximum(size - digits + 1, 0)
    short = np.round(known / down * up) / up * down
    found: Any = short.astype(object)
    is_whole = (short == np.round(short)) & (np.abs(short) < LARGEST_WHOLE)
    found[is_whole] = short[is_whole].astype(np.int64).astype(object)
    found[~is_known] = None
    return found.reshape(array.shape).tolist()
