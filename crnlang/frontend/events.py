"""`event` statements -> parameters that depend on time, and changes of copy numbers.

A parameter k that becomes v at time T is `if(t < T, k, v)` wherever a rate, a set or a
query reads it; so every engine that knows time-dependent rates knows such events.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import NotFinite, Repeated
from crnlang.frontend.event_errors import BadEvent
from crnlang.frontend.expressions import (
    demand_small,
    lower_expression,
    site_of,
    try_constant,
)
from crnlang.frontend.lattice_errors import OtherSites, WhichSite
from crnlang.frontend.scope import Reading, Refused, Scope
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    Expr,
    Function,
    ParameterRef,
    Time,
    call,
    move_slots,
    number,
    slots_of,
)
from crnlang.ir.network import CountChange

_EXAMPLE = "write `event at 4: k = 0`, or `event when X > 20: X = 0`"


class _Switches:
    """What parameters become, event after event.

    The `before` of the scope follows: what they are just before the latest event.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.steps: dict[int, list[tuple[float, Expr]]] = {}
        self.time = 0.0
        self.new: dict[int, Expr] = {}

    def come_to(self, time: float) -> None:
        if time > self.time:
            self.scope.before.update(self.new)
            self.time, self.new = time, {}

    def add(self, index: int, value: Expr) -> None:
        self.new[index] = value
        self.steps.setdefault(index, []).append((self.time, value))


def lower_events(
    statements: Sequence[ast.EventStatement], scope: Scope, report: Report
) -> tuple[CountChange, ...]:
    """The changes of copy numbers; those of parameters go into the scope.

    Events that wait for a condition are left to `lower_triggers`. What is wrong is
    reported.
    """
    timed: list[tuple[float, ast.Change]] = []
    for statement in statements:
        if statement.word.text == "when":
            continue
        time = _time(statement, scope, report)
        if time is not None:
            timed += [(time, change) for change in statement.changes]
    timed.sort(key=lambda pair: pair[0])
    switches = _Switches(scope)
    seen: dict[tuple[float, str], Span] = {}
    for time, change in timed:
        name = change.name.text
        key = (time, name)
        if change.element is None and key in seen:
            report.add(Repeated(change.name.span, name, seen[key]))
        seen.setdefault(key, change.name.span)
        if isinstance(scope.values.get(name), ParameterRef):
            try:
                _switch(time, change, switches, report)
            except Refused as refused:
                refused.tell(report)
    scope.before.clear()  # what stands outside of events reads the values of the start
    for index, steps in switches.steps.items():
        try:
            scope.changed[index] = _piecewise(index, steps, statements[-1].span)
        except Refused as refused:
            refused.tell(report)
    counts = [pair for pair in timed if pair[1].name.text in scope.species]
    return _count_changes(counts, scope, report)


def _count_changes(
    timed: Sequence[tuple[float, ast.Change]], scope: Scope, report: Report
) -> tuple[CountChange, ...]:
    found: list[CountChange] = []
    for time, change in timed:
        try:
            found.append(_count_change(time, change, scope, report))
        except Refused as refused:
            refused.tell(report)
    return tuple(found)


def _time(statement: ast.EventStatement, scope: Scope, report: Report) -> float | None:
    """When it happens; `None` after a refusal, which is reported."""
    word = statement.word
    if word.text != "at":
        reason = f"an event needs a time or a condition: `{word.text}` is none"
        report.add(BadEvent(word.span, reason, _EXAMPLE))
        return None
    time = try_constant(statement.moment, scope, "the time of the event", report)
    if time is not None and time <= 0:
        reason = f"an event cannot happen at t = {time:g}: the run starts at 0"
        fix = "change the start itself, or take a time above 0"
        report.add(BadEvent(statement.moment.span, reason, fix))
        return None
    return time


def _switch(
    time: float,
    change: ast.Change,
    switches: _Switches,
    report: Report,
) -> None:
    """Note what a parameter becomes; its value may use those just before.

    Raises:
        Refused: the value has an error.
    """
    if change.element is not None:
        fix = f"write `{change.name.text} = ...`: the change is for all sites"
        reason = "an event cannot change a parameter at one site alone"
        raise Refused(BadEvent(change.span, reason, fix))
    scope = switches.scope
    target = scope.values[change.name.text]
    assert isinstance(target, ParameterRef)
    is_array = isinstance(scope.constants[target.index], np.ndarray)
    reading = Reading.SITE_CONSTANT if is_array else Reading.CONSTANT
    switches.come_to(time)
    value = lower_expression(change.value, scope, report, reading)
    demand_small(value, change.value.span)
    found = evaluate_float64(value, (), scope.constants, 0.0)
    bad = found[~np.isfinite(found)].ravel()
    if len(bad):
        what = f"the new value of `{change.name.text}`"
        raise Refused(NotFinite(change.value.span, what, f"{bad[0]:g}"))
    switches.add(target.index, value)


def _piecewise(index: int, steps: Sequence[tuple[float, Expr]], last: Span) -> Expr:
    """The parameter as a function of time.

    Raises:
        Refused: the events, up to the `last`, are too many.
    """
    values = [ParameterRef(index), *(value for _, value in steps)]
    found = _choice([time for time, _ in steps], values)
    demand_small(found, last)
    return found


def _choice(times: Sequence[float], values: Sequence[Expr]) -> Expr:
    """The value before the first time, from there to the second, and so on.

    Halved again and again, so that many times nest a few levels only.
    """
    if not times:
        return values[0]
    middle = (len(times) + 1) // 2 if len(times) > 2 else 1
    return call(
        Function.IF,
        call(Function.LT, Time(), number(times[middle - 1])),
        _choice(times[: middle - 1], values[:middle]),
        _choice(times[middle:], values[middle:]),
    )


def _count_change(
    time: float, change: ast.Change, scope: Scope, report: Report
) -> CountChange:
    """The change of a copy number.

    Raises:
        Refused: the value has an error, or the site does not fit.
    """
    name, site = change.name, None
    if change.element is not None:
        site = site_of(change.element, scope)
    try:
        value = lower_expression(change.value, scope, report, Reading.OWN_SITE)
    except Refused as refused:
        if isinstance(found := refused.diagnostic, OtherSites):
            raise Refused(of_event(found, name.text, scope)) from None
        raise
    reads = tuple(sorted(slots_of(value)))
    if not scope.is_per_site(name.text):
        names = {place: text for text, place in scope.species.items()}
        for text in filter(scope.is_per_site, (names[slot] for slot in reads)):
            fix = f"`{name.text}` has no site; use species without sites"
            raise Refused(WhichSite(change.value.span, text, fix))
    slots = [0] * len(scope.species)
    for slot, species in enumerate(reads):
        slots[species] = slot
    return CountChange(
        time,
        scope.species[name.text],
        site,
        reads,
        move_slots(value, slots),
        change.span,
    )


def of_event(found: OtherSites, name: str, scope: Scope) -> OtherSites:
    """What is said of a new value that reads other sites, of this species."""
    if scope.is_per_site(name):
        reader = "an event reads only the site that it changes"
        fix = f"write plain names: `{name}` is the count at that site just before"
    else:
        reader = f"`{name}` has no site"
        fix = "use parameters, and species without sites"
    return replace(found, reader=reader, fix=fix)
