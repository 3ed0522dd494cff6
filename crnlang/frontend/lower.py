"""Resolved surface tree -> Network: values computed, sugar written out."""

from pathlib import PurePath
from typing import TypeVar

from crnlang.diagnostics import Report
from crnlang.frontend import ast
from crnlang.frontend.asks import lower_queries, lower_solves
from crnlang.frontend.convention import find_convention
from crnlang.frontend.errors import BadRange, OutsideRange, UnknownChoice
from crnlang.frontend.expressions import Scope, try_condition, try_constant, try_lower
from crnlang.frontend.names import Names
from crnlang.frontend.reactions import lower_reactions
from crnlang.frontend.species import lower_species
from crnlang.frontend.stand_ins import stand_in
from crnlang.ir.expr import ParameterRef
from crnlang.ir.network import Network, Observable, Parameter, StateSet

_S = TypeVar("_S")


def lower_program(program: ast.Program, names: Names, report: Report) -> Network:
    """The network that a program means.

    What is wrong with a value is reported. Where there are errors, of this stage or an
    earlier one, the network is what the sound statements say, with stand-ins for what
    they need of the others; these stand at places that the report calls unsound.
    """
    _note_losses(program, report)
    convention = find_convention(program)
    scope = Scope(names, _functions(program, names, report), convention)
    parameters = _parameters(program, scope, report)
    species = lower_species(_all(program, ast.SpeciesDeclaration), scope, report)
    species += stand_in(_all(program, ast.ReactionStatement), scope, report)
    observables, sets = _named_quantities(program, scope, report)
    model = next(iter(_all(program, ast.ModelStatement)), None)
    return Network(
        name=model.name.text if model else PurePath(program.source.path).stem,
        title=model.title if model else "",
        massaction=convention,
        species=species,
        parameters=parameters,
        reactions=lower_reactions(program, scope, report),
        observables=observables,
        sets=sets,
        queries=lower_queries(_all(program, ast.QueryStatement), scope, report),
        solves=lower_solves(_all(program, ast.SolveStatement), scope, report),
        source=program.source,
    )


def _all(program: ast.Program, kind: type[_S]) -> list[_S]:
    return [s for s in program.statements if isinstance(s, kind)]


def _note_losses(program: ast.Program, report: Report) -> None:
    """Note what the network lacks since statements could not be read."""
    for statement in _all(program, ast.Unread):
        if statement.word in ("species", ""):
            report.leave_out("species")
        if statement.word in ("reaction", ""):
            report.leave_out("reactions")
        if statement.word in ("query", "solve", ""):
            report.leave_out("times")


def _functions(
    program: ast.Program, names: Names, report: Report
) -> dict[str, ast.FunctionDeclaration]:
    """The functions without errors."""
    return {
        function.name.text: function
        for function in _all(program, ast.FunctionDeclaration)
        if names.declares(function.name) and report.is_sound(function.span)
    }


def _parameters(
    program: ast.Program, scope: Scope, report: Report
) -> tuple[Parameter, ...]:
    """The parameters with a value; each becomes usable for those below it."""
    found: list[Parameter] = []
    for declaration in _all(program, ast.ParameterDeclaration):
        parameter = _parameter(declaration, scope, report)
        if parameter is not None and scope.names.declares(declaration.name):
            scope.values[parameter.name] = ParameterRef(len(found))
            scope.constants.append(parameter.value)
            found.append(parameter)
    return tuple(found)


def _parameter(
    declaration: ast.ParameterDeclaration, scope: Scope, report: Report
) -> Parameter | None:
    name, span = declaration.name.text, declaration.span
    value = try_constant(declaration.value, scope, f"the parameter `{name}`", report)
    range_ = declaration.range
    ends = None if range_ is None else _range(range_, scope, report)
    if value is None:
        return None
    low, high = ends or (None, None)
    if ends is not None and not ends[0] <= value <= ends[1]:
        shown = (f"{value:g}", f"{ends[0]:g}", f"{ends[1]:g}")
        report.add(OutsideRange(declaration.value.span, name, *shown))
    is_log = range_ is not None and range_.scale is not None
    return Parameter(name, value, low, high, is_log, declaration.unit, span)


def _range(
    range_: ast.Range, scope: Scope, report: Report
) -> tuple[float, float] | None:
    """The two ends of a range; `None` where one has an error, or both together."""
    low = try_constant(range_.low, scope, "the range", report)
    high = try_constant(range_.high, scope, "the range", report)
    scale = range_.scale
    if scale is not None and scale.text != "log":
        report.add(UnknownChoice(scale.span, "scale", scale.text, "log", "write `log`"))
    if low is None or high is None:
        return None
    if low >= high:
        reason = f"the range {low:g}..{high:g} is empty: low must be below high"
        report.add(BadRange(range_.span, reason))
        return None
    if scale is not None and low <= 0:
        reason = "a logarithmic range must begin above 0"
        report.add(BadRange(range_.span, reason))
    return low, high


def _named_quantities(
    program: ast.Program, scope: Scope, report: Report
) -> tuple[tuple[Observable, ...], tuple[StateSet, ...]]:
    """Observables and sets; each becomes usable by name for those below it."""
    observables: list[Observable] = []
    sets: list[StateSet] = []
    for statement in program.statements:
        match statement:
            case ast.ObserveStatement(name, value, span):
                expr = try_lower(value, scope, report)
                if expr is not None and scope.names.declares(name):
                    scope.values[name.text] = expr
                    observables.append(Observable(name.text, expr, span))
            case ast.SetStatement(name, condition, span):
                expr = try_condition(condition, scope, report)
                if expr is not None and scope.names.declares(name):
                    scope.values[name.text] = expr
                    sets.append(StateSet(name.text, expr, span))
            case _:
                pass  # names no quantity
    return tuple(observables), tuple(sets)
