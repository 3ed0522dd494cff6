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

_Key = tuple[tuple[int, int], ...]


def merge_families(families: Sequence[ChannelFamily]) -> tuple[ChannelFamily, ...]:
    """One family for each net change, in the order of first appearance.

    Expects families of one instance each.
    """
    groups: dict[_Key, list[ChannelFamily]] = {}
    for family in families:
        groups.setdefault(_changes(family), []).append(family)
    return tuple(
        group[0] if len(group) == 1 else _merged(key, group)
        for key, group in groups.items()
    )


def _changes(family: ChannelFamily) -> _Key:
    (variables,) = family.variables.tolist()
    pairs = zip(variables, family.net_change.tolist(), strict=True)
    return tuple(sorted((v, change) for v, change in pairs if change))


def _merged(key: _Key, group: Sequence[ChannelFamily]) -> ChannelFamily:
    used = [v for family in group for v in family.variables[0].tolist()]
    changes = dict(key)
    variables = list(dict.fromkeys([*changes, *used]))
    slot = {variable: i for i, variable in enumerate(variables)}
    propensities = [
        move_slots(family.propensity, [slot[v] for v in family.variables[0].tolist()])
        for family in group
    ]
    return ChannelFamily(
        name="+".join(family.name for family in group),
        reactions=tuple(name for family in group for name in family.reactions),
        variables=np.array([variables], dtype=np.int64),
        net_change=np.array([changes.get(v, 0) for v in variables], dtype=np.int64),
        propensity=total(propensities),
        span=group[0].span,
    )
