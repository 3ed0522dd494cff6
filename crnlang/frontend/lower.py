"""Resolved surface tree -> Network: values computed, sugar written out."""

from pathlib import PurePath
from typing import TypeVar

from crnlang.diagnostics import Report
from crnlang.frontend import ast
from crnlang.frontend.asks import lower_queries
from crnlang.frontend.convention import find_convention
from crnlang.frontend.events import lower_events
from crnlang.frontend.expressions import try_condition, try_lower
from crnlang.frontend.lattices import lower_hops, lower_site_starts
from crnlang.frontend.names import Names
from crnlang.frontend.parameters import lower_parameters
from crnlang.frontend.reactions import lower_reactions
from crnlang.frontend.scope import Scope
from crnlang.frontend.solves import lower_solves
from crnlang.frontend.species import lower_species
from crnlang.frontend.stand_ins import stand_in
from crnlang.frontend.triggers import lower_triggers
from crnlang.ir.network import Network, Observable, StateSet, blocks_of

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
    parameters = lower_parameters(program, scope, report)
    species = lower_species(_all(program, ast.SpeciesDeclaration), scope, report)
    species += stand_in(_all(program, ast.ReactionStatement), scope, report)
    lattice = scope.ground.lattice
    scope.ground.blocks = blocks_of(species, lattice.sites if lattice else 1)
    count_changes = lower_events(_all(program, ast.EventStatement), scope, report)
    triggers = lower_triggers(_all(program, ast.EventStatement), scope, report)
    observables, sets = _named_quantities(program, scope, report)
    solves = lower_solves(_all(program, ast.SolveStatement), scope, report)
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
        queries=lower_queries(_all(program, ast.QueryStatement), solves, scope, report),
        solves=solves,
        source=program.source,
        lattice=lattice,
        hops=lower_hops(_all(program, ast.DiffuseStatement), scope, report),
        site_starts=lower_site_starts(_all(program, ast.InitStatement), scope, report),
        count_changes=count_changes,
        triggers=triggers,
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
    """The functions without errors, whose uses have been judged."""
    return {
        function.name.text: function
        for function in _all(program, ast.FunctionDeclaration)
        if names.declares(function.name)
        and function.name.text not in names.doubtful
        and report.is_sound(function.span)
    }


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
