"""Sums over sites: their value, their text, and what a large lattice costs."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crnlang.ir.evaluate as evaluation
from crnlang.compiler import compile_text
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import (
    OVER_SITES,
    Count,
    Function,
    OverSites,
    ParameterRef,
    SiteCounts,
    SiteNumbers,
    Time,
    at_site,
    call,
    children,
    move_slots,
    number,
    slots_of,
    walk,
)
from crnlang.ir.spelling import format_expression
from crnlang.passes.fold import fold

SITES = 5
#: Slot 0 is a species without sites, those behind it are one a site.
LEAVES = (
    st.integers(0, 3).map(number)
    | st.just(Count(0))
    | st.just(ParameterRef(0))
    | st.just(Time())
    | st.just(SiteCounts(range(1, SITES + 1)))
    | st.permutations(range(1, SITES + 1)).map(lambda p: SiteCounts(tuple(p)))
    | st.lists(st.floats(-2, 2), min_size=SITES, max_size=SITES).map(
        lambda values: SiteNumbers(tuple(values))
    )
)
FUNCTIONS = (Function.ADD, Function.MUL, Function.SUB, Function.MIN, Function.LT)


def joined(inner):
    return (
        st.builds(call, st.sampled_from(FUNCTIONS), inner, inner)
        | st.builds(call, st.just(Function.IF), inner, inner, inner)
        | st.builds(OverSites, st.sampled_from(OVER_SITES), inner, st.just(SITES))
    )


BODIES = st.recursive(LEAVES, joined, max_leaves=8)
SUMS = st.builds(OverSites, st.sampled_from(OVER_SITES), BODIES, st.just(SITES))


def written_out(expr):
    """The same with a chain of plain calls for each sum over sites."""
    if isinstance(expr, OverSites):
        parts = [written_out(at_site(expr.body, site)) for site in range(expr.sites)]
        kind = expr.function
        if kind in (Function.ALL, Function.ANY):
            join = Function.AND if kind is Function.ALL else Function.OR
            return functools.reduce(functools.partial(call, join), parts)
        total = functools.reduce(functools.partial(call, Function.ADD), parts)
        if kind is Function.SUM:
            return total
        return call(Function.DIV, total, number(expr.sites))
    if parts := children(expr):
        return call(expr.function, *map(written_out, parts))
    return expr


def values_of(expr, counts):
    found = evaluate_float64(expr, counts, [0.5], 1.5)
    return np.broadcast_to(found, np.shape(counts[0]))


@given(SUMS, st.data())
def test_a_sum_is_that_of_its_body_at_every_site(expr, data):
    shape = data.draw(st.sampled_from([(), (0,), (4,), (2, 3)]))
    size = (SITES + 1) * int(np.prod(shape))
    drawn = data.draw(st.lists(st.integers(0, 9), min_size=size, max_size=size))
    counts = list(np.array(drawn, dtype=float).reshape(SITES + 1, *shape))
    expected = values_of(written_out(expr), counts)
    assert np.allclose(values_of(expr, counts), expected, rtol=1e-12, atol=1e-9)
    assert np.allclose(values_of(fold(expr), counts), expected, rtol=1e-12, atol=1e-9)


@given(SUMS, st.integers(1, 7))
def test_parts_of_the_sites_come_together(expr, held):
    counts = list(np.arange(1.0, SITES + 2))
    whole = values_of(expr, counts)
    before, evaluation.MOST_HELD = evaluation.MOST_HELD, held
    try:
        parts = values_of(expr, counts)
    finally:
        evaluation.MOST_HELD = before
    assert np.allclose(parts, whole, rtol=1e-12, atol=1e-9)


@given(SUMS, st.permutations(range(SITES + 1)))
def test_slots_move_inside_of_sums(expr, places):
    counts = np.arange(1.0, SITES + 2)
    moved = move_slots(expr, places)
    assert slots_of(moved) == {places[slot] for slot in slots_of(expr)}
    new = np.zeros_like(counts)
    new[list(places)] = counts
    assert values_of(moved, list(new)) == pytest.approx(
        values_of(expr, list(counts)), rel=1e-12
    )


@given(SUMS)
def test_a_sum_is_written_as_its_terms(expr):
    names = ["G", *(f"X{site}" for site in range(SITES))]
    terms = [
        format_expression(at_site(expr.body, site), names, ["k"])
        for site in range(SITES)
    ]
    text = format_expression(expr, names, ["k"])
    assert text == f"{expr.function.value}({', '.join(terms)})"


LATTICE = """crn 1
lattice grid(2, 3)
param k[i, j] = 1 + i + 10*j
species X in 0..4 per site = 1
0 -> X @ 1
"""


def test_a_parameter_may_sum_over_another():
    text = f"{LATTICE}param s = sum(k), m[i, j] = mean(k) + i, l[i, j] = max(k, 9)\n"
    values = [p.site_values or p.value for p in compile_text(text).network.parameters]
    k = [1 + i + 10 * j for i in range(2) for j in range(3)]
    assert values[1] == sum(k)
    assert values[2] == pytest.approx([np.mean(k) + i for i in (0, 1) for _ in "abc"])
    assert values[3] == tuple(max(one, 9) for one in k)


def test_an_event_reads_all_sites_as_they_were_just_before():
    text = f"{LATTICE}param s = 0\n"
    text += "event at 1: k = 2*k\nevent at 2: k = k + mean(k), s = sum(k) + k[1, 2]\n"
    network = compile_text(f"{text}observe n = sum(k)\nobserve m = s\n").network
    k = np.array([1 + i + 10 * j for i in range(2) for j in range(3)], dtype=float)
    constants = [p.value for p in network.parameters]
    sums = {0.5: k.sum(), 1.5: 2 * k.sum(), 2.5: 4 * k.sum()}
    for t, expected in sums.items():
        found = evaluate_float64(network.observables[0].value, [1.0] * 6, constants, t)
        assert found == pytest.approx(expected, rel=1e-12)
    late = evaluate_float64(network.observables[1].value, [1.0] * 6, constants, 2.5)
    assert late == pytest.approx(2 * (k.sum() + k[-1]), rel=1e-12)


def test_times_are_not_those_that_events_leave():
    text = f"{LATTICE}param s = 5\nevent at 1: s = 7, k = 2*k\nevent at 2: k = 1\n"
    network = compile_text(f"{text}query expect(X[0, 0], at=s + k[0, 0])\n").network
    assert network.queries[0].times == (6.0,)


def test_a_sum_is_as_short_on_a_large_lattice():
    """Not the time but what is made: the same number of nodes for every size."""
    program = """crn 1
lattice grid({side}, {side})
param k[i, j] = 1 + i
species X in 0..4 per site = 1
0 -> X @ k
event at 4: k = k/2
observe m = mean(k*X^2) + sum(k) + X[0, 1]
set full = any(X == 4) or all(k*X > 2)
query prob(full and m > 3, at=5)
query hit(any(X == 4), by=1)
"""
    sizes = [
        sum(
            len(walk(expr))
            for network in [compile_text(program.format(side=side)).lowered.network]
            for expr in (
                network.observables[0].value,
                network.sets[0].condition,
                network.queries[0].condition,
            )
        )
        for side in (2, 40)
    ]
    assert sizes[0] == sizes[1]
    assert fold(OverSites(Function.SUM, number(2), 7)) == number(14)
