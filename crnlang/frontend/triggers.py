"""`event when` statements -> triggers: what happens when a condition turns true."""

from collections.abc import Sequence

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import Repeated
from crnlang.frontend.event_errors import BadEvent
from crnlang.frontend.expressions import (
    as_condition,
    demand_small,
    lower_expression,
    site_of,
)
from crnlang.frontend.scope import Reading, Refused, Scope
from crnlang.ir.expr import Expr, depends_on_time, slots_of
from crnlang.ir.network import Trigger


def lower_triggers(
    statements: Sequence[ast.EventStatement], scope: Scope, report: Report
) -> tuple[Trigger, ...]:
    """The events that wait for a condition; what is wrong is reported."""
    found: list[Trigger] = []
    for statement in statements:
        if statement.word.text == "when":
            try:
                found.append(_trigger(statement, scope, report))
            except Refused as refused:
                refused.tell(report)
    return tuple(found)


def _trigger(statement: ast.EventStatement, scope: Scope, report: Report) -> Trigger:
    """The event of a statement.

    Raises:
        Refused: it has an error.
    """
    if scope.ground.lattice is not None or scope.ground.is_doubtful:
        reason = "an event cannot wait for a condition on a lattice"
        fix = "leave out the lattice, or take a fixed time"
        raise Refused(BadEvent(statement.word.span, reason, fix))
    condition = as_condition(_read(statement.moment, scope, report))
    if not slots_of(condition):
        reason = "this condition reads no copy number, so it never turns true"
        fix = "name a species, or take a fixed time: `event at 4: ...`"
        raise Refused(BadEvent(statement.moment.span, reason, fix))
    values: dict[int, Expr] = {}
    seen: dict[str, Span] = {}
    for change in statement.changes:
        name = change.name.text
        if change.element is not None:
            site_of(change.element, scope)  # refuses: there is no lattice
        if name not in scope.species:
            if name not in scope.values:
                raise Refused  # told where names are resolved
            reason = f"an event that waits for a condition cannot change `{name}`"
            fix = f"make `{name}` a species: rates may read its copy number"
            raise Refused(BadEvent(change.name.span, reason, fix))
        if name in seen:
            report.add(Repeated(change.name.span, name, seen[name]))
        seen.setdefault(name, change.name.span)
        values[scope.species[name]] = _read(change.value, scope, report)
    return Trigger(condition, tuple(values), tuple(values.values()), statement.span)


def _read(node: ast.Expression, scope: Scope, report: Report) -> Expr:
    """An expression of copy numbers and of parameters that never change.

    Raises:
        Refused: it has an error.
    """
    expr = lower_expression(node, scope, report, Reading.OWN_SITE)
    demand_small(expr, node.span)
    if depends_on_time(expr):
        reason = "an event that waits for a condition cannot read what changes in time"
        fix = "use parameters that no other event changes"
        raise Refused(BadEvent(node.span, reason, fix))
    return expr
