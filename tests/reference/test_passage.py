"""First passages against dense algebra on random networks, and their refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.stats import poisson

from crnlang.compiler import compile_text
from crnlang.ir.expr import Count, Function, call, number
from crnlang.passes.absorb import absorb
from crnlang.reference import elimination
from crnlang.reference.departure import (
    depart,
    draw_departures,
    holds,
    long_time_law,
)
from crnlang.reference.equation import master_equation
from crnlang.reference.fsp import generator, solve_fsp
from crnlang.reference.passage import FEW, find_passage
from crnlang.reference.refusals import PassageError
from crnlang.reference.ssa import build_simulator, sample_passages
from crnlang.reference.states import initial_law
from crnlang.settings import FspSettings, SsaSettings
from crnlang.testing import lowered_networks

FEW_EXAMPLES = settings(max_examples=25)
MOST = 10_000


def lower(text):
    return compile_text(text).lowered


def at_least(level, variable=0):
    return call(Function.GE, Count(variable), number(level))


@st.composite
def passages(draw):
    """A network without time, a target, and its law at the start, dense."""
    lowered = draw(lowered_networks(max_species=2, with_time=False))
    variable = draw(st.integers(0, len(lowered.space.caps) - 1))
    sign = draw(st.sampled_from([Function.GE, Function.LE, Function.EQ]))
    level = draw(st.integers(0, int(lowered.space.caps[variable])))
    target = call(sign, Count(variable), number(level))
    states, matrix = generator(lowered)
    inside = holds(lowered, target, states)
    rows, weights = initial_law(lowered, MOST)
    places = [int(np.flatnonzero((states == row).all(axis=1))[0]) for row in rows]
    start = np.zeros(len(states))
    start[places] = weights
    return lowered, target, matrix.toarray(), inside, start


@FEW_EXAMPLES
@given(passages())
def test_the_absorbed_law_is_that_of_a_generator_with_empty_columns(drawn):
    lowered, target, matrix, inside, start = drawn
    found = solve_fsp(absorb(lowered, target), FspSettings(until=2.0, save=(0, 0.5, 2)))
    absorbed = np.where(inside, 0.0, matrix)
    expected = [(expm(t * absorbed) @ start)[inside].sum() for t in (0, 0.5, 2)]
    hits = [
        law.probabilities[holds(lowered, target, law.states)].sum()
        for law in found.laws
    ]
    np.testing.assert_allclose(hits, expected, atol=1e-9)
    assert (np.diff(hits) >= -2e-10).all()
    assert min(hits) >= -1e-10
    assert max(hits) <= 1 + 1e-10


@FEW_EXAMPLES
@given(passages())
def test_mean_time_and_rate_are_those_of_the_dense_matrix(drawn):
    """-Q^-1 p adds up to the mean time; Q's leading eigenvalue is minus the rate.

    The passage can fail where some state that it reaches is never left, so that Q is
    singular there.
    """
    lowered, target, matrix, inside, start = drawn
    passage = find_passage(absorb(lowered, target), target, MOST)
    outside = matrix[~inside][:, ~inside]
    used = np.flatnonzero(_reachable(outside, start[~inside]))
    if not len(used):
        assert passage.mean_time() == (0.0, 0.0)
        return
    part = outside[np.ix_(used, used)]
    leading = np.linalg.eigvals(part).real.max()
    if passage.can_fail:
        assert passage.mean_time() == (np.inf, 0.0)
        assert passage.rate() == (0.0, 0.0)
        assert abs(leading) < 1e-9
        return
    mean, error = passage.mean_time()
    expected = -np.linalg.solve(part, start[~inside][used]).sum()
    assert mean == pytest.approx(expected, rel=1e-8)
    assert error <= 1e-8 * mean
    rate, error = passage.rate()
    assert rate == pytest.approx(-leading, rel=1e-5)  # defective ones: root of rounding
    assert error >= 0


def _reachable(matrix, start):
    """Where the start can lead to, inside the matrix."""
    found = start > 0
    for _ in range(len(matrix)):
        found = found | ((matrix * (matrix > 0)) @ found > 0)
    return found


WALK = """crn 1
species X in 0..{cap} = {start}
up: 0 -> X @ {up}
down: X -> 0 @ propensity({down}*(X > 0))
"""


def test_a_large_matrix_has_the_rate_of_a_small_one():
    """A walk between reflecting 0 and the target N, which Chebyshev polynomials solve.

    Equal rates k: the eigenvalues are 2 k (1 - cos(theta)), theta = pi / (2 N + 1).
    """
    for size in (FEW - 10, 4 * FEW):
        lowered = lower(WALK.format(cap=size, start=0, up=3, down=3))
        target = at_least(size)
        rate, error = find_passage(absorb(lowered, target), target, MOST).rate()
        expected = 6 * (1 - np.cos(np.pi / (2 * size + 1)))
        assert rate == pytest.approx(expected, rel=1e-9)
        assert abs(rate - expected) <= error < 1e-9 * rate


def test_the_error_of_a_mean_time_is_a_bound():
    """Against the drift the mean time grows until rounding is felt; the bound says so.

    E[0 -> N] = sum_n sum_{j <= n} (d/u)^j / u, all terms positive.
    """
    for size in (5, 20, 40):
        lowered = lower(WALK.format(cap=size, start=0, up=1, down=2))
        target = at_least(size)
        mean, error = find_passage(absorb(lowered, target), target, MOST).mean_time()
        expected = sum(2.0 ** (n + 1) - 1 for n in range(size))
        assert abs(mean - expected) <= error
        assert error < 0.02 * mean


def test_a_start_inside_takes_no_time_and_has_no_rate():
    lowered = lower(WALK.format(cap=9, start=5, up=1, down=1))
    passage = find_passage(absorb(lowered, at_least(3)), at_least(3), MOST)
    assert passage.mean_time() == (0.0, 0.0)
    assert passage.rate() == (np.inf, 0.0)


def test_the_start_is_the_initial_law_given_the_states():
    lowered = lower("crn 1\nspecies X in 0..9 ~ uniform(0, 9)\nX -> 0 @ 1\n")
    start = depart(lowered, at_least(6), MOST).start
    kept = start.weights > 0
    assert start.states[kept][:, 0].tolist() == [6, 7, 8, 9]
    assert start.weights[kept] == pytest.approx(0.25)


@FEW_EXAMPLES
@given(lowered_networks(max_species=2, with_time=False))
def test_the_law_for_long_times_is_the_limit(lowered):
    """Of the exponential squared 60 times; several closed classes, too."""
    states, matrix = generator(lowered)
    rows, weights = initial_law(lowered, MOST)
    initial = np.zeros(len(states))
    for row, weight in zip(rows, weights, strict=True):
        initial[(states == row).all(axis=1)] = weight
    power = expm(matrix.toarray() / max(np.abs(matrix).max(), 1e-9))
    for _ in range(60):
        power = power @ power
        power /= power.sum(axis=0)
    found = long_time_law(master_equation(lowered, MOST), MOST)
    np.testing.assert_allclose(found, power @ initial, atol=1e-10)


def test_a_start_without_probability_is_the_law_for_long_times():
    """Of immigration and death that is Poisson's law."""
    lowered = lower("crn 1\nspecies X in 0..40\n0 <-> X @ 5, 1\n")
    start = depart(lowered, at_least(8), MOST).start
    expected = poisson.pmf(np.arange(41), 5) * (np.arange(41) >= 8)
    assert start.states[:, 0].tolist() == list(range(41))
    np.testing.assert_allclose(start.weights, expected / expected.sum(), atol=1e-12)


