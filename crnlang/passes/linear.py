"""Where the rate equations give the exact means: every channel is linear."""

import numpy as np

from crnlang.ir.expr import Call, Count, Expr, Function, OverSites, slots_of
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork


def is_affine(expr: Expr) -> bool:
    """Whether the value is a sum of copy numbers times factors without any.

    By the form of the expression: `X*(Y + 1)/(Y + 1)` counts as not affine.
    """
    if not slots_of(expr):
        return True
    match expr:
        case Call(Function.ADD | Function.SUB | Function.NEG, arguments):
            return all(map(is_affine, arguments))
        case Call(Function.MUL, (left, right)):
            one_is_free = not slots_of(left) or not slots_of(right)
            return one_is_free and is_affine(left) and is_affine(right)
        case Call(Function.DIV, (above, below)):
            return not slots_of(below) and is_affine(above)
        case Call(Function.IF, (condition, yes, no)):
            return not slots_of(condition) and is_affine(yes) and is_affine(no)
        case OverSites(Function.SUM | Function.MEAN, body):
            return is_affine(body)
        case Call() | OverSites():
            return False
        case _:
            return True


def has_exact_means(lowered: LoweredNetwork) -> bool:
    """Whether the means of the process without caps obey the rate equations.

    So it is where every propensity is affine and no channel is stopped at zero: what a
    channel uses up is one copy of one species, and without it the propensity is 0.
    Events that change copy numbers must be affine, too.
    """
    return all(map(_is_linear_channel, lowered.families)) and all(
        is_affine(jump.value) for jump in lowered.jumps
    )


def _is_linear_channel(family: ChannelFamily) -> bool:
    if not is_affine(family.propensity):
        return False
    used = np.flatnonzero(family.net_change < 0)
    if not len(used):
        return True
    if len(used) > 1 or family.net_change[used[0]] < -1:
        return False
    return _is_proportional(family.propensity, int(used[0]))


def _is_proportional(expr: Expr, slot: int) -> bool:
    """Whether the value is the copy number of a slot times a factor without any."""
    match expr:
        case Count(own):
            return own == slot
        case Call(Function.ADD | Function.SUB, (left, right)):
            return _is_proportional(left, slot) and _is_proportional(right, slot)
        case Call(Function.MUL, (left, right)):
            factor, other = (right, left) if slots_of(left) else (left, right)
            return not slots_of(factor) and _is_proportional(other, slot)
        case Call(Function.DIV, (above, below)):
            return not slots_of(below) and _is_proportional(above, slot)
        case _:
            return False
