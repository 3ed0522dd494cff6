"""Queries and solve blocks -> their records: times computed, settings checked."""

from collections.abc import Iterable

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import BadQuery, BadSetting, BadTimes, SettingTwice
from crnlang.frontend.expressions import (
    as_condition,
    constant_value,
    try_condition,
    try_lower,
)
from crnlang.frontend.rooms import CONSTANTS
from crnlang.frontend.scope import Refused, Scope
from crnlang.ir.expr import Count, Expr
from crnlang.ir.network import (
    DistQuery,
    ExpectQuery,
    ProbQuery,
    Query,
    SettingValue,
    SolveBlock,
)
from crnlang.settings import SettingError, resolve_settings

_MAX_TIMES = 100_000


def lower_queries(
    queries: Iterable[ast.QueryStatement], scope: Scope, report: Report
) -> tuple[Query, ...]:
    """Every query without an error, named.

    A query without a name is called by its kind and the names it asks for
    (`dist_Px_Py`), or by its kind and place where it asks for an expression
    (`prob_3`); `_given` follows where there is a condition, and `_2`, `_3` where a
    name is taken.
    """
    statements = list(queries)
    taken = {query.name.text for query in statements if query.name}
    found: list[Query] = []
    for place, query in enumerate(statements, start=1):
        name = query.name.text if query.name else _free_name(query, place, taken)
        taken.add(name)
        if (lowered := _lower_query(query, name, scope, report)) is not None:
            found.append(lowered)
    return tuple(found)


def _free_name(query: ast.QueryStatement, place: int, taken: set[str]) -> str:
    arguments = query.arguments
    names = [_word(argument) for argument in arguments]
    parts = [name for name in names if name] if all(names) else [str(place)]
    is_given = any(keyword.key.text == "given" for keyword in query.keywords)
    name = "_".join([query.kind.text, *parts, *(["given"] if is_given else [])])
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _word(argument: ast.Expression) -> str:
    """`X` for a name, `X_0_3` for `X[0, 3]`; empty for what is no name."""
    match argument:
        case ast.Reference(name):
            return name
        case ast.Element(name, index):
            texts = [node.span.text for node in index]
            return "_".join([name.text, *texts]) if all(map(str.isdigit, texts)) else ""
        case _:
            return ""


def _lower_query(
    query: ast.QueryStatement, name: str, scope: Scope, report: Report
) -> Query | None:
    """The query; `None` where it has an error."""
    parts = {keyword.key.text: keyword.value for keyword in query.keywords}
    at, condition = parts.get("at"), parts.get("given")
    times = None if at is None else _times(at, scope, report)
    if times is None:
        report.leave_out("times")
    given: Expr | None = None
    is_whole = report.is_sound(query.span)
    if isinstance(condition, ast.Expression):
        given = try_condition(condition, scope, report)
        is_whole = is_whole and given is not None
    tried = [try_lower(argument, scope, report) for argument in query.arguments]
    values = [value for value in tried if value is not None]
    if times is None or not is_whole or len(values) < len(tried):
        return None
    if query.kind.text == "dist":
        variables = [value.slot for value in values if isinstance(value, Count)]
        if len(set(variables)) < len(variables):
            fix = "name every species and site once"
            report.add(BadQuery(query.span, "`dist` names the same twice", fix))
        return DistQuery(name, tuple(variables), given, times, query.span)
    if query.kind.text == "prob":
        return ProbQuery(name, as_condition(values[0]), given, times, query.span)
    return ExpectQuery(name, values[0], given, times, query.span)


def _times(value: ast.Value, scope: Scope, report: Report) -> tuple[float, ...] | None:
    """Times of a query, ascending and none below 0; `None` after a refusal."""
    try:
        if isinstance(value, ast.Interval):
            raise Refused(BadTimes(value.span, "a query needs times, not a range"))
        found = _numbers(value, scope, report)
    except Refused as refused:
        refused.tell(report)
        return None
    times = found if isinstance(found, tuple) else (found,)
    if not times:
        report.add(BadTimes(value.span, "this list of times is empty"))
    elif min(times) < 0:
        report.add(BadTimes(value.span, f"the time {min(times):g} lies before 0"))
    return tuple(sorted(set(times)))


def _numbers(
    value: ast.Value, scope: Scope, report: Report
) -> float | tuple[float, ...]:
    """A value as numbers.

    Raises:
        Refused: no finite value, or steps that lead nowhere.
    """

    def at(node: ast.Expression) -> float:
        return constant_value(node, scope, "this value", report)

    match value:
        case ast.ValueList(items):
            return tuple(at(item) for item in items)
        case ast.Interval(low, high):
            return (at(low), at(high))
        case ast.Steps(start, end, step):
            size = 1.0 if step is None else at(step)
            return _steps(at(start), at(end), size, value.span)
        case _:
            return at(value)


def _steps(start: float, end: float, step: float, span: Span) -> tuple[float, ...]:
    """`start, start + step, ...` up to `end`, which is included where it is met."""
    if step <= 0 or end < start:
        reason = f"{start:g}:{end:g}:{step:g} holds no times: write start:end:step"
        raise Refused(BadTimes(span, reason))
    if (end - start) / step > _MAX_TIMES:
        raise Refused(BadTimes(span, f"this is more than {_MAX_TIMES} times"))
    count = int((end - start) / step * (1 + 1e-12) + 1e-9)
    return tuple(min(start + i * step, end) for i in range(count + 1))


def lower_solves(
    solves: Iterable[ast.SolveStatement], scope: Scope, report: Report
) -> tuple[SolveBlock, ...]:
    """Every solve block; what its engine cannot use is reported and left out."""
    return tuple(_lower_solve(solve, scope, report) for solve in solves)


def _lower_solve(solve: ast.SolveStatement, scope: Scope, report: Report) -> SolveBlock:
    settings: dict[str, SettingValue] = {}
    spans: dict[str, Span] = {}
    for setting in solve.settings:
        key = setting.key
        if key.text in spans:
            report.add(SettingTwice(key.span, key.text, spans[key.text]))
            continue
        spans[key.text] = key.span
        try:
            settings[key.text] = _setting(setting.value, scope, report)
        except Refused as refused:
            refused.tell(report)
    _check_settings(solve, settings, spans, report)
    return SolveBlock(
        solve.name.text,
        solve.engine.text,
        tuple(settings.items()),
        tuple(spans[key] for key in settings),
        solve.span,
    )


def _setting(value: ast.Value, scope: Scope, report: Report) -> SettingValue:
    """A value as numbers or text; a bare name that is no number is text.

    Raises:
        Refused: see `_numbers`.
    """
    if not isinstance(value, ast.Reference):
        return _numbers(value, scope, report)
    names = scope.names
    is_number = value.name in (*names.of_kind("parameter"), *CONSTANTS)
    if is_number or value.name in names.doubtful:
        return constant_value(value, scope, "this value", report)
    return value.name


def _check_settings(
    solve: ast.SolveStatement,
    settings: dict[str, SettingValue],
    spans: dict[str, Span],
    report: Report,
) -> None:
    """Report the settings that the engine refuses, each at its own place."""
    rest = dict(settings)
    is_sound = rest.keys() == spans.keys()
    while True:
        if not is_sound and "t" not in rest:
            report.leave_out("times")
            rest.pop("save", None)  # whether it fits cannot be said
        try:
            resolve_settings(solve.engine.text, rest)
        except SettingError as error:
            is_sound = False
            place = spans.get(error.key, solve.engine.span)
            report.add(BadSetting(place, error.reason, error.fix))
            if rest.pop(error.key, None) is None:
                return
        else:
            return