def test_states_that_are_left_for_good_are_no_start():
    """The counts 1 to 4 are passed on the way from 5 to 0."""
    lowered = lower("crn 1\nspecies X in 0..9 = 5\nX -> 0 @ 1\n")
    passed = call(Function.EQ, Count(0), number(3))
    with pytest.raises(PassageError, match="start the species in it"):
        depart(lowered, passed, MOST)


def test_what_changes_with_time_has_no_law_for_long_times():
    moving = lower("crn 1\nspecies X in 0..9\n0 -> X @ 1 + sin(t)\nX -> 0 @ 1\n")
    with pytest.raises(PassageError, match="rate of `r1` reads `t`"):
        depart(moving, at_least(5), MOST)
    with pytest.raises(PassageError, match="must not change with time"):
        find_passage(absorb(moving, at_least(5)), at_least(5), MOST)
    struck = lower("crn 1\nspecies X in 0..9\n0 <-> X @ 1, 1\nevent at 2: X = 0\n")
    with pytest.raises(PassageError, match="an event changes copy numbers"):
        depart(struck, at_least(5), MOST)


def test_too_many_equations_are_refused(monkeypatch):
    monkeypatch.setattr(elimination, "MOST_UNKNOWNS", 5)
    lowered = lower(WALK.format(cap=9, start=0, up=1, down=1))
    passage = find_passage(absorb(lowered, at_least(9)), at_least(9), MOST)
    with pytest.raises(PassageError, match="9 equations, more than 5"):
        passage.mean_time()


