"""Queries and solve blocks -> their records: times computed, settings checked."""

from collections.abc import Iterable, Sequence

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import BadSetting, BadTimes, SettingTwice
from crnlang.frontend.expressions import (
    Refused,
    Scope,
    as_condition,
    constant_value,
    try_lower,
)
from crnlang.ir.expr import Expr
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
    queries: Iterable[ast.QueryStatement],
    scope: Scope,
    values: Sequence[float],
    report: Report,
) -> tuple[Query, ...]:
    """Every query, named.

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
        found.append(_lower_query(query, name, scope, values, report))
    return tuple(found)


def _free_name(query: ast.QueryStatement, place: int, taken: set[str]) -> str:
    arguments = query.arguments
    if all(isinstance(a, ast.Reference) for a in arguments):
        parts = [a.name for a in arguments if isinstance(a, ast.Reference)]
    else:
        parts = [str(place)]
    is_given = any(keyword.key.text == "given" for keyword in query.keywords)
    name = "_".join([query.kind.text, *parts, *(["given"] if is_given else [])])
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _lower_query(
    query: ast.QueryStatement,
    name: str,
    scope: Scope,
    values: Sequence[float],
    report: Report,
) -> Query:
    given: Expr | None = None
    times: tuple[float, ...] = ()
    for keyword in query.keywords:
        if keyword.key.text == "at":
            times = _times(keyword.value, scope, values, report)
        elif isinstance(keyword.value, ast.Expression):
            given = as_condition(try_lower(keyword.value, scope, report))
    if query.kind.text == "dist":
        names = [a.name for a in query.arguments if isinstance(a, ast.Reference)]
        species = tuple(scope.species[n] for n in names)
        return DistQuery(name, species, given, times, query.span)
    value = try_lower(query.arguments[0], scope, report)
    if query.kind.text == "prob":
        return ProbQuery(name, as_condition(value), given, times, query.span)
    return ExpectQuery(name, value, given, times, query.span)


def _times(
    value: ast.Value, scope: Scope, values: Sequence[float], report: Report
) -> tuple[float, ...]:
    """Times of a query, ascending and none below 0."""
    try:
        if isinstance(value, ast.Interval):
            raise Refused(BadTimes(value.span, "a query needs times, not a range"))
        found = _plain(value, scope, values)
    except Refused as refused:
        report.add(refused.diagnostic)
        return ()
    assert not isinstance(found, str)
    times = found if isinstance(found, tuple) else (found,)
    if not times:
        report.add(BadTimes(value.span, "this list of times is empty"))
    elif min(times) < 0:
        report.add(BadTimes(value.span, f"the time {min(times):g} lies before 0"))
    return tuple(sorted(set(times)))


def _plain(value: ast.Value, scope: Scope, values: Sequence[float]) -> SettingValue:
    """A value as numbers or text; a bare name that is no parameter is text.

    Raises:
        Refused: no finite value, or steps that lead nowhere.
    """

    def at(node: ast.Expression) -> float:
        return constant_value(node, scope, values, "this value")

    match value:
        case ast.ValueList(items):
            return tuple(at(item) for item in items)
        case ast.Interval(low, high):
            return (at(low), at(high))
        case ast.Steps(start, end, step):
            size = 1.0 if step is None else at(step)
            return _steps(at(start), at(end), size, value.span)
        case ast.Reference(name) if name not in scope.values and name != "pi":
            return name
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
    solves: Iterable[ast.SolveStatement],
    scope: Scope,
    values: Sequence[float],
    report: Report,
) -> tuple[SolveBlock, ...]:
    """Every solve block; what its engine cannot use is reported."""
    return tuple(_lower_solve(solve, scope, values, report) for solve in solves)


def _lower_solve(
    solve: ast.SolveStatement, scope: Scope, values: Sequence[float], report: Report
) -> SolveBlock:
    settings: dict[str, SettingValue] = {}
    spans: dict[str, Span] = {}
    for setting in solve.settings:
        key = setting.key
        if key.text in spans:
            report.add(SettingTwice(key.span, key.text, spans[key.text]))
            continue
        spans[key.text] = key.span
        try:
            settings[key.text] = _plain(setting.value, scope, values)
        except Refused as refused:
            report.add(refused.diagnostic)
    _check_settings(solve, settings, spans, report)
    return SolveBlock(
        solve.name.text,
        solve.engine.text,
        tuple(settings.items()),
        tuple(spans[key] for key in settings),
        solve.span,
    )


def _check_settings(
    solve: ast.SolveStatement,
    settings: dict[str, SettingValue],
    spans: dict[str, Span],
    report: Report,
) -> None:
    """Report the settings that the engine refuses, each at its own place."""
    rest = dict(settings)
    while True:
        try:
            resolve_settings(solve.engine.text, rest)
        except SettingError as error:
            place = spans.get(error.key, solve.engine.span)
            report.add(BadSetting(place, error.reason, error.fix))
            if rest.pop(error.key, None) is None:
                return
        else:
            return
