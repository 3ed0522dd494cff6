"""Distinct rows, against numpy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crnlang.solve.distinct import distinct_rows

tables = st.tuples(st.integers(0, 20), st.integers(0, 4)).flatmap(
    lambda shape: arrays(int, shape, elements=st.integers(-1, 2))
)


@given(tables)
def test_the_rows_are_those_of_numpy(table: np.ndarray):
    first, which = distinct_rows(table)
    assert (table[first[which]] == table).all()
    if table.shape[1]:
        rows, places = np.unique(table, axis=0, return_index=True)
        assert (table[first] == rows).all()
        assert (first == places).all()
    else:
        assert len(first) == min(len(table), 1)
