"""Records from weighted states: laws, moments, answers, standard errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.results.record import RunError
from crnlang.results.summary import Snapshot, summarise, times_of

TEXT = """crn 1
model pair
species X in 0..5 = 0
species Y in 0..3 = 0
r: 0 <-> X @ 1, 1
s: X <-> Y @ 1, 1
observe both = X + 2*Y
set high = X > 2
query prob(high, at=[0, 1])
query prob(high, given=Y == 3, at=[1])
query expect(both, given=Y > 0, at=[1])
query dist(X, Y, at=[1])
query dist(X, given=high, at=[1])
"""
LOWERED = compile_text(TEXT).lowered


@st.composite
def weighted_states(draw):
    size = draw(st.integers(1, 30))
    generator = np.random.default_rng(draw(st.integers(0, 1000)))
    states = np.stack(
        [generator.integers(0, 6, size), generator.integers(0, 4, size)], axis=1
    )
    return states, generator.uniform(0.1, 1.0, size)


def record(states, weights=None, is_exact=False):
    snapshots = [Snapshot(t, states, weights, is_exact) for t in (0.0, 1.0)]
    return summarise(LOWERED, snapshots, engine="fsp", seed=0)


@given(weighted_states())
def test_laws_and_moments_are_those_of_the_weights(drawn):
    states, weights = drawn
    data = record(states, weights)
    share = weights / weights.sum()
    mean = share @ states
    assert data.marginals.sum(axis=2) == pytest.approx(1)
    assert data.means[0] == pytest.approx(mean)
    assert data.sds[0] ** 2 == pytest.approx(share @ (states - mean) ** 2, abs=1e-12)
    joint = data.joints["X", "Y"][0]
    assert joint.sum(axis=1) == pytest.approx(data.marginal("X")[0])
    assert joint.sum(axis=0) == pytest.approx(data.marginal("Y")[0])
    assert joint[3, 2] == pytest.approx(share[(states == [3, 2]).all(axis=1)].sum())


@given(weighted_states())
def test_answers_are_conditional_means(drawn):
    states, weights = drawn
    prob, given_three, expect, dist, conditional = record(states, weights).queries
    x, y = states.T
    share = weights / weights.sum()
    assert prob.values == pytest.approx([share[x > 2].sum()] * 2)
    rest = weights * (y > 0)
    if rest.sum() == 0:
        assert np.isnan(expect.values).all()
    else:
        assert expect.values[0] == pytest.approx(rest @ (x + 2 * y) / rest.sum())
    if not (y == 3).any():
        assert np.isnan(given_three.values).all()
        assert np.isnan(given_three.errors).all()
    assert dist.values.shape == (1, 6, 4)
    if (x > 2).any():
        assert conditional.values[0, :3] == pytest.approx(0)
        assert conditional.values.sum() == pytest.approx(1)


def test_errors_of_equal_weights_are_the_textbook_ones():
    states = np.array([[0, 1], [3, 1], [4, 2], [5, 0]] * 25)
    prob, _, expect, dist, _ = record(states).queries
    assert prob.errors[0] == pytest.approx(np.sqrt(0.75 * 0.25 / 100))
    both = (states[:, 0] + 2 * states[:, 1])[states[:, 1] > 0]
    assert expect.errors[0] == pytest.approx(both.std() / np.sqrt(75))
    assert dist.errors[0, 3, 1] == pytest.approx(np.sqrt(0.25 * 0.75 / 100))
    assert record(states).samples == pytest.approx(100)


def test_an_exact_law_has_no_errors():
    states, weights = np.array([[0, 0], [3, 1]]), np.array([0.25, 0.75])
    data = record(states, weights, is_exact=True)
    assert np.isinf(data.samples).all()
    assert data.queries[0].errors.tolist() == [0, 0]
    assert data.queries[0].values == pytest.approx(0.75)


def test_the_save_times_include_those_of_the_queries():
    assert times_of(LOWERED, (0.5, 1 + 1e-13)) == (0.0, 0.5, 1.0)
    with pytest.raises(RunError, match=r"t = 0, which the run did not save"):
        summarise(LOWERED, [Snapshot(1.0, np.zeros((1, 2), int))], engine="x", seed=0)


LOGP = compile_text(
    TEXT + "query logp(X=2, at=1)\nquery logp(Y=3, X=2, at=1)\n"
    "query logp(X=2, given=Y == 3, at=1)\n"
).lowered


@given(weighted_states())
def test_log_probabilities_are_those_of_the_cells(drawn):
    states, weights = drawn
    snapshots = [Snapshot(t, states, weights) for t in (0.0, 1.0)]
    data = summarise(LOGP, snapshots, engine="ssa", seed=0)
    part, whole, given_three = data.queries[-3:]
    is_two, is_three = states[:, 0] == 2, states[:, 1] == 3
    share = weights / weights.sum()
    with np.errstate(divide="ignore"):
        assert part.values[0] == pytest.approx(np.log(share[is_two].sum()))
        assert whole.values[0] == pytest.approx(np.log(share[is_two & is_three].sum()))
    if not is_two.any():
        assert np.isinf(part.errors[0])
    else:
        chance = share[is_two].sum()
        error = np.sqrt((share**2 * (is_two - chance) ** 2).sum()) / chance
        assert part.errors[0] == pytest.approx(error)
    if not is_three.any():
        assert np.isnan(given_three.values[0])
        assert np.isnan(given_three.errors[0])
    elif (is_two & is_three).any():
        rest = whole.values[0] - np.log(share[is_three].sum())
        assert given_three.values[0] == pytest.approx(rest)


def test_the_error_of_an_exact_log_probability_follows_from_the_bound():
    """The conditional one is a quotient of two probabilities, each with the bound."""
    states = np.array([[2, 3], [2, 0], [1, 3], [0, 0]])
    law = np.array([0.1, 0.2, 0.3, 0.4])
    snapshots = [
        Snapshot(t, states, law, is_exact=True, bound=1e-3) for t in (0.0, 1.0)
    ]
    data = summarise(LOGP, snapshots, engine="fsp", seed=0)
    part, whole, given_three = data.queries[-3:]
    assert part.errors[0] == pytest.approx(1e-3 / 0.3)
    assert whole.errors[0] == pytest.approx(1e-3 / 0.1)
    assert given_three.errors[0] == pytest.approx(1e-3 / 0.1 + 1e-3 / 0.4)
