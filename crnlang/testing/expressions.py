"""Random expressions."""

from hypothesis import strategies as st

from crnlang.ir.expr import (
    ARITY,
    WHOLE_ORDER,
    Count,
    Expr,
    Function,
    ParameterRef,
    Time,
    call,
    number,
)
from crnlang.testing.networks import Draw

_OPERATORS = {
    **dict.fromkeys(
        (
            *(Function.ADD, Function.SUB, Function.MUL, Function.DIV, Function.POW),
            *(Function.LT, Function.LE, Function.GT, Function.GE),
            *(Function.EQ, Function.NE, Function.AND, Function.OR),
        ),
        2,
    ),
    Function.NEG: 1,
    Function.NOT: 1,
}
_FUNCTIONS = {**_OPERATORS, **ARITY}
_NUMBERS = st.one_of(
    st.integers(0, 20).map(number),
    st.floats(0, 1e3, allow_subnormal=False).map(number),
)


@st.composite
def expressions(
    draw: Draw,
    slots: int = 2,
    parameters: int = 1,
    *,
    max_depth: int = 4,
    with_time: bool = True,
) -> Expr:
    """An expression of the language, with any of its operators and functions.

    It reads `Count(slot)` of the first `slots`, `ParameterRef(index)` of the first
    `parameters` and, `with_time`, the time. Its value may be infinite or no number;
    `crnlang.ir.expr.evaluate` gives it, and `crnlang.ir.printer.format_expression`
    writes it.
    """
    leaves: list[st.SearchStrategy[Expr]] = [_NUMBERS]
    if slots:
        leaves.append(st.integers(0, slots - 1).map(Count))
    if parameters:
        leaves.append(st.integers(0, parameters - 1).map(ParameterRef))
    if with_time:
        leaves.append(st.just(Time()))
    return _expression(draw, st.one_of(leaves), max_depth)


def _expression(draw: Draw, leaf: st.SearchStrategy[Expr], depth: int) -> Expr:
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(leaf)
    function = draw(st.sampled_from([*_FUNCTIONS]))
    if function in WHOLE_ORDER:
        inner = _expression(draw, leaf, depth - 1)
        return call(function, inner, number(draw(st.integers(1, 4))))
    arguments = [
        _expression(draw, leaf, depth - 1) for _ in range(_FUNCTIONS[function])
    ]
    return call(function, *arguments)
