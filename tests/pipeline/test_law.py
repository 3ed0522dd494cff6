"""The law of a network, read exactly or by samples."""

import dataclasses
from itertools import product

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.codegen.ansatz import AnsatzError, build_model
from crnlang.compiler import compile_text
from crnlang.diagnostics import Report
from crnlang.ir.lowered import StateSpace
from crnlang.passes import run_passes
from crnlang.passes.totals import no_totals
from crnlang.pipeline import law
from crnlang.pipeline.law import LawReader, enumerate_states, matching_states
from crnlang.settings import TdvpSettings
from crnlang.solve import pieces
from crnlang.solve.outcome import EngineError
from crnlang.testing import networks

SETTINGS = TdvpSettings(width=3, basis=2)
LOWERED = compile_text("""crn 1
model pool
species A in 0..4 ~ binomial(4, 0.3)
species B in 0..3 ~ uniform(0, 2)
species E, F in 0..1 = 1
A -> B @ 1
E + F -> 0 @ 1
""").lowered


def read(lowered, monkeypatch, most_states):
    monkeypatch.setattr(law, "MOST_STATES", most_states)
    monkeypatch.setattr(law, "SAMPLES", 2**13)
    monkeypatch.setattr(law, "CHUNK", 16)
    monkeypatch.setattr(pieces, "CHUNK", 16)
    model = build_model(lowered, SETTINGS, jax.random.key(0))
    return LawReader(no_totals(lowered), SETTINGS).read(model, 0.0, 0)


@given(networks())
def test_every_state_of_the_space_is_enumerated_once(network):
    space = run_passes(network, Report()).space
    states = enumerate_states(space)
    box = np.array(list(product(*(range(cap + 1) for cap in space.caps.tolist()))))
    obey = (box @ space.laws.T == space.totals).all(axis=1)
    np.testing.assert_array_equal(states, box[obey])
    assert len(states) == space.number_of_states()


@given(networks(), st.data())
def test_states_with_some_counts_are_found_among_all(network, data):
    space = run_passes(network, Report()).space
    number = len(space.caps)
    variables = data.draw(
        st.lists(st.integers(0, number - 1), min_size=1, max_size=number, unique=True)
    )
    counts = [data.draw(st.integers(0, int(space.caps[v]))) for v in variables]
    found = matching_states(space, tuple(variables), tuple(counts))
    states = enumerate_states(space)
    expected = states[(states[:, variables] == counts).all(axis=1)]
    np.testing.assert_array_equal(found, expected)


def test_more_states_than_can_be_added_up_are_left_to_samples(monkeypatch):
    model = build_model(LOWERED, SETTINGS, jax.random.key(0))
    reader = LawReader(no_totals(LOWERED), SETTINGS)
    whole = reader.logarithm(model, (0, 1, 2, 3), (2, 1, 1, 1))
    part = reader.logarithm(model, (0,), (0,))
    assert whole == pytest.approx(np.log(6 * 0.3**2 * 0.7**2 / 3), abs=1e-6)
    assert part == pytest.approx(np.log(0.7**4), abs=1e-6)
    monkeypatch.setattr(law, "MOST_STATES", 3)
    assert reader.logarithm(model, (0,), (0,)) is None


@given(st.integers(0, 20))
def test_laws_with_negative_coefficients_are_obeyed(total):
    space = StateSpace(
        names=("X", "Y", "Z"),
        caps=np.array([5, 4, 7]),
        laws=np.array([[2, -1, 3]]),
        totals=np.array([total]),
        order=np.arange(3),
    )
    states = enumerate_states(space).astype(int)
    assert len(states) == space.number_of_states()
    assert (states @ [2, -1, 3] == total).all()


def test_the_law_at_the_start_is_the_product_of_the_initial_laws(monkeypatch):
    snapshot = read(LOWERED, monkeypatch, most_states=10**6)
    assert snapshot.is_exact
    assert snapshot.weights is not None
    columns = snapshot.states.astype(int).T
    initial = zip(LOWERED.initial, columns, strict=True)
    expected = np.prod([one[column] for one, column in initial], axis=0)
    np.testing.assert_allclose(snapshot.weights, expected, atol=1e-12)


def test_many_states_are_sampled(monkeypatch):
    exact = read(LOWERED, monkeypatch, most_states=10**6)
    sampled = read(LOWERED, monkeypatch, most_states=1)
    assert not sampled.is_exact
    assert sampled.states.dtype == np.uint8
    mean = exact.weights @ exact.states.astype(float)
    np.testing.assert_allclose(sampled.states.mean(axis=0), mean, atol=3e-3)


def test_damaged_weights_are_refused(monkeypatch):
    model = build_model(LOWERED, SETTINGS, jax.random.key(0))
    model = model.with_weight_blocks(
        tuple(block * np.nan for block in model.weight_blocks())
    )
    with pytest.raises(EngineError, match="instead of 1"):
        LawReader(no_totals(LOWERED), SETTINGS).read(model, 0.0, 0)


def test_the_settings_decide_size_and_precision():
    settings = TdvpSettings(width=5, basis=2, precision="float32")
    model = build_model(LOWERED, settings, jax.random.key(0))
    assert model.dtype == np.dtype("float32")
    snapshot = LawReader(no_totals(LOWERED), settings).read(model, 0.0, 0)
    assert abs(snapshot.weights.sum() - 1) < 1e-5


def test_entangled_conservation_laws_are_a_refusal():
    space = LOWERED.space
    entangled = dataclasses.replace(
        space,
        caps=np.array([10**6, 10**6, 10**6, 10**6]),
        laws=np.array([[1, 1, 1, 0], [0, 1, 1, 1]]),
        totals=np.array([10**6, 10**6]),
    )
    lowered = dataclasses.replace(LOWERED, space=entangled)
    with pytest.raises(AnsatzError, match="conservation laws exactly") as caught:
        build_model(lowered, SETTINGS, jax.random.key(0))
    assert caught.value.exit_code == 3
