"""Probabilities of boxes from a network, against the sum over its states."""

import equinox as eqx
import jax
import numpy as np
import pytest
from engine_cases import conditionals_of, law_of, lower, states_of, with_positive_start
from scipy.stats import poisson

import crnlang.pipeline.law as law_module
from crnlang.nn.conditional import PARTS
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


def test_a_box_whose_usual_states_begin_unlikely_is_found():
    """The first count is hardly ever below 5, but then the others are low, too."""
    lowered = lower(
        "crn 1\n"
        + "".join(f"species {name} in 0..30 = 20\n" for name in "ABC")
        + "".join(f"0 <-> {name} @ 20, 1\n" for name in "ABC")
        + "query prob(A <= 10 and B <= 10 and C <= 10, at=1)\n"
        + "query prob(A > 10 and B > 10 and C > 10, at=1)\n"
    )
    model = conditionals_of(lowered)
    usual, low = (poisson.pmf(np.arange(31), mean) for mean in (22, 2))
    laws = [usual / usual.sum()] * 3
    laws[model.order[0]] = (usual + 1e-7 * low) / (usual + 1e-7 * low).sum()
    model = model.with_product_law(tuple(laws))
    first, *others = model.networks
    networks = first, *map(lowered_after_few, others)
    model = eqx.tree_at(lambda m: m.networks, model, networks)
    states = np.asarray(states_of(lowered))
    law = law_of(model, states)
    is_low, is_high = (states <= 10).all(axis=1), (states > 10).all(axis=1)
    # next to nothing of it is there without those few
    assert law[is_low].sum() > 1.5 * law[is_low & (states > 5).all(axis=1)].sum()
    reader = LawReader(no_totals(lowered), TdvpSettings(until=1.0))
    reader.states = None
    found, doubts = Answers(lowered, reader, 1.0, 0).computed(model)
    for (value, error), inside in zip(found.values(), (is_low, is_high), strict=True):
        assert abs(value - law[inside].sum()) < 5 * error + 1e-12
        assert error < 0.05 * value
    assert not doubts


def lowered_after_few(network):
    """The conditional, tilted to few molecules where the first count is below 5."""
    inward, outward = np.zeros_like(network.inward), np.zeros_like(network.outward)
    shift, bias = np.zeros_like(network.shift), np.array(network.bias)
    inward[0, 0], shift[0] = -60.0, -40.0
    outward[0, 0] = -6.0
    bias[0] += outward[0, 0]
    parts = inward, shift, outward, bias
    return eqx.tree_at(PARTS, network, parts)
