"""Queries -> their records: names found, conditions lowered, times computed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from crnlang.diagnostics import Report, listing
from crnlang.frontend import ast
from crnlang.frontend.errors import AfterTheRuns, BadQuery, NotWhole, Unanswered
from crnlang.frontend.expressions import (
    as_condition,
    constant_value,
    try_condition,
    try_lower,
)
from crnlang.frontend.questions import TIMES, USAGE, is_count
from crnlang.frontend.scope import Refused, Scope
from crnlang.frontend.times import try_times
from crnlang.ir.expr import Count, Expr, depends_on_time
from crnlang.ir.network import (
    DistQuery,
    ExpectQuery,
    LawQuery,
    LogpQuery,
    PassageKind,
    PassageQuery,
    ProbQuery,
    Query,
    SolveBlock,
)
from crnlang.settings import AUTO, CANDIDATES, PASSAGE_ENGINES, Settings


def lower_queries(
    queries: Iterable[ast.QueryStatement],
    solves: Sequence[SolveBlock],
    scope: Scope,
    report: Report,
) -> tuple[Query, ...]:
    """Every query without an error, named.

    A query without a name is called by its kind and the names it asks for
    (`dist_Px_Py`, `hit_low_from_high`), or by its kind and place where it asks for an
    expression (`prob_3`); `_given` follows where there is a condition, and `_2`, `_3`
    where a name is taken. What none of the solve blocks can answer is warned of.
    """
    statements = list(queries)
    free = _FreeNames({query.name.text for query in statements if query.name})
    runs = _runs_of(solves, report)
    found: list[Query] = []
    for place, query in enumerate(statements, start=1):
        name = query.name.text if query.name else free.take(_plain_name(query, place))
        if (lowered := _lower_query(query, name, scope, report)) is not None:
            found.append(lowered)
            if runs is not None and not report.lacks("times"):
                _check_runs(query, lowered, runs, report)
    return tuple(found)


class _FreeNames:
    """Names that are taken, and the next number to try behind each."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.numbers: dict[str, int] = {}

    def take(self, name: str) -> str:
        """The name, with the first number behind it that makes it free."""
        free, number = name, self.numbers.get(name, 1)
        while free in self.taken:
            number += 1
            free = f"{name}_{number}"
        self.numbers[name] = number
        self.taken.add(free)
        return free


def _plain_name(query: ast.QueryStatement, place: int) -> str:
    """What a query without a name is called where that is free."""
    words = _asked(query)
    parts = words if all(words) else [str(place)]
    is_given = any(keyword.key.text == "given" for keyword in query.keywords)
    return "_".join([query.kind.text, *parts, *(["given"] if is_given else [])])


def _asked(query: ast.QueryStatement) -> list[str]:
    """The names that a query asks for; an empty one stands for an expression."""
    words = [_word(argument) for argument in query.arguments]
    words += [one.key.text for one in query.keywords if is_count(query, one)]
    words += [_word(one.element) for one in query.site_counts]
    parts = {one.key.text: _word(one.value) for one in query.keywords}
    if query.kind.text in ("mfpt", "rate"):
        return [parts.get("from", ""), "to", parts.get("to", "")]
    is_from = query.kind.text == "hit" and "from" in parts
    return [*words, "from", parts["from"]] if is_from else words


def _word(node: ast.Value) -> str:
    """`X` for a name, `X_0_3` for `X[0, 3]`; empty for what is no name."""
    match node:
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
    at = next((parts[key] for key in TIMES if key in parts), None)
    times = None if at is None else try_times(at, scope, report)
    kind = query.kind.text
    if times is None and kind not in ("mfpt", "rate"):
        report.leave_out("times")
    if kind in PASSAGE_ENGINES:
        return _lower_passage(query, name, times, scope, report)
    return None if times is None else _lower_law(query, name, times, scope, report)


def _lower_law(
    query: ast.QueryStatement,
    name: str,
    times: tuple[float, ...],
    scope: Scope,
    report: Report,
) -> LawQuery | None:
    """A question about the law at some times; `None` where it has an error."""
    condition = next((k.value for k in query.keywords if k.key.text == "given"), None)
    given: Expr | None = None
    is_whole = report.is_sound(query.span)
    if isinstance(condition, ast.Expression):
        given = try_condition(condition, scope, report)
        is_whole = is_whole and given is not None
    if query.kind.text == "logp":
        return _lower_logp(query, name, given, times, scope, report)
    tried = [try_lower(argument, scope, report) for argument in query.arguments]
    values = [value for value in tried if value is not None]
    if not is_whole or len(values) < len(tried):
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


