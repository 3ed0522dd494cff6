"""Resolved surface tree -> Network: values computed, sugar written out."""

import math
from collections.abc import Sequence
from pathlib import PurePath
from typing import TypeVar

from crnlang.diagnostics import Report, listing, suggest
from crnlang.frontend import ast
from crnlang.frontend.asks import lower_queries, lower_solves
from crnlang.frontend.errors import (
    BadRange,
    NotWhole,
    OutsideRange,
    UnknownChoice,
    WrongArguments,
)
from crnlang.frontend.expressions import (
    Refused,
    Scope,
    as_condition,
    constant_value,
    try_lower,
)
from crnlang.frontend.reactions import lower_reactions
from crnlang.ir.expr import Count, Expr, ParameterRef
from crnlang.ir.network import (
    MAX_CAP,
    Binomial,
    Delta,
    Initial,
    MassAction,
    Network,
    Observable,
    Parameter,
    Poisson,
    Species,
    StateSet,
    Uniform,
)

_S = TypeVar("_S")


def lower_program(program: ast.Program, report: Report) -> Network:
    """The network that a program means.

    The names must have been resolved without errors. What is wrong with a value is
    reported; the network is whole only if the report has no errors afterwards.
    """
    parameters, scope = _parameters(program, report)
    values = [parameter.value for parameter in parameters]
    species = _species(program, scope, values, report)
    every_value: dict[str, Expr] = dict(scope.values)
    every_value |= {s.name: Count(i) for i, s in enumerate(species)}
    indices = {s.name: i for i, s in enumerate(species)}
    convention = _convention(program, report)
    scope = Scope(every_value, scope.functions, indices, convention)
    observables, sets = _named_quantities(program, scope, every_value, report)
    model = next(iter(_all(program, ast.ModelStatement)), None)
    reactions = _all(program, ast.ReactionStatement)
    return Network(
        name=model.name.text if model else PurePath(program.source.path).stem,
        title=model.title if model else "",
        massaction=convention,
        species=species,
        parameters=parameters,
        reactions=lower_reactions(reactions, scope, report),
        observables=observables,
        sets=sets,
        queries=lower_queries(_all(program, ast.QueryStatement), scope, values, report),
        solves=lower_solves(_all(program, ast.SolveStatement), scope, values, report),
        source=program.source,
    )


def _all(program: ast.Program, kind: type[_S]) -> list[_S]:
    return [s for s in program.statements if isinstance(s, kind)]


def _convention(program: ast.Program, report: Report) -> MassAction | None:
    statement = next(iter(_all(program, ast.MassActionStatement)), None)
    if statement is None:
        return None
    name = statement.convention
    known = [convention.value for convention in MassAction]
    if name.text in known:
        return MassAction(name.text)
    fix = suggest(name.text, known)
    report.add(UnknownChoice(name.span, "convention", name.text, listing(known), fix))
    return MassAction.FALLING  # so that no missing convention is reported as well


def _parameters(
    program: ast.Program, report: Report
) -> tuple[tuple[Parameter, ...], Scope]:
    """The parameters, and a scope in which constants can be computed."""
    functions = {f.name.text: f for f in _all(program, ast.FunctionDeclaration)}
    references: dict[str, Expr] = {}
    scope = Scope(references, functions, {}, None)
    found: list[Parameter] = []
    for declaration in _all(program, ast.ParameterDeclaration):
        values = [parameter.value for parameter in found]
        found.append(_parameter(declaration, scope, values, report))
        references[declaration.name.text] = ParameterRef(len(found) - 1)
    return tuple(found), scope


def _parameter(
    declaration: ast.ParameterDeclaration,
    scope: Scope,
    values: Sequence[float],
    report: Report,
) -> Parameter:
    name = declaration.name.text
    what = f"the parameter `{name}`"
    value = _number(declaration.value, scope, values, what, report)
    low = high = None
    is_log = False
    if (range_ := declaration.range) is not None:
        low = _number(range_.low, scope, values, "the range", report)
        high = _number(range_.high, scope, values, "the range", report)
        is_log = range_.scale is not None
        _check_range(range_, low, high, report)
        if low < high and not low <= value <= high:
            shown = (f"{value:g}", f"{low:g}", f"{high:g}")
            report.add(OutsideRange(declaration.value.span, name, *shown))
    return Parameter(name, value, low, high, is_log, declaration.unit, declaration.span)


def _check_range(range_: ast.Range, low: float, high: float, report: Report) -> None:
    scale = range_.scale
    if scale is not None and scale.text != "log":
        report.add(UnknownChoice(scale.span, "scale", scale.text, "log", "write `log`"))
    if low >= high:
        reason = f"the range {low:g}..{high:g} is empty: low must be below high"
        report.add(BadRange(range_.span, reason))
    elif scale is not None and low <= 0:
        reason = "a logarithmic range must begin above 0"
        report.add(BadRange(range_.span, reason))


