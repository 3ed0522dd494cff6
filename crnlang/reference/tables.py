"""A lowered network -> the flat arrays that the compiled batches read."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.expr import depends_on_time, slots_of
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork
from crnlang.reference.forms import Forms
from crnlang.reference.trajectory import Tables


def families_by_channel(lowered: LoweredNetwork) -> list[ChannelFamily]:
    """The family of every channel: family by family, instance by instance."""
    return [family for family in lowered.families for _ in family.variables]


def build_tables(lowered: LoweredNetwork, forms: Forms) -> Tables:
    """The network as the arrays that the compiled batches read."""
    families = families_by_channel(lowered)
    rows = [row for family in lowered.families for row in family.variables]
    width = max((len(row) for row in rows), default=0)
    changed = [
        [(int(v), int(c)) for v, c in zip(row, family.net_change, strict=True) if c]
        for row, family in zip(rows, families, strict=True)
    ]
    dependent = _dependents(families, rows, changed)
    numbers = {id(family): i for i, family in enumerate(lowered.families)}
    touched = np.zeros((len(rows), width), dtype=np.int64)
    for row, padded in zip(rows, touched, strict=True):
        padded[: len(row)] = row
    return Tables(
        form=forms.form[[numbers[id(family)] for family in families]],
        touched=touched,
        numbers=forms.numbers,
        triggers=len(lowered.network.triggers),
        is_varying=np.array(
            [depends_on_time(family.propensity) for family in families], dtype=bool
        ),
        caps=lowered.space.caps.astype(np.int64),
        cumulative=_cumulative(lowered),
        changed_start=_starts(changed),
        changed=_whole([variable for pairs in changed for variable, _ in pairs]),
        change=_whole([change for pairs in changed for _, change in pairs]),
        dependent_start=_starts(dependent),
        dependent=_whole([channel for channels in dependent for channel in channels]),
    )


def _dependents(
    families: Sequence[ChannelFamily],
    rows: Sequence[Int[np.ndarray, " _"]],
    changed: Sequence[Sequence[tuple[int, int]]],
) -> list[list[int]]:
    """For each channel, those whose propensity reads a variable that it changes.

    A channel also reads what it takes away, because it stops at 0.
    """
    readers: dict[int, list[int]] = {}
    for channel, (family, row) in enumerate(zip(families, rows, strict=True)):
        slots = slots_of(family.propensity) | set(np.flatnonzero(family.net_change < 0))
        for slot in slots:
            readers.setdefault(int(row[slot]), []).append(channel)
    return [
        sorted(
            {reader for variable, _ in pairs for reader in readers.get(variable, [])}
        )
        for pairs in changed
    ]


def _cumulative(lowered: LoweredNetwork) -> Float[np.ndarray, "variables levels"]:
    """The distribution function of each variable at the start, padded with 1."""
    levels = max((len(law) for law in lowered.initial), default=1)
    table = np.ones((len(lowered.initial), levels))
    for row, law in zip(table, lowered.initial, strict=True):
        sums = np.cumsum(law)
        row[: len(law)] = sums / sums[-1]
    return table


def _starts(rows: Sequence[Sequence[object]]) -> Int[np.ndarray, " starts"]:
    """Where each row starts in their concatenation, and where the last one ends."""
    return np.cumsum([0, *map(len, rows)]).astype(np.int64)


def _whole(values: Sequence[int]) -> Int[np.ndarray, " values"]:
    return np.array(values, dtype=np.int64)