EVENTFUL = """crn 1
species X in 0..20 ~ poisson(2)
species Y in 0..20
0 <-> X @ 4, 1 + sin(t)/2
X -> Y @ 0.3
event at 0.5: X = 0, Y = min(Y + 1, 20)
event at 1: X = min(X + 3, 20)
"""


def test_trajectories_and_the_exact_law_hit_alike_through_events():
    """Time-dependent rates, a random start, events that lead into the target."""
    lowered = lower(EVENTFUL)
    target = call(Function.GE, call(Function.ADD, Count(0), Count(1)), number(9))
    start = call(Function.LT, Count(0), number(4))
    times, size = (0.25, 0.5, 1.0, 2.0), 20_000
    absorbing = absorb(depart(lowered, start, MOST), target)
    laws = solve_fsp(absorbing, FspSettings(until=2.0, save=times)).laws
    exact = [
        law.probabilities[holds(lowered, target, law.states)].sum() for law in laws
    ]
    chosen = SsaSettings(until=2.0, save=(2.0,), trajectories=size, seed=3)
    states = draw_departures(lowered, start, size, seed=5)
    simulator = build_simulator(lowered, [at_least(20), target])
    entered = sample_passages(simulator, chosen, 1, states)
    for time, chance in zip(times, exact, strict=True):
        share = (entered <= time).mean()
        assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / size) + 1e-12
    assert exact[0] < exact[1] < exact[2] < exact[3]
    again = sample_passages(simulator, chosen, 1, states, threads=3)
    np.testing.assert_array_equal(entered, again)


def test_sets_over_a_lattice_end_trajectories_where_they_say():
    """Sets of every kind over 120 sites, each of which is first left at rate 1."""
    text = "crn 1\nlattice chain(120)\nspecies X in 0..1 per site = 1\nX -> 0 @ 1\n"
    sets = ("any(X == 0)", "sum(X) <= 119", "mean(X) < 1", "not all(X)")
    queries = "".join(f"query hit({one}, by=1)\n" for one in sets)
    lowered = lower(text + queries)
    targets = [query.target for query in lowered.network.queries]
    simulator = build_simulator(lowered, targets)
    chosen = SsaSettings(until=1.0, save=(1.0,), trajectories=400)
    for number_ in range(len(targets)):
        entered = sample_passages(simulator, chosen, number_)
        assert entered.mean() == pytest.approx(1 / 120, rel=0.2)


def test_a_start_that_is_never_drawn_is_refused():
    lowered = lower(WALK.format(cap=9, start=0, up=1, down=1))
    with pytest.raises(PassageError, match="0 of 1,000 draws"):
        draw_departures(lowered, at_least(5), 10, seed=0)
