"""Events at fixed times: what they make of rates and of laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.ir.evaluate import evaluate_float64
from crnlang.reference.fsp import solve_fsp
from crnlang.reference.refusals import JumpsError
from crnlang.settings import FspSettings

BIRTH = "species X in 0..12 = 3\nparam k = 2, l = 1\n0 -> X @ k\nX -> 0 @ l\n"
TIMES = st.sampled_from([0.25, 0.5, 1.5])


def lowered_of(text):
    return compile_text("crn 1\n" + text).lowered


def solved(text, save):
    return solve_fsp(lowered_of(text), FspSettings(until=save[-1], save=save))


def marginal(found, place, variable=0, top=13):
    states, law = found.states, found.probabilities[place]
    return np.bincount(states[:, variable], weights=law, minlength=top)


@given(st.lists(st.tuples(TIMES, st.integers(0, 5)), unique_by=lambda one: one[0]))
def test_a_parameter_that_changes_is_a_function_of_time(events):
    lines = [f"event at {time}: k = k/2 + {value}" for time, value in events]
    written = "k"
    for time, value in sorted(events):
        written = f"if(t < {time}, {written}, ({written})/2 + {value})"
    by_hand = BIRTH.replace("@ k", f"@ {written}")
    with_events = lowered_of(BIRTH + "\n".join(lines)).families
    for t in (0.1, 0.25, 0.3, 0.5, 1.0, 1.5, 2.0):
        values = [
            rate_at(families, t)
            for families in (with_events, lowered_of(by_hand).families)
        ]
        assert values[0] == pytest.approx(values[1], rel=1e-12)


def rate_at(families, t):
    return float(evaluate_float64(families[0].propensity, [4.0], [2.0, 1.0], t))


@given(TIMES, st.integers(0, 12))
def test_after_a_fresh_start_the_law_is_that_of_a_fresh_run(time, count):
    whole = solved(BIRTH + f"event at {time}: X = {count}", (time, time + 1))
    fresh = solved(BIRTH.replace("= 3", f"= {count}"), (0.0, 1.0))
    assert marginal(whole, 0)[count] == pytest.approx(1, abs=1e-12)
    for place in (0, 1):
        assert np.abs(marginal(whole, place) - marginal(fresh, place)).max() < 1e-9


def test_changes_at_one_time_happen_at_once():
    text = "species X, Y in 0..3\nparam k = 1\n0 -> X @ k\n"
    before = solved(text, (0.5,))
    after = solved(text + "event at 0.5: X = Y, Y = X", (0.5,))
    assert marginal(after, 0, variable=1) == pytest.approx(
        marginal(before, 0), abs=1e-12
    )
    assert marginal(after, 0)[0] == pytest.approx(1, abs=1e-12)


def test_an_event_at_one_site_leaves_the_others():
    text = "lattice chain(2)\nspecies X in 0..5 per site = 1\n0 -> X @ 1\nX -> 0 @ 2\n"
    before = solved(text, (0.5,))
    after = solved(text + "event at 0.5: X[1] = 4", (0.5,))
    everywhere = solved(text + "event at 0.5: X = 5 - X", (0.5,))
    assert marginal(after, 0) == pytest.approx(marginal(before, 0), abs=1e-12)
    assert marginal(after, 0, variable=1)[4] == pytest.approx(1, abs=1e-12)
    for variable in (0, 1):
        turned = marginal(everywhere, 0, variable, top=6)[::-1]
        assert turned == pytest.approx(marginal(before, 0, variable, top=6), abs=1e-12)


def test_what_an_event_changes_has_no_total():
    text = "species A, B in 0..4 = 2\nA <-> B @ 1, 1\n"
    assert len(lowered_of(text).space.laws) == 1
    assert len(lowered_of(text + "event at 1: B = 0").space.laws) == 0


def test_an_adaptive_set_refuses_events_of_counts():
    lowered = lowered_of(BIRTH + "event at 0.5: X = 1")
    with pytest.raises(JumpsError, match="use `fsp` with `states = box`"):
        solve_fsp(lowered, FspSettings(save=(1.0,), states="adaptive"))
