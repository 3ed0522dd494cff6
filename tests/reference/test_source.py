"""Generated source: the same numbers as the IR's evaluator, and true bounds."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from crnlang.ir.evaluate import evaluate
from crnlang.ir.expr import (
    ARITY,
    OVER_SITES,
    WHOLE_ORDER,
    Call,
    Count,
    Function,
    Number,
    ParameterRef,
    Time,
    depends_on_time,
)
from crnlang.reference import intervals
from crnlang.reference.source import bound_source, value_source

PARAMETERS = np.array([0.7, 3.0])
WRITTEN = [f"({value!r})" for value in PARAMETERS.tolist()]
UNARY = (Function.NEG, Function.NOT)


def arity(function):
    return ARITY.get(function, 1 if function in UNARY else 2)


def calls(inner):
    plain = [f for f in Function if f not in (*WHOLE_ORDER, *OVER_SITES)]
    general = st.sampled_from(plain).flatmap(
        lambda f: st.tuples(*[inner] * arity(f)).map(lambda a: Call(f, a))
    )
    whole = st.builds(
        lambda f, base, order: Call(f, (base, Number(float(order)))),
        st.sampled_from(WHOLE_ORDER),
        inner,
        st.integers(0, 3),
    )
    return general | whole


LEAVES = st.one_of(
    st.integers(-3, 8).map(lambda n: Number(n / 2)),
    st.sampled_from([Count(0), Count(1), ParameterRef(0), ParameterRef(1)]),
    st.just(Time()),
)
EXPRESSIONS = st.recursive(LEAVES, calls, max_leaves=6)


def run(source, **values):
    scope = {"math": math, "np": np, "iv": intervals}
    return eval(source, scope, {k: np.float64(v) for k, v in values.items()})


def evaluated(expr, x0, x1, t):
    counts = [np.float64(x0), np.float64(x1)]
    with np.errstate(all="ignore"):
        return float(evaluate(expr, counts, PARAMETERS, np.float64(t), np))


@given(EXPRESSIONS, st.integers(0, 6), st.integers(0, 6), st.floats(0, 10))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_values_agree_with_the_evaluator(expr, x0, x1, t):
    expected = evaluated(expr, x0, x1, t)
    assume(math.isfinite(expected) and abs(expected) < 1e100)
    try:
        found = run(value_source(expr, WRITTEN), x0=x0, x1=x1, t=t)
    except (ZeroDivisionError, OverflowError, ValueError):
        assume(False)
    assume(not isinstance(found, complex) and math.isfinite(found))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    EXPRESSIONS, st.integers(0, 6), st.floats(0, 8), st.floats(0, 4), st.floats(0, 1)
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bounds_hold_everywhere_in_the_window(expr, x0, start, span, share):
    assume(depends_on_time(expr))
    value = evaluated(expr, x0, 2, start + share * span)
    assume(math.isfinite(value))
    scope = {"math": math, "np": np, "iv": intervals, "window": (start, start + span)}
    try:
        low, high = eval(
            bound_source(expr, WRITTEN),
            scope,
            {"x0": np.float64(x0), "x1": np.float64(2)},
        )
    except (ZeroDivisionError, OverflowError, ValueError):
        assume(False)
    if not (math.isnan(low) or math.isnan(high)):
        margin = 1e-9 * max(1.0, abs(value))
        assert low - margin <= value <= high + margin
