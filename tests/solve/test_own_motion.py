"""A copy number that moves by itself, against the matrix exponential."""

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from crnlang.solve.own_motion import EXPANDED, GOOD_ENOUGH, MOVES, OwnMotion

ROWS, LEVELS = 3, 12


@pytest.fixture(autouse=True, scope="module")
def double():
    with jax.enable_x64(True):
        yield


def motion(seed: int, steps: tuple[int, ...], scale: float = 1.0) -> OwnMotion:
    """Random rates, none out of the box; rows differ in how fast they are."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(1.0, scale, (len(steps), ROWS, LEVELS))
    rates *= 10.0 ** rng.uniform(-1, 1, (ROWS, 1))
    target = np.arange(LEVELS) + np.array(steps)[:, None]
    rates *= ((target >= 0) & (target < LEVELS))[:, None]
    return OwnMotion(np.array(steps), rates, rng.uniform(0, 2, ROWS))


def dense(own: OwnMotion, row: int) -> np.ndarray:
    """T of one row."""
    one = np.eye(LEVELS)[:, None, :]
    columns = [own(np.repeat(unit, ROWS, axis=0))[row] for unit in one]
    return np.stack(columns, axis=1)


def exact(own: OwnMotion, first: np.ndarray, sources: list, dt: float) -> np.ndarray:
    """By one exponential of a matrix that holds T and the powers of the time."""
    found = []
    for row in range(ROWS):
        size = LEVELS + len(sources)
        whole = np.zeros((size, size))
        whole[:LEVELS, :LEVELS] = dt * dense(own, row)
        for j, source in enumerate(sources):
            whole[:LEVELS, LEVELS + j] = dt * source[row]
        for j in range(1, len(sources)):
            whole[LEVELS + j, LEVELS + j - 1] = j
        start = np.zeros(size)
        start[:LEVELS] = first[row]
        if sources:
            start[LEVELS] = 1.0
        found.append((expm(whole) @ start)[:LEVELS])
    return np.array(found)


def test_the_reference_follows_powers_of_the_time():
    """Sources grow as (s / dt)^j: with T = 0 their integrals are dt / (j + 1)."""
    own = OwnMotion(np.array([1]), np.zeros((1, ROWS, LEVELS)), np.zeros(ROWS))
    sources = [np.ones((ROWS, LEVELS))] * 3
    found = own.follow(np.zeros((ROWS, LEVELS)), sources, 2.0)
    assert found == pytest.approx(2.0 * (1 + 1 / 2 + 1 / 3))


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 1000),
    st.sampled_from([(1, -1), (-1, 1), (1,), (1, -1, 3), (-2, 1)]),
    st.sampled_from([0.1, 10.0, 1000.0]),
)
def test_it_is_followed_as_by_the_exponential(seed: int, steps: tuple, scale: float):
    own, dt = motion(seed, steps, scale), 0.3
    rng = np.random.default_rng(seed + 1)
    first = rng.dirichlet(np.ones(LEVELS), ROWS)
    sources = list(rng.normal(size=(2, ROWS, LEVELS)))
    found = own.follow(first, sources, dt)
    assert np.abs(found - exact(own, first, sources, dt)).max() < 1e-8


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=20)
def test_probability_is_kept_but_for_the_pull(seed: int):
    own = motion(seed, (1, -1), 300.0)
    own = OwnMotion(own.steps, own.rates, np.zeros(ROWS))
    first = np.random.default_rng(seed).dirichlet(np.ones(LEVELS), ROWS)
    assert own.follow(first, [], 0.3).sum(axis=1) == pytest.approx(1)
    pulled = own.pulled(np.full(ROWS, 2.0)).follow(first, [], 0.3)
    assert pulled.sum(axis=1) == pytest.approx(np.exp(-0.6))


def test_a_law_where_the_steady_one_has_nothing_is_followed_all_the_same():
    """All births, hardly any deaths: the contour is left for products."""
    rates = np.zeros((2, ROWS, LEVELS))
    rates[0, :, :-1], rates[1, :, 1:] = 200.0, 1e-30
    own = OwnMotion(np.array([1, -1]), rates, np.zeros(ROWS))
    first = np.zeros((ROWS, LEVELS))
    first[:, 0] = 1.0
    dt = 2 * MOVES / 200.0
    found = own.follow(first, [], dt)
    wanted = exact(own, first, [], dt)
    assert np.abs(found - wanted).max() < GOOD_ENOUGH
    assert EXPANDED < GOOD_ENOUGH
