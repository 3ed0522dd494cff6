"""Totals as variables: the same states and channels, fewer counts to change."""

import jax
import jax.numpy as jnp
import numpy as np
from engine_cases import FEW, kernel_of, law_of, lower, model_of, networks_of
from hypothesis import given
from hypothesis import strategies as st

from crnlang.passes.totals import add_totals, no_totals
from crnlang.pipeline import law, run_file
from crnlang.pipeline.law import LawReader, enumerate_states
from crnlang.results.compare import compare_runs
from crnlang.settings import TdvpSettings
from crnlang.testing import lowered_networks

#: An enzyme and what it binds, both made and lost.
TURNOVER = """crn 1
model turnover
species E in 0..4 = 2
species S in 0..5 = 3
species ES in 0..3 = 0
species P in 0..5 = 0
solve main with {engine} {{
  t = 0..3
  save = [1, 3]
}}
bind: E + S <-> ES @ 1, 0.5
make: ES -> E + P @ 0.7
enzyme: 0 <-> E @ 0.3, 0.2
feed: 0 -> S @ 0.5
drain: P -> 0 @ 1
"""
#: The same with bound pairs as switches.
SWITCHES = (
    TURNOVER.replace("S in 0..5 = 3", "S in 0..1 = 1")
    .replace("ES in 0..3", "ES in 0..1")
    .replace("P in 0..5", "P in 0..1")
)
REACTIONS = (
    "A + B -> C",
    "C -> A + B",
    "C -> A + D",
    "A + D -> C",
    "2 A -> B",
    "0 -> A",
    "0 -> D",
    "A -> 0",
    "D -> 0",
    "B -> 0",
)


def binding_networks():
    """Networks of four species, often with totals that few channels change."""
    return networks_of(REACTIONS, fewest=2, most=7, largest_cap=3)


@given(st.one_of(binding_networks(), lowered_networks()))
def test_totals_stay_what_they_are_in_every_firing(lowered):
    totalled = add_totals(lowered)
    states = enumerate_states(lowered.space).astype(int)
    whole, space = totalled.extend(states), totalled.lowered.space
    assert sorted(space.order.tolist()) == list(range(len(space.caps)))
    assert (whole @ space.laws.T == space.totals).all()
    assert ((whole >= 0) & (whole <= space.caps)).all()
    np.testing.assert_array_equal(totalled.shorten(whole), states)
    before, after = kernel_of(lowered), kernel_of(totalled.lowered)
    np.testing.assert_array_equal(
        after.net_changes, totalled.extend(before.net_changes)
    )


@FEW
@given(st.one_of(binding_networks(), lowered_networks()))
def test_channels_fire_as_they_did(lowered):
    totalled = add_totals(lowered)
    states = enumerate_states(lowered.space).astype(int)
    whole = totalled.extend(states)
    before, after = kernel_of(lowered), kernel_of(totalled.lowered)
    t = jnp.asarray(0.4)
    for name in ("outflux", "source_propensities"):
        np.testing.assert_array_equal(
            jax.vmap(getattr(after, name), (0, None))(jnp.asarray(whole), t),
            jax.vmap(getattr(before, name), (0, None))(jnp.asarray(states), t),
        )


@FEW
@given(binding_networks())
def test_the_network_is_normalised_and_starts_as_it_did(lowered):
    totalled = add_totals(lowered)
    states = totalled.extend(enumerate_states(lowered.space).astype(int))
    model = model_of(totalled.lowered, noise=0.5)
    assert abs(law_of(model, jnp.asarray(states)).sum() - 1) < 1e-9
    start = law_of(model_of(totalled.lowered), jnp.asarray(states))
    counts = totalled.shorten(states).T
    laws = zip(lowered.initial, counts, strict=True)
    product = np.prod([one[column] for one, column in laws], axis=0)
    np.testing.assert_allclose(start, product, atol=1e-9)


def test_totals_come_first_and_what_takes_part_in_most_last():
    totalled = add_totals(lower(TURNOVER, engine="tdvp"))
    space = totalled.lowered.space
    names = [space.names[v] for v in space.order]
    assert names == ["E + ES", "S + ES + P", "P", "ES", "E", "S"]
    assert space.caps[4:].tolist() == [7, 13]


def test_switches_need_no_totals():
    lowered = lower(SWITCHES, engine="tdvp")
    assert not len(add_totals(lowered).sums)


def test_large_totals_are_left_out():
    some = TURNOVER.replace("0..5", "0..9000")
    both = add_totals(lower(some, engine="tdvp")).lowered.space
    assert both.caps[4:].tolist() == [7, 18003]
    many = TURNOVER.replace("0..5", "0..90000")
    assert add_totals(lower(many, engine="tdvp")).sums.tolist() == [[1, 0, 1, 0]]


def test_a_law_is_read_without_its_totals(monkeypatch):
    lowered = lower(TURNOVER, engine="tdvp")
    totalled, settings = add_totals(lowered), TdvpSettings()
    model = model_of(totalled.lowered, noise=0.3)
    reader = LawReader(totalled, settings)
    exact = reader.read(model, 1.0, 0)
    assert exact.states.shape[1] == 4
    part = reader.logarithm(model, (0, 2), (1, 1))
    chosen = (exact.states[:, 0] == 1) & (exact.states[:, 2] == 1)
    assert exact.weights is not None
    assert part is not None
    np.testing.assert_allclose(np.exp(part), exact.weights[chosen].sum())
    monkeypatch.setattr(law, "MOST_STATES", 1)
    monkeypatch.setattr(law, "SAMPLES", 2**13)
    sampled = LawReader(totalled, settings).read(model, 1.0, 0)
    assert sampled.states.shape[1] == 4
    mean = exact.weights @ exact.states.astype(float)
    np.testing.assert_allclose(sampled.states.mean(axis=0), mean, atol=0.02)


def test_with_totals_the_law_is_that_of_fsp(tmp_path):
    path = tmp_path / "turnover.crn"
    path.write_text(TURNOVER.format(engine="tdvp"))
    exact = run_file(path, engine="fsp")
    small = {"width": 8.0, "opening": 256.0, "states": 512.0, "samples": 64.0}
    found = compare_runs(run_file(path, overrides=small).data, exact.data)
    assert max(distance.max() for distance in found.distances.values()) < 5e-3


def test_no_totals_leave_the_network_as_it_is():
    lowered = lower(TURNOVER, engine="tdvp")
    totalled = no_totals(lowered)
    assert totalled.lowered is lowered
    states = enumerate_states(lowered.space)
    np.testing.assert_array_equal(totalled.extend(states), states)
