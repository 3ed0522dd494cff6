"""Sampled values spread out along a copy number."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.solve.late import DEGREE, spread


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
def test_spreading_keeps_the_moments(drawn):
    law, here, values = drawn
    found = spread(law, here, values)
    levels = np.arange(law.shape[1])
    scaled = levels / max(law.shape[1] - 1, 1)
    for order in range(min(DEGREE, law.shape[1] - 1) + 1):
        wanted = values * scaled[here] ** order
        assert found @ scaled**order == pytest.approx(wanted, abs=1e-6)
    assert (found[law == 0] == 0).all()


@given(laws())
def test_spreading_over_few_copy_numbers_changes_nothing(drawn):
    law, here, values = drawn
    if law.shape[1] > DEGREE + 1:
        return
    wanted = np.zeros_like(law)
    wanted[np.arange(len(law)), here] = values
    assert spread(law, here, values) == pytest.approx(wanted, abs=1e-5)


def test_what_is_sampled_is_spread_without_a_bias_by_a_smooth_function():
    """The sum of f(n) delta_n over draws n of a law becomes f times the law."""
    random = np.random.default_rng(0)
    law = np.exp(-((np.arange(60) - 30) ** 2) / 100)
    law /= law.sum()
    here = random.choice(60, 4000, p=law)
    values = 1 + 0.02 * (here - 30) ** 2
    rows = np.tile(law, (len(here), 1))
    found = spread(rows, here, values).mean(axis=0)
    plain = np.bincount(here, values, 60) / len(here)
    wanted = law * (1 + 0.02 * (np.arange(60) - 30) ** 2)
    assert np.abs(found - wanted).sum() < 0.1
    assert np.abs(found - wanted).sum() < 0.5 * np.abs(plain - wanted).sum()
