"""Comparisons: Hellinger is a distance, noise is what finite samples show."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crnlang.results.compare import compare_runs, hellinger
from crnlang.results.record import RunData, RunError

LAWS = (
    arrays(float, 6, elements=st.floats(0, 1))
    .filter(lambda p: p.sum() > 0.1)
    .map(lambda p: p / p.sum())
)


def run(law, joint=None, names=("X", "Y"), samples=np.inf, times=(0.0, 1.0)):
    """A run whose species all have the same law at every time."""
    size, count = len(times), len(law)
    means = np.full((size, len(names)), law @ np.arange(count))
    joints = {} if joint is None else {names[:2]: np.stack([joint] * size)}
    return RunData(
        engine="fsp",
        model="m",
        seed=0,
        names=names,
        caps=np.full(len(names), count - 1),
        times=np.array(times),
        samples=np.full(size, float(samples)),
        marginals=np.tile(law, (size, len(names), 1)),
        means=means,
        sds=means,
        joints=joints,
        queries=(),
        leak=None,
    )


@given(LAWS, LAWS, LAWS)
def test_hellinger_is_a_distance_between_0_and_1(p, q, r):
    assert hellinger(p, p) == 0
    assert hellinger(p, q) == hellinger(q, p)
    assert 0 <= hellinger(p, q) <= 1
    assert hellinger(p, r) <= hellinger(p, q) + hellinger(q, r) + 1e-9


def test_hellinger_of_disjoint_laws_is_1_and_of_wrong_ones_an_error():
    assert hellinger(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1
    with pytest.raises(RunError, match="not normalised"):
        hellinger(np.array([1.0, 0.5]), np.array([1.0, 0.5]))


@given(LAWS)
def test_a_run_agrees_with_itself(law):
    one = run(law, np.outer(law, law))
    found = compare_runs(one, one)
    assert found.max_hellinger == 0
    assert "agree" in found.verdict(0.01)
    assert set(found.marginals) == {"X", "Y"}
    assert set(found.joints) == {("X", "Y")}


def test_joints_are_found_in_either_order_and_caps_may_differ():
    law, wide = np.array([0.25, 0.75]), np.array([0.25, 0.75, 0.0])
    a = run(law, np.outer(law, law) * [[1, 1], [1, 1]])
    b = run(wide, np.outer(wide, wide))
    b = replace(b, joints={("Y", "X"): b.joints["X", "Y"].swapaxes(1, 2)})
    found = compare_runs(a, b)
    assert found.max_hellinger < 1e-7
    assert set(found.joints) == {("X", "Y")}


def test_only_common_species_and_times_are_compared():
    law = np.array([0.5, 0.5])
    a = run(law, names=("X", "Y"), times=(0.0, 1.0, 2.0))
    b = run(law, names=("Y", "Z"), times=(1.0 + 1e-12, 3.0))
    found = compare_runs(a, b)
    assert found.times.tolist() == [1.0]
    assert (found.only_a, found.only_b) == (("X",), ("Z",))
    assert set(found.as_json()) == {
        "times",
        "marginals",
        "joints",
        "max_hellinger",
        "means",
        "sds",
    }


def test_runs_without_common_ground_are_refused():
    law = np.array([0.5, 0.5])
    with pytest.raises(RunError, match="share no species"):
        compare_runs(run(law, names=("X",)), run(law, names=("Z",)))
    with pytest.raises(RunError, match="share no save time"):
        compare_runs(run(law), run(law, times=(0.5, 3.0)))


def test_the_verdict_tells_noise_from_difference():
    exact = np.full(10, 0.1)
    near = exact + 0.05 * np.array([1, -1] * 5)
    sampled = compare_runs(run(exact), run(near, samples=30))
    assert "cannot be told apart" in sampled.verdict(0.05)
    certain = compare_runs(run(exact), run(near))
    assert "differ" in certain.verdict(0.05)
    assert "agree" in certain.verdict(0.5)


def test_a_difference_is_told_where_it_is_clear():
    """Not where it is largest, if that is noise."""
    wide, even, odd = np.full(100, 0.01), np.zeros(100), np.zeros(100)
    even[:2], odd[:2] = 0.5, (0.8, 0.2)
    drawn = np.random.default_rng(1).multinomial(100, wide) / 100
    a, b = run(wide), run(drawn, samples=100)
    a.marginals[:, 1], b.marginals[:, 1] = even, odd
    found = compare_runs(a, b)
    assert found.worst[0] == "X"
    assert found.clearest[0] == "Y"
    evidence = "(Y at t = 0), where finite samples alone give at most"
    assert evidence in found.verdict(0.05)
