"""Events of SBML that wait for the state -> triggers."""

# libsbml has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from crnlang.diagnostics import Span
from crnlang.interop.refused import CannotHoldError
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    TRUTH_VALUED,
    Call,
    Expr,
    Function,
    call,
    depends_on_time,
    number,
    slots_of,
)
from crnlang.ir.network import Delta, Parameter, Species, Trigger


def read_trigger(
    event: Any,
    read: Callable[[Any], Expr],
    count: Callable[[str, Expr], tuple[int, Expr]],
    span: Span,
) -> Trigger:
    """An event that happens when a condition on the state turns true.

    `read` gives the expression of a formula, and `count` the species of a name with its
    copy number where that has a value.

    Raises:
        CannotHoldError: it has a priority or a delay, reads the time, or changes what
            is no copy number.
    """
    if event.isSetPriority():
        raise CannotHoldError("it has a priority: events at one time happen at once")
    if event.isSetDelay():
        raise CannotHoldError("it waits for the state, and for a delay after that")
    condition = _without_time(read(event.getTrigger().getMath()))
    if not (isinstance(condition, Call) and condition.function in TRUTH_VALUED):
        condition = call(Function.NE, condition, number(0))
    if not slots_of(condition):
        raise CannotHoldError(
            "its trigger reads no copy number, so it never turns true"
        )
    changes = dict(
        count(one.getVariable(), _without_time(read(one.getMath())))
        for one in event.getListOfEventAssignments()
        if one.getMath() is not None
    )
    if not changes:
        raise CannotHoldError("it changes nothing")
    return Trigger(condition, tuple(changes), tuple(changes.values()), span)


def _without_time(expr: Expr) -> Expr:
    """The expression itself.

    Raises:
        CannotHoldError: it changes with time.
    """
    if depends_on_time(expr):
        raise CannotHoldError("it reads the state, and what changes with time")
    return expr


def unsettled(
    events: Sequence[Any],
    triggers: Sequence[Trigger],
    species: Sequence[Species],
    parameters: Sequence[Parameter],
) -> Iterator[tuple[Any, CannotHoldError]]:
    """The events that would happen in another way here than the file says, and why.

    Nothing is said where some could not be read.
    """
    if len(triggers) < len(events):
        return
    for event, own in zip(events, triggers, strict=True):
        others = [one for one in triggers if one is not own]
        if reason := _difference(event, own, others, species, parameters):
            yield event, CannotHoldError(reason)


def _difference(
    event: Any,
    own: Trigger,
    others: Sequence[Trigger],
    species: Sequence[Species],
    parameters: Sequence[Parameter],
) -> str | None:
    """What would be different: the start, or the order of events of one instant."""
    starts = [one.initial for one in species]
    counts = [float(one.count) for one in starts if isinstance(one, Delta)]
    values = [one.value for one in parameters]
    trigger = event.getTrigger()
    if evaluate_float64(own.condition, counts, values, 0.0) and not (
        trigger.getInitialValue()
    ):
        return "it happens at the start: change the starts instead"
    if others and not trigger.getPersistent():
        return "another event may keep it from happening"
    read = set[int]().union(*map(slots_of, own.values))
    changed = {i for other in others for i in other.variables}
    if read & changed and not event.getUseValuesFromTriggerTime():
        return "it reads what another event may change before it"
    return None
