"""`event when` statements -> triggers: what happens when a condition turns true."""

from collections.abc import Sequence

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import Repeated
from crnlang.frontend.event_errors import BadEvent
from crnlang.frontend.events import of_event
from crnlang.frontend.expressions import (
    as_condition,
    demand_small,
    lower_expression,
    site_of,
)
from crnlang.frontend.lattice_errors import OtherSites
from crnlang.frontend.scope import Reading, Refused, Scope
from crnlang.ir.expr import (
    Count,
    Expr,
    ParameterRef,
    depends_on_time,
    map_leaves,
    number,
    slots_of,
)
from crnlang.ir.network import Trigger

#: Most copy numbers that one event changes: each is compiled by itself.
MOST_CHANGES = 1000


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
    if scope.ground.is_doubtful:
        raise Refused
    condition = as_condition(_read(statement.moment, scope, report, Reading.STATE))
    if not slots_of(condition):
        reason = "this condition reads no copy number, so it never turns true"
        fix = "name a species, or take a fixed time: `event at 4: ...`"
        raise Refused(BadEvent(statement.moment.span, reason, fix))
    values: dict[int, Expr] = {}
    seen: dict[tuple[str, int | None], Span] = {}
    for change in statement.changes:
        name, site = change.name.text, None
        if change.element is not None:
            site = site_of(change.element, scope)
        if name not in scope.species:
            if name not in scope.values:
                raise Refused  # told where names are resolved
            reason = f"an event that waits for a condition cannot change `{name}`"
            fix = f"make `{name}` a species: rates may read its copy number"
            raise Refused(BadEvent(change.name.span, reason, fix))
        key = (name, site)
        if key in seen:
            report.add(Repeated(change.name.span, name, seen[key]))
        seen.setdefault(key, change.name.span)
        values.update(_values(change, site, scope, report))
    if len(values) > MOST_CHANGES:
        reason = f"this event changes {len(values)} copy numbers, more than allowed"
        fix = f"change up to {MOST_CHANGES}: name sites, or take a smaller lattice"
        raise Refused(BadEvent(statement.span, reason, fix))
    return Trigger(condition, tuple(values), tuple(values.values()), statement.span)


def _values(
    change: ast.Change, site: int | None, scope: Scope, report: Report
) -> dict[int, Expr]:
    """What a change makes of its variables: that of one site, or of every one.

    At a site, the value reads the counts there; that of a species without sites reads
    the whole state.

    Raises:
        Refused: it has an error.
    """
    block = scope.ground.blocks[scope.species[change.name.text]]
    if not scope.is_per_site(change.name.text):
        return {block[0]: _read(change.value, scope, report, Reading.STATE)}
    try:
        value = _read(change.value, scope, report, Reading.OWN_SITE)
    except Refused as refused:
        if isinstance(found := refused.diagnostic, OtherSites):
            raise Refused(of_event(found, change.name.text, scope)) from None
        raise
    sites = range(len(block)) if site is None else [site]
    return {block[one]: _at_site(value, one, scope) for one in sites}


def _at_site(expr: Expr, site: int, scope: Scope) -> Expr:
    """An expression over species as one over variables, read at a site."""
    ground = scope.ground

    def there(leaf: Expr) -> Expr:
        if isinstance(leaf, Count):
            own = site if leaf.slot in ground.per_site else 0
            return Count(ground.blocks[leaf.slot][own])
        if isinstance(leaf, ParameterRef):
            numbers = scope.numbers_at_sites(leaf.index)
            return leaf if numbers is None else number(numbers.values[site])
        return leaf

    return map_leaves(expr, there)


def _read(node: ast.Expression, scope: Scope, report: Report, reading: Reading) -> Expr:
    """An expression of copy numbers and of parameters that never change.

    Raises:
        Refused: it has an error.
    """
    expr = lower_expression(node, scope, report, reading)
    demand_small(expr, node.span)
    if depends_on_time(expr):
        reason = "an event that waits for a condition cannot read what changes in time"
        fix = "use parameters that no other event changes"
        raise Refused(BadEvent(node.span, reason, fix))
    return expr
