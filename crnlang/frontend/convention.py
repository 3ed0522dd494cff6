"""What mass action means in a file, and where that must be said."""

from crnlang.frontend import ast
from crnlang.frontend.errors import NoMassAction
from crnlang.ir.network import MassAction

NAMES = tuple(convention.value for convention in MassAction)


def find_convention(program: ast.Program) -> MassAction | None:
    """The convention of a file; one of them where the file names it, but wrongly."""
    for statement in program.statements:
        match statement:
            case ast.MassActionStatement(name):
                is_known = name.text in NAMES
                return MassAction(name.text) if is_known else MassAction.FALLING
            case ast.Unread(word="massaction"):
                return MassAction.FALLING
            case _:
                pass  # says nothing about it
    return None


def find_repeated(side: ast.Side) -> NoMassAction | None:
    """The error for the first reactant of a side that is repeated, if one is."""
    orders: dict[str, int] = {}
    for term in side.terms:
        name = term.species.text
        orders[name] = orders.get(name, 0) + term.coefficient
    for name, order in orders.items():
        if order > 1:
            return NoMassAction(side.span, name, order, _formulas(name, order))
    return None


def _formulas(name: str, order: int) -> str:
    """The three readings of `@ k` on `order` copies of a reactant."""
    steps = "".join(f"({name}-{j})" for j in range(1, min(order, 3)))
    steps += f"...({name}-{order - 1})" if order > 3 else ""
    return (
        f"`falling` k*{name}{steps}, `binomial` k*{name}{steps}/{order}!, "
        f"`power` k*{name}^{order}"
    )
