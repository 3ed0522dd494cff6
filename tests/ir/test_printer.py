"""Printed expressions read back as the same expression."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Count, Function, ParameterRef, Time, call, number
from crnlang.ir.printer import format_law
from crnlang.ir.spelling import format_expression, format_number

BINARY = (
    Function.ADD,
    Function.SUB,
    Function.MUL,
    Function.DIV,
    Function.POW,
    Function.LT,
    Function.GE,
    Function.EQ,
    Function.AND,
    Function.OR,
    Function.MIN,
)
UNARY = (Function.NEG, Function.NOT, Function.EXP)
LEAVES = (
    st.integers(0, 4).map(number)
    | st.integers(0, 1).map(Count)
    | st.just(ParameterRef(0))
    | st.just(Time())
    | st.builds(
        call,
        st.sampled_from((Function.FALLING, Function.BINOMIAL)),
        st.just(Count(0)),
        st.integers(0, 5).map(number),
    )
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(call, st.sampled_from(BINARY), inner, inner)
        | st.builds(call, st.sampled_from(UNARY), inner)
        | st.builds(call, st.just(Function.IF), inner, inner, inner)
    ),
    max_leaves=12,
)


@given(EXPRESSIONS)
def test_printed_expression_has_the_same_value(expr):
    text = format_expression(expr, ["A", "B"], ["k"])
    program = "crn 1\nparam k = 0.5\nspecies A, B in 0..9 = 2\n0 -> A @ k\n"
    network = compile_text(f"{program}observe x = {text}").network
    read = network.observables[0].value
    for counts in ((0, 0), (3, 1), (2, 7)):
        floats = [np.float64(n) for n in counts]
        expected = evaluate_float64(expr, floats, [0.5], 1.5)
        value = evaluate_float64(read, floats, [0.5], 1.5)
        assert np.allclose(value, expected, rtol=1e-12, equal_nan=True)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back_exactly(value):
    assert float(format_number(value)) == value


@pytest.mark.parametrize(
    ("coefficients", "total", "text"),
    [
        ((1, 2, 0), 3, "A + 2 B = 3"),
        ((0, 0, 1), 0, "C = 0"),
        ((1, 0, -1), 1, "A - C = 1"),
    ],
)
def test_laws(coefficients, total, text):
    assert format_law(coefficients, ["A", "B", "C"], total) == text


def test_factorials_are_written_out():
    expr = call(Function.BINOMIAL, Count(0), number(3))
    assert format_expression(expr, ["X"], []) == "X*(X - 1)*(X - 2)/6"
    value = float(evaluate_float64(expr, [np.float64(5)], (), 0.0))
    assert value == math.comb(5, 3)
