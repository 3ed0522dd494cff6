"""Surface expressions -> rate expressions: functions written out, names replaced."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crnlang.diagnostics import Diagnostic, Report, Span
from crnlang.frontend import ast
from crnlang.frontend.errors import NotFinite, NotWhole, TooLong
from crnlang.frontend.names import Names
from crnlang.frontend.rooms import BUILT_IN_FUNCTIONS, CONSTANTS, TIME_NAMES
from crnlang.ir.expr import (
    TRUTH_VALUED,
    WHOLE_ORDER,
    Call,
    Count,
    Expr,
    Function,
    Time,
    call,
    children,
    evaluate_float64,
    number,
    product,
)
from crnlang.ir.network import MassAction

#: Largest expression, in nodes, and deepest nesting, functions written out.
MAX_SIZE = 20_000
MAX_DEPTH = 150
_MAX_ORDER = 100


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for; it grows as the file is lowered.

    `Count(slot)` in `values` indexes the species; `constants` are the values of the
    parameters. A declared name without a usable value stands in no table: what needs
    it is left out in silence.
    """

    names: Names
    functions: Mapping[str, ast.FunctionDeclaration]
    convention: MassAction | None
    values: dict[str, Expr] = field(default_factory=dict[str, Expr])
    constants: list[float] = field(default_factory=list[float])
    species: dict[str, int] = field(default_factory=dict[str, int])


class Refused(Exception):
    """What cannot be lowered; without a diagnostic where one was told before."""

    def __init__(self, diagnostic: Diagnostic | None = None) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.code if diagnostic else "")

    def tell(self, report: Report) -> None:
        """Report the diagnostic, if there is one."""
        if self.diagnostic is not None:
            report.add(self.diagnostic)


@dataclass(frozen=True, slots=True)
class _Sized:
    """An expression with its size and depth as a tree (shared parts count again)."""

    expr: Expr
    size: int = 1
    depth: int = 1


def lower_expression(node: ast.Expression, scope: Scope, report: Report) -> Expr:
    """The rate expression of a surface expression.

    Raises:
        Refused: it holds or needs something with an error, grows too large, or a
            falling factorial has an order that is no whole number.
    """
    if not report.is_sound(node.span):
        raise Refused
    return _Lowering(scope, node.span).expression(node, {}).expr


def constant_value(
    node: ast.Expression, scope: Scope, what: str, report: Report
) -> float:
    """The value of an expression of parameters.

    Raises:
        Refused: see `lower_expression`; or it has no finite value; `what` names it in
            the message.
    """
    expr = lower_expression(node, scope, report)
    value = float(evaluate_float64(expr, (), scope.constants, 0.0))
    if not math.isfinite(value):
        raise Refused(NotFinite(node.span, what, f"{value:g}"))
    return value


def try_constant(
    node: ast.Expression, scope: Scope, what: str, report: Report
) -> float | None:
    """The value of an expression of parameters; `None` after a refusal."""
    try:
        return constant_value(node, scope, what, report)
    except Refused as refused:
        refused.tell(report)
        return None


def try_lower(node: ast.Expression, scope: Scope, report: Report) -> Expr | None:
    """The rate expression; `None` after a refusal, which is reported."""
    try:
        return lower_expression(node, scope, report)
    except Refused as refused:
        refused.tell(report)
        return None


def try_condition(node: ast.Expression, scope: Scope, report: Report) -> Expr | None:
    """The expression as 0.0 or 1.0; `None` after a refusal, which is reported."""
    expr = try_lower(node, scope, report)
    return None if expr is None else as_condition(expr)


def as_condition(expr: Expr) -> Expr:
    """The expression as 0.0 or 1.0; any other number than 0 counts as true."""
    if isinstance(expr, Call) and expr.function in TRUTH_VALUED:
        return expr
    return call(Function.NE, expr, number(0))


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
        if orders[name] > _MAX_ORDER:
            what = f"the order of `{name}` under mass action"
            wanted = f"a whole number from 1 to {_MAX_ORDER}"
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


class _Lowering:
    """One expression being lowered; counts its work, which functions can multiply."""

    def __init__(self, scope: Scope, span: Span) -> None:
        self.scope = scope
        self.span = span
        self.work = 0

    def expression(
        self, node: ast.Expression, arguments: Mapping[str, _Sized]
    ) -> _Sized:
        self.work += 1
        self._limit(self.work, 1)
        match node:
            case ast.Literal(value):
                return _Sized(number(value))
            case ast.Reference(name):
                return self._reference(name, arguments)
            case ast.Operation(function, operands):
                return self._call(
                    function, [self.expression(o, arguments) for o in operands]
                )
            case ast.MassActionFactor(side):
                factors = mass_action_factors(side, self.scope)
                size = 3 * len(factors) + 1
                return _Sized(product(factors), size, len(factors) + 1)
            case ast.Application(name, given):
                lowered = [self.expression(a, arguments) for a in given]
                if name.text in BUILT_IN_FUNCTIONS:
                    function = BUILT_IN_FUNCTIONS[name.text]
                    if function in WHOLE_ORDER:
                        _check_order(given[1])
                    return self._call(function, lowered)
                declared = self.scope.functions.get(name.text)
                if declared is None:
                    raise Refused
                names = [argument.text for argument in declared.arguments]
                inner = dict(zip(names, lowered, strict=True))
                return self.expression(declared.body, inner)

    def _reference(self, name: str, arguments: Mapping[str, _Sized]) -> _Sized:
        if name in arguments:
            return arguments[name]
        if name in self.scope.names.doubtful:
            raise Refused
        if name in CONSTANTS:
            return _Sized(number(CONSTANTS[name]))
        if name in TIME_NAMES:
            return _Sized(Time())
        if name not in self.scope.values:
            raise Refused
        return _measure(self.scope.values[name])

    def _call(self, function: Function, arguments: Sequence[_Sized]) -> _Sized:
        size = 1 + sum(argument.size for argument in arguments)
        depth = 1 + max(argument.depth for argument in arguments)
        self._limit(size, depth)
        return _Sized(call(function, *(a.expr for a in arguments)), size, depth)

    def _limit(self, size: int, depth: int) -> None:
        if size > MAX_SIZE or depth > MAX_DEPTH:
            raise Refused(TooLong(self.span, MAX_SIZE, MAX_DEPTH))


def _check_order(order: ast.Expression) -> None:
    value = order.value if isinstance(order, ast.Literal) else None
    if value is None or value != int(value) or not 0 <= value <= _MAX_ORDER:
        wanted = f"a whole number from 0 to {_MAX_ORDER}, written out"
        raise Refused(NotWhole(order.span, "the order", wanted, f"`{order.span.text}`"))


def _measure(expr: Expr) -> _Sized:
    """Size and depth of an observable's or a set's expression."""
    size, deepest = 0, 0
    pending = [(expr, 1)]
    while pending:
        node, depth = pending.pop()
        size, deepest = size + 1, max(deepest, depth)
        pending += [(child, depth + 1) for child in children(node)]
    return _Sized(expr, size, deepest)
