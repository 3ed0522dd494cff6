"""Arrays for a page: no probability is lost, no number is far from what it was."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crnlang.report.coarse import as_plain, bin_counts, bin_table, spread_places

LAWS = arrays(
    float, st.tuples(st.integers(1, 3), st.integers(1, 40)), elements=st.floats(1e-3, 1)
)
TABLES = arrays(
    float,
    st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(1e-3, 1),
)


@given(LAWS, st.integers(1, 50))
def test_bins_hold_all_of_a_law(law, most):
    binned = bin_counts(law, most)
    assert binned.law.shape[1] <= most
    np.testing.assert_allclose(binned.law.sum(1) * binned.width, law.sum(1))
    if most >= law.shape[1]:
        np.testing.assert_array_equal(binned.law, law)


@given(TABLES, st.integers(1, 10))
def test_bins_hold_all_of_a_joint_law(law, most):
    seen = (0, law.shape[1] - 1), (0, law.shape[2] - 1)
    widths, binned = bin_table(law, most, seen)
    assert max(binned.shape[1:]) <= most
    total = binned.sum(axis=(1, 2)) * np.prod(widths)
    np.testing.assert_allclose(total, law.sum(axis=(1, 2)))


@given(st.integers(0, 6), st.integers(1, 9))
def test_what_is_never_seen_is_left_out_at_the_edges(before, after):
    law = np.zeros((2, before + 2 + after))
    law[:, before : before + 2] = 0.5
    binned = bin_counts(law, 100)
    assert (binned.low, binned.law.tolist()) == (before, [[0.5, 0.5]] * 2)


@given(st.integers(0, 300), st.integers(2, 50))
def test_places_are_spread_over_all(number, most):
    places = spread_places(number, most)
    assert len(places) == min(number, most)
    if number:
        assert (places[0], places[-1]) == (0, number - 1)
        assert len({*np.diff(places)}) <= 3


@given(st.floats())
def test_numbers_keep_three_digits_and_become_json(value):
    short = as_plain(value)
    assert json.loads(json.dumps(short, allow_nan=False)) == short
    if short is None:
        assert not abs(value) <= 1e300
    else:
        assert abs(short - value) <= 0.005 * abs(value) + 1e-12
