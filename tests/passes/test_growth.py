"""The work of the compiler grows with the file, not with its square."""

import cProfile
import pstats

import pytest
from benchmarks.compiler import lattice_program, long_program
from crnlang.passes.rows import Rows
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_text


def calls(text):
    """How many functions are called, built-in ones included."""
    profile = cProfile.Profile()
    profile.runcall(compile_text, text)
    return pstats.Stats(profile).total_calls


@pytest.mark.parametrize(
    ("program", "small", "large", "times"),
    [(long_program, 200, 1600, 8), (lattice_program, 8, 24, 9)],
)
def test_so_many_times_the_model_is_at_most_as_much_work(program, small, large, times):
    compile_text(program(small))  # loads the parser
    growth = calls(program(large)) / calls(program(small))
    assert growth < 1.2 * times


SPECIES = st.sets(st.integers(0, 6), min_size=1)


@given(st.lists(SPECIES, max_size=12))
def test_rows_keep_the_minimal_sets_of_species(sets):
    rows = Rows()
    for place, one in enumerate(sets):
        rows.add_minimal(({place: 1}, dict.fromkeys(one, 1)))
    found = [set(law) for _, law in rows]
    minimal = {frozenset(one) for one in sets if not any(o < one for o in sets)}
    assert len(found) == len(minimal)
    assert {frozenset(one) for one in found} == minimal


def test_rows_are_taken_by_channel_in_their_order():
    rows = Rows()
    for number, channels in enumerate(({1: 1}, {2: 1}, {1: -1, 2: 3})):
        rows.add((channels, {number: 1}))
    assert [list(law) for _, law in rows.take(1)] == [[0], [2]]
    assert [list(law) for _, law in rows] == [[1]]
    assert rows.take(9) == []
