"""Counting states: against the list of all of them, and at sizes that have no list."""

import itertools
import time
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.ir import counting
from crnlang.ir.counting import count_states


@st.composite
def spaces(draw):
    """Caps, laws with coefficients of either sign, totals, and an order."""
    caps = draw(st.lists(st.integers(0, 5), min_size=1, max_size=5))
    row = st.tuples(*(st.integers(-2, 2) for _ in caps))
    laws = draw(st.lists(row, max_size=3))
    inside = draw(st.tuples(*(st.integers(0, cap) for cap in caps)))
    table = np.array(laws, dtype=np.int64).reshape(len(laws), len(caps))
    totals = table @ np.array(inside) + draw(st.sampled_from([0, 0, 1]))
    order = np.array(draw(st.permutations(range(len(caps)))))
    return np.array(caps), table, totals, order


def listed(caps, laws, totals):
    """The number of states, one by one."""
    box = itertools.product(*(range(cap + 1) for cap in caps))
    return sum(bool((laws @ np.array(state) == totals).all()) for state in box)


@given(spaces())
def test_every_state_is_counted_once(space):
    caps, laws, totals, _ = space
    assert count_states(*space) == listed(caps, laws, totals)


@given(spaces())
def test_a_bound_is_never_too_small(space):
    caps, laws, totals, _ = space
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "MOST_RESTS", 0)
        found = count_states(*space)
    assert listed(caps, laws, totals) <= found <= prod(caps + 1)


@pytest.mark.parametrize("parts", [2, 3, 6])
def test_one_large_pool(parts):
    """As many as ways to share 30 000 molecules; 6 parts take no longer than 2."""
    total = 30_000
    caps, law = np.full(parts, total), np.ones((1, parts), int)
    found = count_states(caps, law, np.array([total]), np.arange(parts))
    assert found == comb(total + parts - 1, parts - 1)


def test_a_law_over_very_many_variables_is_soon_bounded():
    """Counting them would take a table of sites times molecules."""
    sites = 65_536
    caps, law = np.full(sites, 4), np.ones((1, sites), int)
    box = 5 ** (sites - 1)
    start = time.process_time()
    assert count_states(caps, law, np.array([sites]), np.arange(sites)) == box
    assert count_states(caps, law, np.array([1]), np.arange(sites)) == sites
    assert time.process_time() - start < 10
