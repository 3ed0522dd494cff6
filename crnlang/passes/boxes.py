"""Condition -> the copy numbers that it allows of each variable, where that is all."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    Call,
    Expr,
    Function,
    OverSites,
    at_site,
    call,
    move_slots,
    slots_of,
)
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import ProbQuery

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


def boxes_asked_for(
    lowered: LoweredNetwork, times: Sequence[float]
) -> Bool[np.ndarray, "boxes variables levels"]:
    """The boxes that the questions for a probability name, at any of the times."""
    caps = lowered.space.caps
    found: list[Bool[np.ndarray, "variables levels"]] = []
    for query in lowered.network.queries:
        if not isinstance(query, ProbQuery):
            continue
        asked = query.condition
        if query.given is not None:
            asked = call(Function.AND, query.given, asked)
        for t in times:
            box = box_of(asked, caps, lowered.parameters, t)
            if box is not None:
                found.append(allowed_in(box, caps))
    none = np.zeros((0, len(caps), int(caps.max()) + 1), dtype=bool)
    return np.unique(np.stack(found), axis=0) if found else none


def allowed_in(
    box: Box, caps: Int[np.ndarray, " variables"]
) -> Bool[np.ndarray, "variables levels"]:
    """What is allowed of every variable: all where the box says nothing."""
    allowed = np.ones((len(caps), int(caps.max()) + 1), dtype=bool)
    for variable, own in box.items():
        allowed[variable, : len(own)] = own
    return allowed


def _parts(condition: Expr) -> list[Expr]:
    """Conditions that hold together where the condition holds."""
    match condition:
        case Call(Function.AND, (one, other)):
            return _parts(one) + _parts(other)
        case OverSites(Function.ALL, body, sites):
            return [part for s in range(sites) for part in _parts(at_site(body, s))]
        case _:
            return [condition]
