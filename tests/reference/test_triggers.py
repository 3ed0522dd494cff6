"""Events that wait for a condition: the exact law, trajectories, and their refusals."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError
from crnlang.ir.writer import write_program
from crnlang.reference.fsp import solve_fsp
from crnlang.reference.refusals import EndlessEventsError, WrongJumpError
from crnlang.reference.source import settle_source, watch_source
from crnlang.reference.ssa import _run_batch, first_start, sample_ssa
from crnlang.reference.trajectory import ENDLESS_EVENTS, WRONG_EVENT
from crnlang.reference.triggers import settle
from crnlang.settings import FspSettings, SsaSettings

BIRTH = "species X in 0..12 = 3\nspecies Y in 0..6\nX -> 0 @ 0.5\n"


def lowered_of(text):
    return compile_text("crn 1\n" + text).lowered


def law_of(text, save=(0.5, 2.0), **options):
    lowered = lowered_of(text)
    found = solve_fsp(lowered, FspSettings(until=save[-1], save=save, **options))
    shape = lowered.space.caps + 1
    tables = np.zeros((len(save), *shape))
    for place, law in enumerate(found.probabilities):
        tables[place][tuple(found.states.T)] = law
    return tables


@settings(max_examples=8)
@given(st.integers(4, 12), st.integers(0, 3), st.booleans())
def test_the_law_is_that_of_a_reaction_that_leads_to_where_the_event_does(
    top, back, counts
):
    """Of births that reach a limit, the last one leads back: written as a reaction."""
    more = ", Y = min(Y + 1, 6)" if counts else ""
    event = f"0 -> X @ 3\nevent when X >= {top}: X = {back}{more}\n"
    last, left = top - 1, [f"{back} X"] * (back > 0)
    made = " + ".join([*left, *["Y"] * counts]) or "0"
    below = f"0 -> X @ propensity(if(X < {last}, 3, 0))\n"
    # where Y is full it stays: the second of the two channels
    law = f"propensity(if(X == {last}{' and Y < 6' if counts else ''}, 3, 0))"
    by_hand = below + f"massaction power\n{last} X -> {made} @ {law}\n"
    if counts:
        law = f"propensity(if(X == {last} and Y == 6, 3, 0))"
        by_hand += f"{last} X -> {' + '.join(left) or '0'} @ {law}\n"
    assert law_of(BIRTH + event) == pytest.approx(law_of(BIRTH + by_hand), abs=1e-9)


def test_an_adaptive_set_follows_events():
    text = BIRTH + "0 -> X @ 3\nevent when X >= 8: X = 1, Y = min(Y + 2, 6)\n"
    adaptive = law_of(text, states="adaptive")
    assert np.abs(adaptive - law_of(text)).max() < 1e-6


SEVERAL = (
    "species X in 0..20 = 3\nspecies Y in 0..12\n"
    "0 -> X @ 4\nX -> 0 @ 0.1\nX -> Y @ 0.05\nY -> 0 @ 0.3\n"
    "event when X >= 9: X = 2, Y = min(Y + 4, 12)\n"
    "event when Y > 7: Y = 1\n"
    "event at 1.5: X = min(X + 5, 20)\n"
)


@pytest.mark.parametrize(
    "feed", ["4", pytest.param("4*(1 + 0.5*sin(t))", marks=pytest.mark.slow)]
)
def test_trajectories_follow_the_exact_law(feed):
    """Events that set off others, after firings and after an event at a fixed time."""
    lowered = lowered_of(SEVERAL.replace("@ 4", f"@ {feed}"))
    save, number = (1.5, 4.0), 4000
    exact = solve_fsp(lowered, FspSettings(until=4.0, save=save))
    found = sample_ssa(lowered, SsaSettings(until=4.0, save=save, trajectories=number))
    for place in range(2):
        law = exact.probabilities[place]
        for variable in range(2):
            counts = exact.states[:, variable].astype(float)
            sampled = np.bincount(found.counts[:, place, variable], minlength=21)
            law_here = np.bincount(exact.states[:, variable], law, minlength=21)
            assert np.abs(sampled / number - law_here).max() < 4 * 0.5 / number**0.5
            mean, square = law @ counts, law @ counts**2
            error = math.sqrt((square - mean**2) / number)
            assert abs(found.counts[:, place, variable].mean() - mean) < 4 * error


def test_an_event_does_not_happen_where_its_condition_held_before():
    text = "species X in 0..9 = 5\nX -> 0 @ 1\nevent when X > 2: X = 9\n"
    assert law_of(text)[0][9] == 0
    again = text + "0 -> X @ 1\n"
    assert law_of(again)[0][9] > 0  # after it was false in between


def test_an_event_at_a_fixed_time_sets_off_others():
    text = "species X in 0..9 = 1\nX -> 0 @ 1e-9\nevent at 1: X = 7\n"
    text += "event when X > 5: X = 4\nevent when X == 4: X = 3\n"
    assert law_of(text, (0.5, 1.0, 2.0))[1:, 3] == pytest.approx(1, abs=1e-6)


def test_of_events_at_one_instant_the_last_counts_and_all_read_what_was_before():
    text = "species X, Y, Z in 0..18 = 1\n0 -> X @ 1\n"
    text += "event when X == 2: Y = min(X + Z, 18), Z = 5\n"
    text += "event when X > 1: Z = Y, X = 0\n"
    lowered = lowered_of(text)
    before, after = np.array([[1, 1, 1]]), np.array([[2, 1, 1]])
    assert settle(lowered, before, after).tolist() == [[0, 3, 1]]


EXPRESSIONS = st.sampled_from(["0", "2", "X", "Y", "min(X + 1, 4)", "4 - Y", "X/2"])
CONDITIONS = st.sampled_from(
    ["X > 2", "Y == 1", "X < Y", "X + Y >= 5 and Y > 0", "not X == 3", "X - 2"]
)


@given(
    st.lists(st.tuples(CONDITIONS, EXPRESSIONS, EXPRESSIONS), min_size=1, max_size=3),
    st.tuples(*[st.integers(0, 4)] * 4),
)
def test_trajectories_and_the_exact_law_settle_alike(events, counts):
    lines = [f"event when {c}: X = {one}, Y = {two}" for c, one, two in events]
    text = "crn 1\nspecies X, Y in 0..4\n0 -> X + Y @ 1\n" + "\n".join(lines)
    try:
        lowered = compile_text(text).lowered
    except CrnError:  # an event leads out of the box
        return
    scope: dict[str, Any] = {"math": math, "np": np}
    exec(watch_source(lowered) + settle_source(lowered), scope)
    before, n = np.array(counts[:2]), np.array(counts[2:])
    was = np.zeros(len(events), dtype=bool)
    scope["watch"](before, was)
    try:
        expected = settle(lowered, before[None], n[None])[0].tolist()
    except EndlessEventsError:
        assert scope["settle"](n, was, lowered.space.caps) == -ENDLESS_EVENTS
        return
    happened = scope["settle"](n, was, lowered.space.caps)
    assert happened == (n.tolist() != list(counts[2:])) or happened == 1
    assert n.tolist() == expected


ON_LATTICE = """lattice chain(2) boundary reflecting
param k[i] = 1 + i
species X in 0..4 per site = 1
species A in 0..3
0 -> X @ 2
X -> 0 @ 0.5
diffuse X @ 0.4
event when sum(X) >= 6: X = min(X + A, k), A = min(A + X[1] - X[0] + 4, 3)
event when any(X > 3) and A < 2: X[1] = k - 1, A = A + 1
event when X[0] == 0: X[0] = X
"""
WITHOUT = """species X0, X1 in 0..4 = 1
species A in 0..3
0 -> X0 @ 2
0 -> X1 @ 2
X0 -> 0 @ 0.5
X1 -> 0 @ 0.5
X0 <-> X1 @ 0.4, 0.4
event when X0 + X1 >= 6: X0 = min(X0 + A, 1), X1 = min(X1 + A, 2),
  A = min(A + X1 - X0 + 4, 3)
