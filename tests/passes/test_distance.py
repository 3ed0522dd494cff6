"""The distance from a condition: nowhere negative, and 0 where the condition holds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import SITES, conditions

from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    Count,
    Function,
    OverSites,
    SiteCounts,
    call,
    number,
    total,
)
from crnlang.passes.distance import distance
from crnlang.testing import expressions


def value(expr, counts):
    with np.errstate(all="ignore"):
        return float(evaluate_float64(expr, [float(n) for n in counts], [0.5], 0.0))


counts = st.tuples(*[st.integers(0, 6)] * SITES)


@given(conditions(), counts)
def test_the_distance_is_0_where_the_condition_holds(condition, n):
    found = value(distance(condition), n)
    assert found >= 0
    if value(condition, n):
        assert found == 0


@given(conditions(), counts)
def test_where_the_condition_fails_a_distance_of_0_is_a_tie(condition, n):
    """A strict comparison of equals is the only other 0; moving the counts by less
    than 1 makes ties impossible, as every level is a whole number.
    """
    between = [count + shift for count, shift in zip(n, (0.25, 0.5, 0.75), strict=True)]
    is_in = bool(value(condition, between))
    assert (value(distance(condition), between) == 0) == is_in


@given(expressions(slots=3))
def test_any_expression_of_the_language_has_a_distance(expr):
    found = value(distance(call(Function.NE, expr, number(0))), (1, 2, 3))
    assert found in (0.0, 1.0)


def test_of_sites_that_must_all_be_low_it_counts_the_molecules_too_many():
    body = call(Function.LE, SiteCounts((0, 1, 2)), number(15))
    found = distance(OverSites(Function.ALL, body, SITES))
    assert value(found, (20, 10, 16)) == 6
    assert value(distance(OverSites(Function.ANY, body, SITES)), (20, 30, 16)) == 1


def test_a_sum_that_is_too_large_is_away_by_the_difference():
    everything = total([Count(0), Count(1), Count(2)])
    assert value(distance(call(Function.LT, everything, number(5))), (4, 4, 4)) == 7


@pytest.mark.parametrize("sites", [1, 2, 5, 64])
def test_the_least_over_many_sites(sites):
    body = call(Function.GE, SiteCounts(tuple(range(sites))), number(100))
    found = distance(OverSites(Function.ANY, body, sites))
    assert value(found, list(range(sites))) == 100 - (sites - 1)