def _lower_logp(
    query: ast.QueryStatement,
    name: str,
    given: Expr | None,
    times: tuple[float, ...],
    scope: Scope,
    report: Report,
) -> LogpQuery | None:
    """The copy numbers asked for; `None` where one has an error."""
    counts = [one for one in query.keywords if is_count(query, one)]
    places: list[ast.Expression] = [
        *(ast.Reference(one.key.text, one.key.span) for one in counts),
        *(one.element for one in query.site_counts),
    ]
    values = [one.value for one in (*counts, *query.site_counts)]
    variables = [try_lower(place, scope, report) for place in places]
    numbers = [_copy_number(value, scope, report) for value in values]
    if not report.is_sound(query.span) or None in numbers:
        return None
    slots = [one.slot for one in variables if isinstance(one, Count)]
    if len(slots) < len(places):
        return None
    if len(set(slots)) < len(slots):
        fix = "name every species and site once"
        report.add(BadQuery(query.span, "`logp` names the same twice", fix))
    whole = tuple(number for number in numbers if number is not None)
    spans = tuple(value.span for value in values)
    return LogpQuery(name, tuple(slots), whole, given, times, spans, query.span)


def _copy_number(value: ast.Value, scope: Scope, report: Report) -> int | None:
    """A whole number from 0; `None` after a refusal."""
    if not isinstance(value, ast.Expression):
        return None
    try:
        found = constant_value(value, scope, "this copy number", report)
        if found < 0 or found != int(found):
            wanted = "a whole number from 0"
            raise Refused(NotWhole(value.span, "a copy number", wanted, f"{found:g}"))
    except Refused as refused:
        refused.tell(report)
        return None
    return int(found)


def _lower_passage(
    query: ast.QueryStatement,
    name: str,
    times: tuple[float, ...] | None,
    scope: Scope,
    report: Report,
) -> PassageQuery | None:
    """A question about a first passage; `None` where it has an error."""
    kind = cast(PassageKind, query.kind.text)
    parts = {keyword.key.text: keyword.value for keyword in query.keywords}
    begin = parts.get("from")
    end = parts.get("to") if kind != "hit" else next(iter(query.arguments), None)
    start = _states(begin, query, scope, report)
    target = _states(end, query, scope, report)
    is_whole = report.is_sound(query.span) and (start is None) == (begin is None)
    if target is None or not is_whole or (times is None and kind == "hit"):
        return None
    place = query.span if begin is None else begin.span
    return PassageQuery(name, kind, target, start, times or (), place, query.span)


def _states(
    node: ast.Value | None, query: ast.QueryStatement, scope: Scope, report: Report
) -> Expr | None:
    """A set of states that stays the same; `None` after a refusal."""
    if not isinstance(node, ast.Expression):
        return None
    found = try_condition(node, scope, report)
    if found is not None and depends_on_time(found):
        reason = "the states of a first passage must not change with `t`"
        report.add(BadQuery(node.span, reason, f"write `{USAGE[query.kind.text]}`"))
    return found


@dataclass(frozen=True, slots=True)
class _Runs:
    """The engines of a file, and the latest time that one of them reaches."""

    engines: frozenset[str]
    end: float


def _runs_of(solves: Sequence[SolveBlock], report: Report) -> _Runs | None:
    """What the solve blocks run; `None` without any, and where one has an error."""
    if not solves or not all(report.is_sound(solve.span) for solve in solves):
        return None
    engines = {solve.engine for solve in solves}
    engines.update(CANDIDATES if AUTO in engines else ())
    return _Runs(frozenset(engines), max(map(_end_of, solves)))


def _end_of(solve: SolveBlock) -> float:
    """Where the run of a block ends."""
    settings = dict(solve.settings)
    interval, until = settings.get("t"), settings.get("until", Settings.until)
    if isinstance(interval, tuple):
        return interval[-1]
    return until if isinstance(until, float) else Settings.until


def _check_runs(
    query: ast.QueryStatement, lowered: Query, runs: _Runs, report: Report
) -> None:
    """Warn of times that no solve block reaches, and of what its engines cannot do."""
    end = f"{runs.end:g}"
    last = max(lowered.times, default=0.0)
    if last > runs.end * (1 + 1e-9):
        value = next(k.value for k in query.keywords if k.key.text in TIMES)
        report.add(AfterTheRuns(value.span, f"{last:g}", end))
    able = PASSAGE_ENGINES.get(query.kind.text)
    if able is not None and runs.engines.isdisjoint(able):
        kind = query.kind
        known = listing(f"`{engine}`" for engine in able)
        report.add(Unanswered(kind.span, kind.text, known, able[0], end))
