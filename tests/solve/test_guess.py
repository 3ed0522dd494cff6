"""Guesses of the mean of a propensity that reads counts after a position."""

import numpy as np
import pytest

from crnlang.solve.guess import guess
from crnlang.solve.hats import knots_of
from crnlang.solve.outlook import Outlook


def outlook_of(counts, levels, ahead=None, surprises=None, kind=(), variance=0.0):
    """An outlook with weights all alike, that knows nothing of later counts."""
    states = len(counts)
    if ahead is None:
        ahead = np.zeros((1 + len(kind), states, len(knots_of(levels)), 0))
    if surprises is None:
        surprises = np.zeros((states, 0))
    surprises = surprises[:, :, None]
    return Outlook(
        counts=counts,
        caps=np.full(counts.shape[1], levels - 1),
        is_open=np.ones((states, levels), bool),
        weights=np.full(states, 1 / states),
        ahead=ahead,
        kind=np.asarray(kind, int),
        surprises=surprises,
        variances=np.full_like(surprises, variance),
    )


def test_a_guess_follows_a_bent_function_and_a_slope():
    random = np.random.default_rng(1)
    counts = random.integers(0, 40, (3000, 3))
    shape = 15 + 2 * np.maximum(np.arange(40) - 20.0, 0)
    truth = 30 + shape[counts[:, 2]] + 0.5 * counts[:, 0]
    noisy = truth + random.normal(size=3000)
    outlook = outlook_of(counts, 40, kind=[1])
    found = guess(outlook, noisy[:, None])
    along = found.along(outlook)[0]
    here = along[np.arange(3000), counts[:, 2]]
    assert np.sqrt(np.mean((here - truth) ** 2)) < 1.5
    assert found.slopes[0, 0] == pytest.approx(0.5, abs=0.05)
    moved = found.before(outlook, np.array([[-2, 0, 1]]))[0]
    wanted = np.roll(along, 1, axis=1) + 2 * found.slopes[0, 0]
    assert moved[:, 1:] == pytest.approx(wanted[:, 1:])


def test_a_guess_takes_what_the_network_says_of_later_counts():
    """Here the mean depends on products of both counts, which no slope shows."""
    random = np.random.default_rng(2)
    counts = random.integers(0, 30, (2000, 2))
    knots = knots_of(30)
    means = np.tanh((counts[:, :1] - 15) * (knots - 15) / 50)
    ahead = np.stack([means, means * 0 + 1])[..., None]
    outlook = outlook_of(counts, 30, ahead, kind=[1])
    truth = 5 + 3 * np.tanh((counts[:, 0] - 15) * (counts[:, 1] - 15) / 50)
    found = guess(outlook, truth[:, None])
    along = found.along(outlook)[0]
    here = along[np.arange(2000), counts[:, 1]]
    assert np.sqrt(np.mean((here - truth) ** 2)) < 0.1
    # before the change the network says 1 everywhere
    earlier = found.before(outlook, np.array([[0, 0]]))[0]
    assert earlier == pytest.approx(8, abs=0.1)


def test_surprises_take_the_noise_out_of_a_guess():
    random = np.random.default_rng(3)
    counts = random.integers(0, 20, (500, 1))
    noise = random.normal(size=(500, 1))
    truth = 50 + counts[:, 0]
    away = []
    for surprises in (np.zeros((500, 0)), noise):
        outlook = outlook_of(counts, 20, surprises=surprises)
        found = guess(outlook, truth[:, None] + 10 * noise)
        left = found.along(outlook)[0, 0] - (50 + np.arange(20))
        away.append(np.abs(left).max())
        if surprises.size:
            assert found.beyond == pytest.approx(10 * noise, rel=1e-2)
    assert away[1] < 0.02 < away[0]


def test_an_event_that_is_not_among_the_states_is_no_constant():
    """Its surprise is -1e-4 at all of them, and would stand for the mean as well."""
    counts = np.tile(np.arange(5), 20)[:, None]
    outlook = outlook_of(counts, 5, surprises=np.full((100, 1), -1e-4), variance=1e-4)
    found = guess(outlook, np.full((100, 1), 7.0))
    assert np.abs(found.beyond).max() < 1e-2
    assert found.along(outlook) == pytest.approx(7.0, abs=1e-2)


def test_what_the_network_says_comes_first():
    """Two states near a knot would do as well for another function of both counts."""
    random = np.random.default_rng(4)
    counts = np.append(random.integers(40, 60, 400), [5, 6])[:, None]
    knots = knots_of(85)
    means = np.tile(50 * np.tanh(knots / 15.0), (len(counts), 1))
    later = 50 * np.tanh(counts / 15.0) + 5 * random.normal(size=counts.shape)
    surprise = later - 50 * np.tanh(counts / 15.0)
    ahead = np.stack([means, means * knots / 85], axis=2)[None]
    outlook = outlook_of(counts, 85, ahead, surprise, variance=25.0)
    found = guess(outlook, 8 * later).along(outlook)[0, 0]
    exact = 400 * np.tanh(np.arange(85) / 15.0)
    assert np.abs(found[1:] / exact[1:] - 1).max() < 0.02


def test_a_guess_is_nowhere_negative():
    outlook = outlook_of(np.arange(10)[:, None], 10)
    found = guess(outlook, 5.0 - outlook.counts)
    assert (found.along(outlook) >= 0).all()


def test_a_guess_from_states_all_alike_is_their_propensity():
    outlook = outlook_of(np.full((5, 2), 3), 9)
    found = guess(outlook, np.full((5, 1), 7.0))
    assert found.along(outlook)[0][:, 3] == pytest.approx(np.full(5, 7.0), rel=1e-3)
