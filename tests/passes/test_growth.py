"""The work of the compiler grows with the file, not with its square."""

import cProfile
import pstats

import pytest
from benchmarks.compiler import lattice_program, long_program

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
