"""Boxes of conditions: right where they are given, and given where they can be."""

import itertools

import numpy as np
from hypothesis import given
from strategies import SITES, conditions

from crnlang.compiler import compile_text
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Call, Function, slots_of
from crnlang.passes.boxes import box_of, boxes_asked_for

CAPS = np.full(SITES, 6)


@given(conditions())
def test_a_box_holds_the_states_of_its_condition_and_no_others(condition):
    box = box_of(condition, CAPS, np.zeros(1), 0.0)
    if box is None:
        assert len(slots_of(condition)) > 1
        return
    for state in itertools.product(range(7), repeat=SITES):
        counts = [float(n) for n in state]
        holds = bool(evaluate_float64(condition, counts, [0.0], 0.0))
        inside = all(allowed[state[v]] for v, allowed in box.items())
        assert inside == holds


def test_a_conjunction_of_single_counts_has_a_box_and_a_sum_has_none():
    text = """crn 1
lattice chain(3)
species X in 0..9 per site
0 -> X @ 1
set low = all(X <= 2) and X[1] != 1
set few = mean(X) < 2
"""
    lowered = compile_text(text).lowered
    low, few = (one.condition for one in lowered.network.sets)
    caps, parameters = lowered.space.caps, lowered.parameters
    box = box_of(low, caps, parameters, 0.0)
    assert box is not None
    assert [np.flatnonzero(box[v]).tolist() for v in range(3)] == [
        [0, 1, 2],
        [0, 2],
        [0, 1, 2],
    ]
    assert box_of(few, caps, parameters, 0.0) is None
    either = Call(Function.OR, (low, few))
    assert box_of(either, caps, parameters, 0.0) is None


def test_the_boxes_of_all_questions_for_a_probability_are_found():
    text = """crn 1
lattice chain(2)
species X in 0..3 per site
species Y in 0..1
0 -> X @ 1
0 -> Y @ 1
set low = all(X <= 1)
query prob(low, at=[1, 2])
query prob(low, given=Y == 1, at=1)
query prob(low, at=2)
query prob(mean(X) < 2, at=1)
query expect(mean(X), at=1)
"""
    found = boxes_asked_for(compile_text(text).lowered, (1.0, 2.0))
    low = [True, True, False, False]
    either, one = [True, True, True, True], [False, True, True, True]
    wanted = {str([low, low, either]), str([low, low, one])}
    assert {str(box.tolist()) for box in found} == wanted


def test_without_such_questions_there_are_none():
    found = boxes_asked_for(
        compile_text("crn 1\nspecies X in 0..3\n0 <-> X @ 2, 1\n").lowered, (1.0,)
    )
    assert found.shape[0] == 0
