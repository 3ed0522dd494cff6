"""Weighted ensembles: weights stay, means are unbiased, threads change nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from crnlang.compiler import compile_text
from crnlang.ir.expr import Count, Function, call, number
from crnlang.passes.distance import distance
from crnlang.reference.departure import holds
from crnlang.reference.ensemble import Lane, sample_ensembles, starts_needed, systematic
from crnlang.reference.fsp import generator
from crnlang.reference.ssa import build_simulator
from crnlang.settings import WeSettings

DECAY = """crn 1
species X in 0..40 = 20
birth: 0 -> X @ 10
death: X -> 0 @ 1
"""
JUMP = DECAY + "event at 0.5: X = min(X + 10, 40)\n"
WINDOW = DECAY.replace("@ 1\n", "@ propensity(X * (1 + 0.5*sin(t)))\n")
FEW = call(Function.LE, Count(0), number(4))
SMALL = WeSettings(
    until=1.0, save=(0.5, 1.0), bins=20, walkers=10, resamplings=20, repeats=4
)


def simulator_of(text, targets=()):
    return build_simulator(compile_text(text).lowered, targets)


@pytest.fixture(scope="module")
def decay():
    return simulator_of(DECAY, [FEW])


@st.composite
def grouped(draw):
    """Weights in groups, and how many are to be drawn of each."""
    numbers = draw(st.lists(st.integers(1, 6), min_size=1, max_size=5))
    size = sum(numbers)
    tiny = st.floats(-300, 0).map(lambda power: 10.0**power)
    weights = draw(st.lists(tiny, min_size=size, max_size=size))
    sizes = draw(
        st.lists(st.integers(1, 9), min_size=len(numbers), max_size=len(numbers))
    )
    group = np.repeat(np.arange(0, 2 * len(numbers), 2), numbers)
    return group, np.array(weights), np.array(sizes)


@given(grouped(), st.integers(0, 2**32))
def test_each_group_keeps_its_weight_and_gets_its_number(drawn, seed):
    group, weights, sizes = drawn
    copies, each = systematic(group, weights, sizes, np.random.default_rng(seed))
    assert (copies >= 0).all()
    for place, one in enumerate(np.unique(group)):
        own = group == one
        assert copies[own].sum() == sizes[place]
        total = weights[own].sum()
        assert (copies * each)[own].sum() == pytest.approx(total, rel=1e-12)
        expected = sizes[place] * weights[own] / total
        assert (np.abs(copies[own] - expected) < 1 + 1e-9).all()


def test_copies_are_in_proportion_to_weights_on_average():
    weights = np.array([0.05, 0.5, 0.15, 0.3, 1e-9])
    group = np.zeros(5, dtype=np.int64)
    random = np.random.default_rng(0)
    drawn = [systematic(group, weights, np.array([7]), random)[0] for _ in range(20000)]
    expected = 7 * weights / weights.sum()
    errors = np.sqrt(np.maximum(expected * (1 - expected % 1), 1e-4) / 20000)
    assert (np.abs(np.mean(drawn, axis=0) - expected) < 5 * errors).all()


def law_of(text, time):
    """The exact law of a network without time, and its states."""
    lowered = compile_text(text).lowered
    states, matrix = generator(lowered)
    start = (states[:, 0] == 20).astype(float)
    return states, expm(time * matrix.toarray()) @ start


def test_every_ensemble_has_the_weight_1_and_rare_states_their_probability(decay):
    """P(X <= 4) at t = 0.5 is below 1e-5: plain trajectories would not be there.

    24 runs of 4 ensembles: their mean lies within 4 standard errors of the exact value,
    and the variance within the runs is that between them (a ratio outside of 0.35..2.8
    has a chance of 0.4 %).
    """
    lane = Lane(distance(FEW), is_distance=True)
    means, squares = [], []
    for seed in range(24):
        settings = WeSettings(
            until=0.5,
            save=(0.5,),
            bins=20,
            walkers=10,
            resamplings=20,
            repeats=4,
            seed=seed,
        )
        walkers = sample_ensembles(decay, settings, lane, stream=0).walkers[-1]
        sums = np.bincount(walkers.repeat, walkers.weights)
        np.testing.assert_allclose(sums, 1, rtol=1e-12)
        is_few = walkers.states[:, 0] <= 4
        found = np.bincount(walkers.repeat[is_few], walkers.weights[is_few], 4)
        means.append(found.mean())
        squares.append(found.var(ddof=1) / 4)
    states, law = law_of(DECAY, 0.5)
    exact = law[states[:, 0] <= 4].sum()
    assert exact < 1e-5
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    assert abs(np.mean(means) - exact) < 4 * error
    assert error < 0.2 * exact
    assert 0.35 < np.mean(squares) / np.var(means, ddof=1) < 2.8


def test_arrivals_and_survivors_add_up(decay):
    lane = Lane(distance(FEW), is_distance=True)
    run = sample_ensembles(decay, SMALL, lane, stream=3, target=0)
    left = run.walkers[-1]
    assert not holds(decay.lowered, FEW, left.states).any()
    survivors = np.bincount(left.repeat, left.weights, 4)
    np.testing.assert_allclose(run.arrived(0.0, 1.0) + survivors, 1, rtol=1e-12)
    halves = run.arrived(0.0, 0.5) + run.arrived(0.5, 1.0)
    np.testing.assert_allclose(halves, run.arrived(0.0, 1.0), rtol=1e-12)
    assert (run.exposure(0.0, 1.0) <= 1).all()
    assert (run.exposure(0.0, 1.0) >= survivors).all()


@pytest.mark.parametrize("text", [DECAY, JUMP, WINDOW])
def test_the_number_of_threads_changes_nothing(text):
    simulator = simulator_of(text)
    lane = Lane(Count(0), is_distance=False)
    one, three = (
        sample_ensembles(simulator, SMALL, lane, stream=0, threads=threads)
        for threads in (1, 3)
    )
    for a, b in zip(one.walkers, three.walkers, strict=True):
        for column, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(column, other)


def test_other_streams_are_other_ensembles(decay):
    lane = Lane(Count(0), is_distance=False)
    runs = [sample_ensembles(decay, SMALL, lane, stream=s) for s in (0, 1)]
    assert not np.array_equal(
        runs[0].walkers[0].states[:50], runs[1].walkers[0].states[:50]
    )


def test_an_event_moves_the_walkers_and_may_take_them_to_the_target():
    target = call(Function.GE, Count(0), number(39))
    text = JUMP.replace("min(X + 10, 40)", "40")
    run = sample_ensembles(
        simulator_of(text, [target]),
        SMALL,
        Lane(distance(target), is_distance=True),
        stream=0,
        target=0,
    )
    np.testing.assert_allclose(run.arrived(0.4999, 0.5), 1, atol=1e-6)
    assert not len(run.walkers[-1].weights)


def test_walkers_start_where_they_are_told(decay):
    states = np.full((starts_needed(SMALL), 1), 7)
    lane = Lane(Count(0), is_distance=False)
    at_once = WeSettings(until=1e-9, save=(0.0,), bins=20, walkers=10, repeats=4)
    run = sample_ensembles(decay, at_once, lane, stream=0, states=states)
    assert (run.walkers[0].states == 7).all()


def test_a_lane_without_a_number_is_0(decay):
    lane = Lane(call(Function.DIV, number(0), number(0)), is_distance=False)
    with np.errstate(all="ignore"):
        found = lane.place(decay.lowered, np.array([[1], [2]]))
    assert (found == 0).all()
