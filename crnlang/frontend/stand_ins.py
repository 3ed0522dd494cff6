"""Reactions -> stand-ins for species that no sound declaration gives them.

So that a reaction with a misspelled species, or one whose declaration has an error, is
still known to change the others: without it they might seem to be conserved.
"""

from collections.abc import Sequence

from crnlang.diagnostics import Report, nearest
from crnlang.frontend import ast
from crnlang.frontend.scope import Scope
from crnlang.ir.network import MAX_CAP, Delta, Species


def stand_in(
    statements: Sequence[ast.ReactionStatement], scope: Scope, report: Report
) -> tuple[Species, ...]:
    """Enter into the scope what the unknown species of reactions stand for.

    A misspelled name stands for the one species that it must have meant; any other
    for a species of its own, which is returned. Their places are marked.
    """
    declared = tuple(scope.species)
    names = frozenset(declared)
    found: list[Species] = []
    for name in (name for statement in statements for name in _names(statement)):
        if name.text in names:
            continue
        report.distrust(name.span)
        if name.text in scope.species:
            continue
        is_known = name.text in {*scope.names.table, *scope.names.doubtful}
        meant = "" if is_known else nearest(name.text, declared)
        if meant:
            scope.species[name.text] = scope.species[meant]
        else:
            scope.species[name.text] = len(declared) + len(found)
            found.append(Species(name.text, MAX_CAP, Delta(0), name.span))
    return tuple(found)


def _names(statement: ast.ReactionStatement) -> list[ast.Name]:
    terms = [term for side in statement.sides for term in side.terms]
    return [*(term.species for term in terms), *statement.catalysts]
