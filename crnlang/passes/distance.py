"""Condition -> how far a state is from fulfilling it: 0 where it holds.

For comparisons the difference of both sides; of conditions that must hold together the
sum, of alternatives the least. So for `all(X <= 15)` it is the number of molecules that
are too many. Where nothing says how far, as in `X != 3`, it is 1.

A quantitative reading of a condition, as in the robustness of temporal logic (G. E.
Fainekos, G. J. Pappas, Theor. Comput. Sci. 410 (2009) 4262), there with the largest in
place of the sum.
"""

from crnlang.ir.expr import (
    Call,
    Expr,
    Function,
    Number,
    OverSites,
    at_site,
    call,
    number,
)

#: The comparison that holds where another one does not.
OPPOSITE = {
    Function.LT: Function.GE,
    Function.LE: Function.GT,
    Function.GT: Function.LE,
    Function.GE: Function.LT,
    Function.EQ: Function.NE,
    Function.NE: Function.EQ,
}


def distance(condition: Expr) -> Expr:
    """At least 0, and 0 where the condition holds, with the slots of the condition.

    Where a strict comparison fails by nothing it is 0 as well.
    """
    match condition:
        case Call(Function.AND, parts):
            return call(Function.ADD, *map(distance, parts))
        case Call(Function.OR, parts):
            return call(Function.MIN, *map(distance, parts))
        case Call(Function.NOT, (inner,)):
            return distance(_opposite(inner))
        case Call(Function.IF, (chosen, yes, no)):
            return call(
                Function.MIN,
                call(Function.ADD, distance(chosen), distance(yes)),
                call(Function.ADD, distance(_opposite(chosen)), distance(no)),
            )
        case Call(Function.LT | Function.LE, (low, high)):
            return call(Function.MAX, call(Function.SUB, low, high), number(0))
        case Call(Function.GT | Function.GE, (high, low)):
            return call(Function.MAX, call(Function.SUB, low, high), number(0))
        case Call(Function.EQ, (left, right)):
            return call(Function.ABS, call(Function.SUB, left, right))
        case OverSites(Function.ALL, body, sites):
            return OverSites(Function.SUM, distance(body), sites)
        case OverSites(Function.ANY, body, sites):
            return _least([distance(at_site(body, site)) for site in range(sites)])
        case Number(value):
            return number(0 if value else 1)
        case _:
            return call(Function.EQ, condition, number(0))


def _opposite(condition: Expr) -> Expr:
    """The condition that holds where this one does not."""
    match condition:
        case Call(Function.AND, (one, other)):
            return call(Function.OR, _opposite(one), _opposite(other))
        case Call(Function.OR, (one, other)):
            return call(Function.AND, _opposite(one), _opposite(other))
        case Call(Function.NOT, (inner,)):
            return inner
        case Call(function, parts) if function in OPPOSITE:
            return call(OPPOSITE[function], *parts)
        case OverSites(Function.ALL, body, sites):
            return OverSites(Function.ANY, _opposite(body), sites)
        case OverSites(Function.ANY, body, sites):
            return OverSites(Function.ALL, _opposite(body), sites)
        case _:
            return call(Function.EQ, condition, number(0))


def _least(values: list[Expr]) -> Expr:
    """The least of some values, halved again and again so that the tree stays low."""
    if len(values) == 1:
        return values[0]
    middle = len(values) // 2
    return call(Function.MIN, _least(values[:middle]), _least(values[middle:]))
