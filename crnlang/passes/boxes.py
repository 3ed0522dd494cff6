"""Condition -> the copy numbers that it allows of each variable, where that is all."""

import numpy as np
from jaxtyping import Bool, Float, Int

from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    Call,
    Expr,
    Function,
    OverSites,
    at_site,
    move_slots,
    slots_of,
)

#: Allowed copy numbers `0..cap` of some variables.
Box = dict[int, Bool[np.ndarray, " _levels"]]


def box_of(
    condition: Expr,
    caps: Int[np.ndarray, " variables"],
    parameters: Float[np.ndarray, " parameters"],
    t: float,
) -> Box | None:
    """What a condition allows of each variable that it reads.

    `None` where it is no conjunction of conditions on single variables.
    """
    box: Box = {}
    for part in _parts(condition):
        slots = sorted(slots_of(part))
        if len(slots) > 1:
            return None
        variable = slots[0] if slots else 0
        levels = np.arange(int(caps[variable]) + 1, dtype=float)
        alone = move_slots(part, {variable: 0})
        found = evaluate_float64(alone, [levels], parameters, t)
        allowed = np.broadcast_to(found != 0, len(levels))
        box[variable] = box.get(variable, True) & allowed
    return box


def _parts(condition: Expr) -> list[Expr]:
    """Conditions that hold together where the condition holds."""
    match condition:
        case Call(Function.AND, (one, other)):
            return _parts(one) + _parts(other)
        case OverSites(Function.ALL, body, sites):
            return [part for s in range(sites) for part in _parts(at_site(body, s))]
        case _:
            return [condition]
