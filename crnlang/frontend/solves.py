"""Solve blocks -> their records, the settings checked."""

from collections.abc import Iterable
from dataclasses import fields

from crnlang.diagnostics import Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import BadSetting, SettingTwice
from crnlang.frontend.expressions import constant_value
from crnlang.frontend.rooms import CONSTANTS
from crnlang.frontend.scope import Refused, Scope
from crnlang.frontend.times import numbers_of
from crnlang.ir.network import SettingValue, SolveBlock
from crnlang.settings import (
    SOLVERS,
    SettingError,
    Settings,
    fix_name,
    resolve_settings,
)


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
    _check_names(solve, settings, spans, scope, report)
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
        Refused: see `numbers_of`.
    """
    if not isinstance(value, ast.Reference):
        return numbers_of(value, scope, report)
    name, names = value.name, scope.names
    declared = names.table.get(name)
    is_parameter = declared is not None and declared.kind == "parameter"
    if is_parameter or name in CONSTANTS or name in names.doubtful:
        return constant_value(value, scope, "this value", report)
    return name


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


def _check_names(
    solve: ast.SolveStatement,
    settings: dict[str, SettingValue],
    spans: dict[str, Span],
    scope: Scope,
    report: Report,
) -> None:
    """Report names that the file must declare and does not."""
    for option in fields(SOLVERS.get(solve.engine.text, Settings)):
        kind, value = option.metadata["names"], settings.get(option.name)
        known = [*option.metadata["choices"], *scope.names.of_kind(kind)]
        is_told = not isinstance(value, str) or value in known
        if kind and not is_told and report.is_sound(spans[option.name]):
            reason = f"the file has no {kind} `{value}`"
            fix = fix_name(str(value), known)
            report.add(BadSetting(spans[option.name], reason, fix))
