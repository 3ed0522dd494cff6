"""The distinct rows of a table of integers."""

import numpy as np
from jaxtyping import Int, Integer


def distinct_rows(
    table: Integer[np.ndarray, "rows columns"],
) -> tuple[Int[np.ndarray, " distinct"], Int[np.ndarray, " rows"]]:
    """Where each distinct row stands first, in lexical order, and which one each is.

    As `numpy.unique` along the first axis, which compares whole rows one pair at a
    time: columns are sorted instead, several times as fast, and other threads run.
    """
    rows, columns = table.shape
    if not columns:
        return np.zeros(min(rows, 1), int), np.zeros(rows, int)
    order = np.lexsort(table.T[::-1])
    ordered = table[order]
    is_new = np.ones(rows, bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    which = np.empty(rows, int)
    which[order] = np.cumsum(is_new) - 1
    return order[is_new], which