event when (X0 > 3 or X1 > 3) and A < 2: X1 = 1, A = A + 1
"""


def test_events_on_a_lattice_are_those_of_its_sites_written_out():
    one_line = WITHOUT.replace(",\n ", ",")
    assert law_of(ON_LATTICE) == pytest.approx(law_of(one_line), abs=1e-12)


def test_trajectories_settle_on_a_lattice_as_the_exact_law_does():
    lowered = lowered_of(ON_LATTICE)
    scope: dict[str, Any] = {"math": math, "np": np}
    exec(watch_source(lowered) + settle_source(lowered), scope)
    states = np.argwhere(np.ones(lowered.space.caps + 1))
    before = np.roll(states, 17, axis=0)
    expected = settle(lowered, before, states)
    was = np.zeros(len(lowered.network.triggers), dtype=bool)
    for start, n, wanted in zip(before, states, expected, strict=True):
        scope["watch"](start, was)
        scope["settle"](n, was, lowered.space.caps)
        assert n.tolist() == wanted.tolist()
    assert (expected != np.argwhere(np.ones(lowered.space.caps + 1))).any()


ENDLESS = "species X in 0..9 = 4\n0 -> X @ 1\n"
ENDLESS += "event when X > 4: X = 1\nevent when X < 2: X = 7\n"


def test_events_that_never_end_are_refused_by_both():
    lowered = lowered_of(ENDLESS)
    with pytest.raises(EndlessEventsError, match="set off one another for ever"):
        solve_fsp(lowered, FspSettings(until=1.0, save=(1.0,)))
    start = first_start(lowered, SsaSettings(trajectories=1))
    arrays = np.zeros(1), np.zeros((1, 1, 1), np.int32), np.zeros((1, 1), np.int64)
    for outcome, refusal in (
        (WRONG_EVENT, WrongJumpError),
        (ENDLESS_EVENTS, EndlessEventsError),
    ):
        with pytest.raises(refusal, match="X = 0"):
            _run_batch(
                lowered, lambda *_, end=outcome: (end, 0, 1.0), start, *arrays, (0, 1)
            )


def test_events_survive_writing():
    network = compile_text("crn 1\n" + SEVERAL, "m.crn").network
    assert compile_text(write_program(network)).network.triggers == network.triggers
    assert len(network.triggers) == 2
