"""Probabilities of boxes from a network, against the sum over its states."""

import jax
import numpy as np
import pytest
from engine_cases import conditionals_of, law_of, lower, states_of, with_positive_start

import crnlang.pipeline.law as law_module
from crnlang.passes.totals import no_totals
from crnlang.pipeline.answers import Answers
from crnlang.pipeline.law import LawReader
from crnlang.settings import TdvpSettings

TEXT = """crn 1
species A in 0..5 ~ poisson(2)
species B in 0..4 ~ poisson(1)
species C in 0..6 = 3
species D in 0..6 = 3
A -> B @ 1
B -> 0 @ 1
C -> D @ 1
D -> C @ 1
0 -> A @ 1
query rare = prob(A == 5 and B == 4 and C == 6, at=1)
query usual = prob(A <= 2, at=1)
query share = prob(B == 0, given=A >= 4, at=1)
query never = prob(A > 5, at=1)
query sum = prob(A + B > 3, at=1)
query point = logp(A=1, B=1, at=1)
"""


@pytest.fixture
def answers(monkeypatch):
    """The answers of a random network, with its law; no state list is made."""
    monkeypatch.setattr(law_module, "MOST_STATES", 50)
    lowered = with_positive_start(lower(TEXT), 0)
    model = conditionals_of(lowered, noise=0.7, seed=2)
    reader = LawReader(no_totals(lowered), TdvpSettings(until=1.0))
    found, doubts = Answers(lowered, reader, 1.0, 0).computed(model)
    states = np.asarray(states_of(lowered))
    return found, doubts, states, law_of(model, states)


def test_boxes_have_the_probability_of_their_states(answers):
    found, doubts, states, law = answers
    a, b, c = states[:, 0], states[:, 1], states[:, 2]
    wanted = {
        "rare": law[(a == 5) & (b == 4) & (c == 6)].sum(),
        "usual": law[a <= 2].sum(),
        "share": law[(a >= 4) & (b == 0)].sum() / law[a >= 4].sum(),
    }
    for name, value in wanted.items():
        got, error = found[name]
        assert abs(got - value) <= 5 * error + 1e-9, name
        assert error < 0.05 * value, name
    assert found["never"] == (0.0, 0.0)
    assert doubts == []


def test_a_sum_is_no_box_and_is_left_to_samples(answers):
    found, _, _, _ = answers
    assert "sum" not in found


def test_few_effective_samples_are_told(monkeypatch, answers):
    def heavy(self, model, box, place):
        numbers = np.zeros(1000)
        numbers[:3] = [1e-9, 1e-3, 1e-3]
        return numbers

    monkeypatch.setattr(LawReader, "chances", heavy)
    lowered = with_positive_start(lower(TEXT), 0)
    model = conditionals_of(lowered, noise=0.7, seed=2)
    reader = LawReader(no_totals(lowered), TdvpSettings(until=1.0))
    _, doubts = Answers(lowered, reader, 1.0, 0).computed(model)
    assert len(doubts) == 4
    assert "`usual` at t = 1 rests on 2 effective samples" in doubts[1]


def test_the_same_seed_gives_the_same_answer(answers):
    lowered = with_positive_start(lower(TEXT), 0)
    model = conditionals_of(lowered, noise=0.7, seed=2)
    reader = LawReader(no_totals(lowered), TdvpSettings(until=1.0))
    again, _ = Answers(lowered, reader, 1.0, 0).computed(model)
    assert again == answers[0]
    assert jax.config.jax_enable_x64