def _number(
    node: ast.Expression,
    scope: Scope,
    values: Sequence[float],
    what: str,
    report: Report,
) -> float:
    """The value of a constant; 1 after a refusal, which is reported."""
    try:
        return constant_value(node, scope, values, what)
    except Refused as refused:
        report.add(refused.diagnostic)
        return 1.0


def _whole(
    node: ast.Expression,
    scope: Scope,
    values: Sequence[float],
    what: str,
    report: Report,
) -> int:
    """A copy number; 0 after a refusal, which is reported."""
    value = _number(node, scope, values, what, report)
    if value == math.floor(value) and 0 <= value <= MAX_CAP:
        return int(value)
    wanted = f"a whole number from 0 to {MAX_CAP}"
    report.add(NotWhole(node.span, what, wanted, f"{value:g}"))
    return 0


def _species(
    program: ast.Program, scope: Scope, values: Sequence[float], report: Report
) -> tuple[Species, ...]:
    found: list[Species] = []
    for declaration in _all(program, ast.SpeciesDeclaration):
        cap: int | None = None
        if (bounds := declaration.bounds) is not None:
            low = _whole(bounds.low, scope, values, "the lower bound", report)
            cap = _whole(bounds.high, scope, values, "the cap", report)
            if low != 0:
                report.add(NotWhole(bounds.low.span, "the lower bound", "0", f"{low}"))
        initial = _initial(declaration.start, scope, values, report)
        found += [Species(n.text, cap, initial, n.span) for n in declaration.names]
    return tuple(found)


_LAWS = {
    "poisson": ("mean",),
    "binomial": ("trials", "probability"),
    "uniform": ("low", "high"),
}


def _initial(
    start: ast.StartCount | ast.StartLaw | None,
    scope: Scope,
    values: Sequence[float],
    report: Report,
) -> Initial:
    """The law at the start; a species without one starts at 0."""
    if start is None:
        return Delta(0)
    if isinstance(start, ast.StartCount):
        return Delta(_whole(start.count, scope, values, "the start", report))
    name = start.law
    if name.text not in _LAWS:
        fix = suggest(name.text, _LAWS)
        report.add(
            UnknownChoice(name.span, "initial law", name.text, listing(_LAWS), fix)
        )
        return Delta(0)
    wanted = _LAWS[name.text]
    if len(start.arguments) != len(wanted):
        words = f"{len(wanted)} argument{'s' if len(wanted) > 1 else ''}"
        usage = f"write `{name.text}({', '.join(wanted)})`"
        given = len(start.arguments)
        report.add(WrongArguments(start.span, name.text, words, given, usage))
        return Delta(0)
    return _random_initial(start, scope, values, report)


def _random_initial(
    start: ast.StartLaw, scope: Scope, values: Sequence[float], report: Report
) -> Initial:
    first, last = start.arguments[0], start.arguments[-1]
    match start.law.text:
        case "poisson":
            mean = _number(first, scope, values, "the mean", report)
            if mean < 0:
                report.add(NotWhole(first.span, "the mean", "0 or more", f"{mean:g}"))
            return Poisson(mean)
        case "binomial":
            trials = _whole(first, scope, values, "the number of trials", report)
            chance = _number(last, scope, values, "the probability", report)
            if not 0 <= chance <= 1:
                wanted = "between 0 and 1"
                report.add(
                    NotWhole(last.span, "the probability", wanted, f"{chance:g}")
                )
            return Binomial(trials, chance)
        case _:
            low = _whole(first, scope, values, "the lower end", report)
            high = _whole(last, scope, values, "the upper end", report)
            if low > high:
                reason = f"uniform({low}, {high}) is empty: low must not exceed high"
                report.add(BadRange(start.span, reason))
            return Uniform(low, high)


def _named_quantities(
    program: ast.Program, scope: Scope, values: dict[str, Expr], report: Report
) -> tuple[tuple[Observable, ...], tuple[StateSet, ...]]:
    """Observables and sets; each becomes usable by name for those below it."""
    observables: list[Observable] = []
    sets: list[StateSet] = []
    for statement in program.statements:
        match statement:
            case ast.ObserveStatement(name, value, span):
                expr = values[name.text] = try_lower(value, scope, report)
                observables.append(Observable(name.text, expr, span))
            case ast.SetStatement(name, condition, span):
                expr = as_condition(try_lower(condition, scope, report))
                values[name.text] = expr
                sets.append(StateSet(name.text, expr, span))
            case _:
                pass  # names no quantity
    return tuple(observables), tuple(sets)
