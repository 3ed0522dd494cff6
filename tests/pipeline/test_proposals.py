"""The boxes of questions on their way to the engine."""

import numpy as np
import pytest
from fake_engine import fake_evolve

from crnlang.compiler import compile_text
from crnlang.pipeline import Silent, run_compiled
from crnlang.pipeline.choose import resolve_solve
from crnlang.solve.outcome import EngineError

TEXT = """crn 1
model pairs
species A, B in 0..6 ~ poisson(2)
A -> B @ 1
B -> A @ 1
query QUESTION
solve main with tdvp { t = 0..1; method = conditionals; proposal = targets }
"""


def run_with(question, monkeypatch):
    """The boxes that the engine gets."""
    given = []
    found = fake_evolve()

    def evolve(model, generator, settings, save, report, boxes, *_):
        given.append(boxes)
        return found(model, generator, settings, save, report)

    monkeypatch.setattr("crnlang.pipeline.neural.evolve", evolve)
    compilation = compile_text(TEXT.replace("QUESTION", question))
    run_compiled(compilation, resolve_solve(compilation.network), Silent())
    return given[0]


def test_prefixes_are_drawn_from_the_boxes_of_questions(monkeypatch):
    boxes = run_with("prob(A >= 5 and B <= 1, at=1)", monkeypatch)
    assert boxes.shape == (1, 2, 7)
    assert np.flatnonzero(boxes[0, 0]).tolist() == [5, 6]
    assert np.flatnonzero(boxes[0, 1]).tolist() == [0, 1]


@pytest.mark.parametrize("question", ["expect(A, at=1)", "prob(A + B > 3, at=1)"])
def test_without_a_box_to_draw_from_the_run_is_refused(question, monkeypatch):
    with pytest.raises(EngineError, match="take `proposal = alpha`"):
        run_with(question, monkeypatch)
