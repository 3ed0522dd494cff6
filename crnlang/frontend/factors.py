"""Reactants -> the factors that mass action gives them."""

from crnlang.frontend import ast
from crnlang.frontend.errors import NotWhole
from crnlang.frontend.scope import Refused, Scope
from crnlang.ir.expr import Count, Expr, Function, call, number
from crnlang.ir.network import MassAction

#: Largest order of `falling` and `binomial`, written out or from mass action.
MAX_ORDER = 100


def mass_action_factors(side: ast.Side, scope: Scope) -> list[Expr]:
    """What each reactant contributes to a mass-action propensity.

    Raises:
        Refused: a reactant is no species, has no coefficient, or too large a one.
    """
    orders: dict[str, int] = {}
    for term in side.terms:
        name = term.species.text
        if not term.coefficient or name not in scope.species:
            raise Refused
        orders[name] = orders.get(name, 0) + term.coefficient
        if orders[name] > MAX_ORDER:
            what = f"the order of `{name}` under mass action"
            wanted = f"a whole number from 1 to {MAX_ORDER}"
            raise Refused(NotWhole(term.span, what, wanted, str(orders[name])))
    return [
        _factor(Count(scope.species[name]), order, scope.convention)
        for name, order in orders.items()
    ]


def _factor(count: Count, order: int, convention: MassAction | None) -> Expr:
    """One factor; a convention that is missing was reported."""
    if order == 1:
        return count
    functions = {
        MassAction.FALLING: Function.FALLING,
        MassAction.BINOMIAL: Function.BINOMIAL,
        MassAction.POWER: Function.POW,
    }
    return call(functions[convention or MassAction.FALLING], count, number(order))
