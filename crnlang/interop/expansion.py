"""Functions that other formats lack, in those that they have; what is surely 0."""

import math
from collections.abc import Callable, Mapping, Sequence

from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    Call,
    Count,
    Expr,
    Function,
    Number,
    ParameterRef,
    call,
    number,
    product,
)
from crnlang.ir.network import Reaction


def _power(x: Expr, m: Expr) -> Expr:
    return call(Function.POW, x, m)


def _share(v: Expr, above: Expr, *others: Expr) -> Expr:
    """The product v a / (a + b + ...)."""
    below = above
    for other in others:
        below = call(Function.ADD, below, other)
    return call(Function.DIV, call(Function.MUL, v, above), below)


def _falling(base: Expr, order: Expr) -> Expr:
    assert isinstance(order, Number)
    factors = [base] + [
        call(Function.SUB, base, number(j)) for j in range(1, int(order.value))
    ]
    if not isinstance(base, Count):  # which may lie between the whole numbers, or below
        factors = [call(Function.MAX, one, number(0)) for one in factors]
    return product(factors[: int(order.value)])


def _binomial(base: Expr, order: Expr) -> Expr:
    assert isinstance(order, Number)
    divisor = number(math.factorial(int(order.value)))
    return call(Function.DIV, _falling(base, order), divisor)


def _mm(x: Expr, v: Expr, k: Expr) -> Expr:
    return _share(v, x, k)


def _mmr(x: Expr, v: Expr, k: Expr) -> Expr:
    return _share(v, k, x)


def _hill(x: Expr, v: Expr, k: Expr, m: Expr) -> Expr:
    return _share(v, _power(x, m), _power(k, m))


def _hillr(x: Expr, v: Expr, k: Expr, m: Expr) -> Expr:
    return _share(v, _power(k, m), _power(x, m))


def _hillar(x: Expr, y: Expr, v: Expr, k: Expr, m: Expr) -> Expr:
    return _share(v, _power(x, m), _power(y, m), _power(k, m))


_WRITTEN_OUT: Mapping[Function, Callable[..., Expr]] = {
    Function.FALLING: _falling,
    Function.BINOMIAL: _binomial,
    Function.MM: _mm,
    Function.MMR: _mmr,
    Function.HILL: _hill,
    Function.HILLR: _hillr,
    Function.HILLAR: _hillar,
}


def written_out(expr: Expr) -> Expr:
    """The same expression without `falling`, `hill` and their like."""
    if not isinstance(expr, Call):
        return expr
    arguments = tuple(written_out(one) for one in expr.arguments)
    write = _WRITTEN_OUT.get(expr.function)
    return Call(expr.function, arguments) if write is None else write(*arguments)


def unguarded(reaction: Reaction, law: Expr, parameters: Sequence[float]) -> list[int]:
    """The slots whose lack does not surely make the law 0.

    Here a reaction that would leave less than nothing is off; elsewhere it is not.
    """
    return [
        slot
        for slot, change in enumerate(reaction.net_change)
        if any(_known(law, slot, n, parameters) != 0 for n in range(-change))
    ]


def _known(
    expr: Expr, slot: int, count: int, parameters: Sequence[float]
) -> float | None:
    """The value of an expression if one count tells it; `None` if it does not."""
    match expr:
        case Number(value):
            return value
        case ParameterRef(index):
            return parameters[index]
        case Count(own) if own == slot:
            return float(count)
        case Call(function, arguments):
            values = [_known(one, slot, count, parameters) for one in arguments]
            return _known_call(function, values)
        case _:
            return None


def _known_call(function: Function, values: list[float | None]) -> float | None:
    match function, values:
        case ((Function.MUL | Function.AND), _) if 0 in values:
            return 0.0
        case Function.DIV, [0, below] if below != 0:
            return 0.0
        case Function.IF, [condition, one, two]:
            if condition is None:
                return one if one == two else None
            return one if condition else two
        case _:
            if None in values:
                return None
            numbers = [number(value) for value in values if value is not None]
            return float(evaluate_float64(call(function, *numbers), (), (), 0.0))
