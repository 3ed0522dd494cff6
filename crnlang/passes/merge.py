"""Families -> fewer families: those with the same net change become one.

The master equation sees a channel only through its net change and its propensity, so
propensities of equal net change add up; each saved family saves an evaluation of the
neural model. Catalysts may differ: they join the variables with net change 0, which
leaves the firing rule as it was.
"""

from collections.abc import Sequence

import numpy as np

from crnlang.ir.expr import move_slots, total
from crnlang.ir.lowered import ChannelFamily

#: The variables that change, instance by instance, and by how much.
_Key = tuple[tuple[tuple[int, ...], int], ...]


def merge_families(families: Sequence[ChannelFamily]) -> tuple[ChannelFamily, ...]:
    """One family for each net change, in the order of first appearance.

    Families of several instances are one where they change the same variables, instance
    by instance.
    """
    groups: dict[_Key, list[ChannelFamily]] = {}
    for family in families:
        groups.setdefault(_changes(family), []).append(family)
    return tuple(
        group[0] if len(group) == 1 else _merged(key, group)
        for key, group in groups.items()
    )


def _columns(family: ChannelFamily) -> list[tuple[int, ...]]:
    """The variables of each slot, instance by instance."""
    return [tuple(column) for column in family.variables.T.tolist()]


def _changes(family: ChannelFamily) -> _Key:
    pairs = zip(_columns(family), family.net_change.tolist(), strict=True)
    return tuple(sorted((column, change) for column, change in pairs if change))


def _merged(key: _Key, group: Sequence[ChannelFamily]) -> ChannelFamily:
    used = [column for family in group for column in _columns(family)]
    changes = dict(key)
    columns = list(dict.fromkeys([*changes, *used]))
    slot = {column: i for i, column in enumerate(columns)}
    propensities = [
        move_slots(family.propensity, [slot[column] for column in _columns(family)])
        for family in group
    ]
    return ChannelFamily(
        name="+".join(family.name for family in group),
        reactions=tuple(name for family in group for name in family.reactions),
        variables=np.array(columns, dtype=np.int64).T.reshape(-1, len(columns)),
        sites=group[0].sites,
        net_change=np.array([changes.get(c, 0) for c in columns], dtype=np.int64),
        propensity=total(propensities),
        span=group[0].span,
    )
