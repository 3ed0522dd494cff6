"""Families -> autoregressive order: in which order the model predicts the variables.

The rule, applied until every variable is placed:

1. A variable that a conservation law fixes, all others of that law being placed, comes
   next: it costs nothing, and later variables can depend on it.
2. Else, among variables with a cap of 1 (gene-like switches) if there are any left,
   and among all others afterwards: the one most strongly coupled to those already
   placed, that is, sharing the most channel families with them.
3. Ties: the one that shares more families with the variable placed last; then the
   smaller cap; then the order of the file.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from crnlang.ir.lowered import ChannelFamily


def choose_order(
    caps: Int[np.ndarray, " variables"],
    laws: Int[np.ndarray, "laws variables"],
    families: Sequence[ChannelFamily],
) -> Int[np.ndarray, " variables"]:
    """A permutation: the variable at each position."""
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
    return np.array(placed, dtype=np.int64)


def _coupling(
    count: int, families: Sequence[ChannelFamily]
) -> Int[np.ndarray, "variables variables"]:
    """Number of families that each pair of variables shares."""
    coupling = np.zeros((count, count), dtype=np.int64)
    for family in families:
        for row in family.variables:
            coupling[np.ix_(row, row)] += 1
    return coupling


def _determined(laws: Int[np.ndarray, "laws variables"], left: set[int]) -> int | None:
    """The first variable that is the only one of some law still to be placed."""
    open_ = [set(np.flatnonzero(law).tolist()) & left for law in laws]
    return min((min(rest) for rest in open_ if len(rest) == 1), default=None)
