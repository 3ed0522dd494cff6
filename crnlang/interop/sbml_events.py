"""Events of SBML at fixed times -> what changes when."""

# libsbml has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import libsbml

from crnlang.interop.refused import CannotHoldError
from crnlang.ir.expr import Expr, Function, Time, call, map_leaves, number

_AFTER = (libsbml.AST_RELATIONAL_GEQ, libsbml.AST_RELATIONAL_GT)
_BEFORE = (libsbml.AST_RELATIONAL_LEQ, libsbml.AST_RELATIONAL_LT)
_NOT_TIMED = "its trigger is not of the form `time >= T`"


@dataclass(frozen=True, slots=True)
class TimedEvent:
    """An event with its time; `changes` are names with the formulas of new values."""

    time: float
    changes: tuple[tuple[str, Any], ...]
    is_delayed: bool
    event: Any


def read_event(event: Any, constant: Callable[[Any], float]) -> TimedEvent:
    """An event at a fixed time; `constant` gives the value of a formula.

    Raises:
        CannotHoldError: it has no fixed time above 0, or a priority.
    """
    trigger = event.getTrigger()
    if trigger is None or trigger.getMath() is None:
        raise CannotHoldError("it has no trigger")
    if event.isSetPriority():
        raise CannotHoldError("it has a priority: events at one time happen at once")
    time = constant(_threshold(trigger.getMath()))
    if not time > 0:
        reason = "every event of the language is above 0"
        raise CannotHoldError(f"its trigger turns true at {time:g}: {reason}")
    delay = 0.0
    if event.isSetDelay():
        delay = constant(event.getDelay().getMath())
        if not 0 <= delay < math.inf:
            raise CannotHoldError(f"its delay is {delay:g}")
    changes = [
        (one.getVariable(), one.getMath()) for one in event.getListOfEventAssignments()
    ]
    is_early = delay > 0 and event.getUseValuesFromTriggerTime()
    return TimedEvent(time + delay, tuple(changes), is_early, event)


def label_of(event: Any) -> str:
    """What messages call an event."""
    return f"event `{event.getId() or event.getName()}`"


def waits_for_state(event: Any) -> bool:
    """Whether the trigger is anything else than a comparison of the time."""
    trigger = event.getTrigger()
    if trigger is None or trigger.getMath() is None:
        return False
    math_ = trigger.getMath()
    sides = [math_.getChild(i) for i in range(math_.getNumChildren())]
    return math_.getType() not in (*_AFTER, *_BEFORE) or not any(
        side.getType() == libsbml.AST_NAME_TIME for side in sides
    )


def _threshold(math_: Any) -> Any:
    """The T of `time >= T`, `time > T`, `T <= time` or `T < time`."""
    kind = math_.getType()
    if kind in (*_AFTER, *_BEFORE) and math_.getNumChildren() == 2:
        sides = [math_.getChild(0), math_.getChild(1)]
        early, late = sides if kind in _BEFORE else sides[::-1]
        if late.getType() == libsbml.AST_NAME_TIME:
            return early
    raise CannotHoldError(_NOT_TIMED)


def demand_distinct(events: Sequence[TimedEvent]) -> None:
    """Refuse events at one time that change the same thing.

    Raises:
        CannotHoldError: their order would matter.
    """
    seen: set[tuple[float, str]] = set()
    for event in events:
        for name, _ in event.changes:
            if (event.time, name) in seen:
                raise CannotHoldError(
                    f"`{name}` is changed twice at {event.time:g}, in no given order"
                )
            seen.add((event.time, name))


def stepwise(values: Sequence[tuple[float, Expr]], before: Expr) -> Expr:
    """What is `before` until the first time, then the first value, and so on."""
    if not values:
        return before
    middle = len(values) // 2
    time, value = values[middle]
    return call(
        Function.IF,
        call(Function.LT, Time(), number(time)),
        stepwise(values[:middle], before),
        stepwise(values[middle + 1 :], value),
    )


def at_time(expr: Expr, time: float) -> Expr:
    """The same expression with the time for `t`."""
    return map_leaves(
        expr, lambda leaf: number(time) if isinstance(leaf, Time) else leaf
    )
