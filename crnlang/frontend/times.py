"""Numbers and times of queries and settings: written values -> floats."""

from functools import partial

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import BadTimes
from crnlang.frontend.expressions import constant_value
from crnlang.frontend.scope import Refused, Scope

_MAX_TIMES = 100_000


def try_times(
    value: ast.Value, scope: Scope, report: Report
) -> tuple[float, ...] | None:
    """Times of a query, ascending and none below 0; `None` after a refusal."""
    try:
        if isinstance(value, ast.Interval):
            raise Refused(BadTimes(value.span, "a query needs times, not a range"))
        found = numbers_of(value, scope, report)
    except Refused as refused:
        refused.tell(report)
        return None
    times = found if isinstance(found, tuple) else (found,)
    if not times:
        report.add(BadTimes(value.span, "this list of times is empty"))
    elif min(times) < 0:
        report.add(BadTimes(value.span, f"the time {min(times):g} lies before 0"))
    return tuple(sorted(set(times)))


def numbers_of(
    value: ast.Value, scope: Scope, report: Report
) -> float | tuple[float, ...]:
    """A value as numbers.

    Raises:
        Refused: no finite value, or steps that lead nowhere.
    """
    at = partial(constant_value, scope=scope, what="this value", report=report)
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
