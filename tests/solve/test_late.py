"""Sampled values spread out along a copy number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.solve.late import HATS, spread


@st.composite
def laws(draw):
    """Laws of copy numbers, a row each, some of them with gaps; a count in each."""
    rows, levels = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    seed = draw(st.integers(0, 10_000))
    random = np.random.default_rng(seed)
    law = random.random((rows, levels)) ** draw(st.integers(1, 8))
    law *= random.random((rows, levels)) < 0.8
    here = random.integers(0, levels, rows)
    law[np.arange(rows), here] += 0.1
    return law / law.sum(axis=1, keepdims=True), here, random.normal(size=rows)


@given(laws())
def test_spreading_keeps_the_whole(drawn):
    law, here, values = drawn
    found = spread(law, here, values)
    assert found.sum(axis=1) == pytest.approx(values)
    assert (found[law == 0] == 0).all()


@given(laws())
def test_spreading_over_few_copy_numbers_changes_nothing(drawn):
    law, here, values = drawn
    if law.shape[1] > HATS:
        return
    wanted = np.zeros_like(law)
    wanted[np.arange(len(law)), here] = values
    assert spread(law, here, values) == pytest.approx(wanted, abs=1e-5)


def test_what_is_spread_does_not_reach_far():
    """A polynomial would: times a law of 1e-12 it is still a large change of it."""
    law = np.exp(-((np.arange(60) - 20) ** 2) / 20.0)[None]
    law /= law.sum()
    found = spread(law, np.array([22]), np.ones(1))
    assert np.abs(found[0, 30:] / law[0, 30:]).max() < 2
    assert (found[0, 50:] == 0).all()


def test_nothing_is_spread_to_where_hardly_a_number_is_left():
    law = np.zeros((1, 60))
    law[0, :3], law[0, 40:] = 1 / 3, 1e-312
    found = spread(law, np.array([1]), np.ones(1))
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1)


def test_what_is_sampled_is_spread_with_less_noise_and_hardly_a_bias():
    """The mean of f(n) delta_n over draws n of a law is f times the law."""
    levels = np.arange(60)
    law = np.exp(-((levels - 30) ** 2) / 100)
    law /= law.sum()
    values = 1 + 0.02 * (levels - 30) ** 2
    spreads = spread(np.tile(law, (60, 1)), levels, values)
    mean = law @ spreads
    assert np.abs(mean - law * values).sum() < 0.05 * (law @ values)
    noise = np.sqrt(law @ (spreads - mean) ** 2).sum()
    plain = np.sqrt(law * (1 - law) * values**2).sum()
    assert noise < 0.5 * plain
