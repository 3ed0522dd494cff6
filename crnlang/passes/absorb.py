"""LoweredNetwork -> LoweredNetwork: some states made absorbing.

Every propensity is multiplied with 1 outside of the states and with 0 inside, so every
engine that follows the law of the new network knows when these were first entered.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from crnlang.ir.expr import Count, Expr, Function, call, move_slots, slots_of
from crnlang.ir.lowered import ChannelFamily, Jump, LoweredNetwork


def absorb(lowered: LoweredNetwork, target: Expr) -> LoweredNetwork:
    """The network that stays in the states of `target`, whose slots are variables.

    Each channel reads the variables of the target beside its own, so each is a family.
    """
    families = tuple(
        _stopped(family, instance, target)
        for family in lowered.families
        for instance in range(len(family.variables))
    )
    jumps = tuple(
        _kept(jump, instance, target)
        for jump in lowered.jumps
        for instance in range(len(jump.targets))
    )
    return replace(lowered, families=families, jumps=jumps)


def _stopped(family: ChannelFamily, instance: int, target: Expr) -> ChannelFamily:
    """One channel, off in the target."""
    variables, inside = _reading(family.variables[instance], target)
    more = len(variables) - len(family.net_change)
    outside = call(Function.NOT, inside)
    return replace(
        family,
        variables=variables[None, :],
        sites=family.sites[instance : instance + 1],
        net_change=np.pad(family.net_change, (0, more)),
        propensity=call(Function.MUL, outside, family.propensity),
    )


def _kept(jump: Jump, instance: int, target: Expr) -> Jump:
    """One change of a copy number at an event, which spares the target."""
    own = jump.targets[instance : instance + 1]
    found, inside = _reading(jump.variables[instance], target)
    variables, before = _reading(found, Count(int(own[0])))
    return replace(
        jump,
        targets=own,
        variables=variables[None, :],
        sites=jump.sites[instance : instance + 1],
        value=call(Function.IF, inside, before, jump.value),
    )


def _reading(
    variables: Int[np.ndarray, " width"], wanted: Expr
) -> tuple[Int[np.ndarray, " wider"], Expr]:
    """The variables with those that `wanted` reads, and it in terms of their places."""
    known = variables.tolist()
    known += [v for v in sorted(slots_of(wanted)) if v not in known]
    places = {variable: place for place, variable in enumerate(known)}
    return np.array(known, dtype=np.int64), move_slots(wanted, places)
