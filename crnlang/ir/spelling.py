"""Numbers and expressions as the language writes them."""

from collections.abc import Sequence
from typing import TypeVar

from crnlang.ir.expr import (
    WHOLE_ORDER,
    Call,
    Count,
    Expr,
    Function,
    Number,
    OverSites,
    ParameterRef,
    SiteCounts,
    SiteNumbers,
    Time,
    at_site,
)

#: How tightly each operator binds; everything else is written `f(...)`.
_BINDING = {
    Function.OR: 1,
    Function.AND: 2,
    Function.NOT: 3,
    **dict.fromkeys(
        (
            Function.LT,
            Function.LE,
            Function.GT,
            Function.GE,
            Function.EQ,
            Function.NE,
        ),
        4,
    ),
    Function.ADD: 5,
    Function.SUB: 5,
    Function.MUL: 6,
    Function.DIV: 6,
    Function.NEG: 7,
    Function.POW: 8,
}
_ATOM = 9
_LONGEST_FACTORIAL = 4
_Item = TypeVar("_Item")
#: Most names, numbers or arguments of a kind that are written out.
_MOST_LISTED = 40


def format_number(value: float) -> str:
    """A number as short as possible, exact enough to be read back."""
    text = f"{value:.12g}"
    return text if float(text) == value else repr(float(value))


def shorten(items: Sequence[_Item]) -> list[_Item | None]:
    """The items; of very many the first three and the last, `None` between them."""
    if len(items) <= _MOST_LISTED:
        return list(items)
    return [*items[:3], None, items[-1]]


def format_expression(
    expr: Expr, counts: Sequence[str], parameters: Sequence[str]
) -> str:
    """An expression in the user's names: `counts[slot]`, `parameters[index]`."""
    return _Writer(counts, parameters).write(expr)[0]


class _Writer:
    """Writes expressions with as few parentheses as the language needs."""

    def __init__(self, counts: Sequence[str], parameters: Sequence[str]) -> None:
        self.counts = counts
        self.parameters = parameters

    def write(self, expr: Expr) -> tuple[str, int]:
        """The text and how tightly its outermost operator binds."""
        match expr:
            case Number(value):
                text = format_number(value)
                return text, _BINDING[Function.NEG] if value < 0 else _ATOM
            case ParameterRef(index):
                return self.parameters[index], _ATOM
            case Count(slot):
                return self.counts[slot], _ATOM
            case Time():
                return "t", _ATOM
            case Call(function, arguments):
                return self.call(function, arguments)
            case OverSites():
                return self.over_sites(expr), _ATOM
            case SiteCounts() | SiteNumbers():
                raise ValueError("what differs between sites stands in sums only")

    def over_sites(self, expr: OverSites) -> str:
        """`sum(...)` of the values at every site, of very many sites at some."""
        parts = [
            "..." if site is None else self.write(at_site(expr.body, site))[0]
            for site in shorten(range(expr.sites))
        ]
        return f"{expr.function.value}({', '.join(parts)})"

    def call(self, function: Function, arguments: Sequence[Expr]) -> tuple[str, int]:
        if function in WHOLE_ORDER:
            return self.factorial(function, arguments)
        if function not in _BINDING:
            inside = ", ".join(self.write(argument)[0] for argument in arguments)
            return f"{function.value}({inside})", _ATOM
        binding = _BINDING[function]
        if function in (Function.NEG, Function.NOT):
            sign = "-" if function is Function.NEG else "not "
            return sign + self.inside(arguments[0], binding), binding
        is_power = function is Function.POW
        is_comparison = binding == _BINDING[Function.LT]
        left = self.inside(arguments[0], binding + (is_power or is_comparison))
        is_joined = is_power or _joins(function, arguments[1])
        right = self.inside(arguments[1], binding + (not is_joined))
        gap = "" if is_power else " "
        return f"{left}{gap}{function.value}{gap}{right}", binding

    def inside(self, expr: Expr, needed: int) -> str:
        """The text, in parentheses where its operator binds too loosely."""
        text, binding = self.write(expr)
        return text if binding >= needed else f"({text})"

    def factorial(
        self, function: Function, arguments: Sequence[Expr]
    ) -> tuple[str, int]:
        """`X*(X - 1)`, over a factorial for `binomial`."""
        base, order = arguments
        assert isinstance(order, Number)
        count = int(order.value)
        if not isinstance(base, Count) or not 1 <= count <= _LONGEST_FACTORIAL:
            text = f"{self.write(base)[0]}, {format_number(order.value)}"
            return f"{function.value}({text})", _ATOM
        name = self.counts[base.slot]
        text = "*".join([name, *(f"({name} - {j})" for j in range(1, count))])
        divisor = {1: 1, 2: 2, 3: 6, 4: 24}[count]
        if function is Function.BINOMIAL and divisor > 1:
            text += f"/{divisor}"
        return text, _BINDING[Function.MUL] if count > 1 else _ATOM


def _joins(function: Function, right: Expr) -> bool:
    """Whether a factorial is written into the product that it is the last factor of."""
    is_factorial = isinstance(right, Call) and right.function in WHOLE_ORDER
    return function is Function.MUL and is_factorial
