"""The exact master equation: conserved, normalised, equal to what is known exactly."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.stats import poisson

from crnlang.compiler import compile_file, compile_text
from crnlang.ir.expr import Count, Function, call, number
from crnlang.reference.equation import master_equation
from crnlang.reference.fsp import generator, solve_fsp
from crnlang.reference.refusals import TooManyStatesError, WrongPropensityError
from crnlang.settings import FspSettings
from crnlang.testing import lowered_networks

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "reference"
#: For properties that integrate a stiff, time-dependent network for every example.
HEAVY = settings(max_examples=25)
BIRTH_DEATH = """crn 1
model birth_death
param k = 4, d = 1
species X in 0..40 = 0
birth: 0 -> X @ k
death: X -> 0 @ d
"""


def lower(text):
    return compile_text(text).lowered


def reference(name):
    path = REFERENCE / name
    if not path.is_file():
        pytest.skip(f"the reference values {name} are not beside the repository")
    return np.load(path)


@given(lowered_networks(), st.floats(0, 2))
def test_columns_of_the_generator_add_up_to_zero(lowered, t):
    _, matrix = generator(lowered, t)
    assert np.abs(matrix.sum(axis=0)).max() < 1e-10
    assert (matrix - np.diag(matrix.diagonal())).min() >= 0


@given(lowered_networks())
def test_states_are_distinct_and_obey_box_and_laws(lowered):
    states, _ = generator(lowered)
    assert len(np.unique(states, axis=0)) == len(states)
    assert (states >= 0).all()
    assert (states <= lowered.space.caps).all()
    assert (states @ lowered.space.laws.T == lowered.space.totals).all()


@HEAVY
@given(lowered_networks(max_species=3))
def test_the_law_stays_normalised_and_the_leak_grows(lowered):
    found = solve_fsp(lowered, FspSettings(until=1.0, save=(0, 0.3, 1)))
    assert found.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-9)
    assert found.probabilities.min() >= 0
    assert np.diff(found.leak).min() >= -1e-9
    assert found.bound.max() <= 1e-10


@given(lowered_networks(max_species=2, with_time=False))
def test_the_law_is_the_exponential_of_the_generator(lowered):
    found = solve_fsp(lowered, FspSettings(until=2.0, save=(0, 2)))
    _, matrix = generator(lowered)
    exact = expm(2 * matrix.toarray()) @ found.probabilities[0]
    assert np.abs(found.probabilities[-1] - exact).sum() < 1e-9


@HEAVY
@given(lowered_networks(max_species=2))
def test_the_leak_is_the_integral_of_the_flux_at_the_caps(lowered):
    times = tuple(np.linspace(0, 1, 201))
    found = solve_fsp(lowered, FspSettings(until=1.0, save=times))
    equation = master_equation(lowered, 10_000)
    flux = [
        (equation.augmented(t) @ np.append(law, 0.0))[-1]
        for t, law in zip(found.times, found.probabilities, strict=True)
    ]
    integral = np.trapezoid(flux, found.times)
    assert found.leak[-1] == pytest.approx(integral, rel=2e-2, abs=1e-6)


def test_birth_and_death_is_poisson():
    found = solve_fsp(lower(BIRTH_DEATH), FspSettings(until=2.0, save=(0.5, 2)))
    for law, t in zip(found.probabilities, found.times, strict=True):
        exact = poisson.pmf(np.arange(41), 4 * (1 - np.exp(-t)))
        assert np.abs(law - exact).max() < 1e-12
    assert found.leak[-1] < 1e-12


def test_a_pulse_is_not_stepped_over():
    text = """crn 1
model pulse
species X in 0..40 = 0
birth: 0 -> X @ propensity(if(t > 3 and t < 3.001, 2000, 0))
"""
    found = solve_fsp(lower(text), FspSettings(until=50.0, save=(3, 50)))
    assert found.probabilities[0][0] == pytest.approx(1)
    exact = poisson.pmf(np.arange(41), 2.0)
    assert np.abs(found.probabilities[1] - exact).max() < 1e-9


def test_the_leak_counts_the_firings_that_the_cap_stops():
    text = "crn 1\nmodel full\nspecies X in 0..1 = 1\nfeed: 0 -> X @ 2.5\n"
    found = solve_fsp(lower(text), FspSettings(until=4.0, save=(0, 1, 4)))
    assert found.leak == pytest.approx([0, 2.5, 10])


def test_a_stiff_network_that_reads_the_time_agrees_with_its_constant_twin():
    text = """crn 1
model stiff
species X in 0..8 = 3
species Y in 0..8 = 0
fast: X <-> Y @ {rate}, 3e4
slow: Y -> 0 @ 1
"""
    save = (0.0, 0.5, 4.0)
    varying, constant = (
        solve_fsp(lower(text.format(rate=rate)), FspSettings(until=4.0, save=save))
        for rate in ("2e4 + 0*t", "2e4")
    )
    difference = varying.probabilities - constant.probabilities
    assert np.abs(difference).sum(axis=1).max() < 1e-8


def test_many_save_times_are_as_good_as_the_end_alone():
    """Between its steps an integrator interpolates, without any error control."""
    text = """crn 1
model dense
massaction power
param k0 = 2.838
species X0 in 0..3 = 3
species X1 in 0..4 = 0
r1: X0 -> 0 @ k0
r2: 0 -> 2 X1 @ propensity(k0 * (1 + 0.5 * sin(t)))
r3: X0 -> 0 @ k0
r4: 2 X0 + 2 X1 -> 0 @ propensity(k0 * X0^2 * X1^2 * if(X0 > 1, 2.838, 0.5))
r5: 0 -> 2 X1 @ propensity(k0 * hill(X1, 1, 1.177, 1))
r6: X0 + 2 X1 -> X0 @ k0
"""
    times = tuple(np.arange(31) / 200)
    found = solve_fsp(lower(text), FspSettings(until=0.15, save=times))
    sharp = FspSettings(until=0.15, save=times, tolerance=1e-12)
    difference = found.probabilities - solve_fsp(lower(text), sharp).probabilities
    assert np.abs(difference).sum(axis=1).max() < 1e-10


def test_a_box_too_large_for_integer_codes_is_searched():
    names = [f"X{i}" for i in range(8)]
    text = "crn 1\nmodel chain\n" + "".join(
        f"species {name} in 0..1000000 = {2 * (i == 0)}\n"
        for i, name in enumerate(names)
    )
    text += "".join(
        f"r{i}: {a} -> {b} @ 1\n" for i, (a, b) in enumerate(pairwise(names))
    )
    states, matrix = generator(lower(text))
    assert len(states) == 8 * 9 // 2
    assert np.abs(matrix.sum(axis=0)).max() < 1e-12


def test_too_many_states_are_refused_with_both_numbers():
    with pytest.raises(TooManyStatesError, match="`max_states` = 10;"):
        solve_fsp(lower(BIRTH_DEATH), FspSettings(states="box", max_states=10))


def test_a_large_network_is_refused_quickly():
    lowered = compile_file(ROOT / "examples" / "mapk_cascade.crn").lowered
    with pytest.raises(TooManyStatesError):
        generator(lowered, max_states=20_000)


def test_a_negative_propensity_is_refused_with_its_state():
    lowered = lower("crn 1\nmodel m\nspecies X in 0..9 = 0\ngrow: 0 -> X @ 1\n")
    law = call(Function.SUB, number(3.5), Count(0))
    wrong = replace(lowered.families[0], propensity=law)
    with pytest.raises(WrongPropensityError, match=r"`grow` is -0.5 .* X = 4"):
        generator(replace(lowered, families=(wrong,)))


def test_the_toggle_switch_agrees_with_the_reference():
    values = reference("toggle_fsp.npz")
    lowered = compile_file(ROOT / "examples" / "toggle_switch.crn").lowered
    times = (1, 5, 10, 20, 40)
    found = solve_fsp(lowered, FspSettings(until=40.0, save=times))
    x, y = lowered.variables_of(["Px", "Py"])
    for t, law in zip(times, found.probabilities, strict=True):
        joint = np.zeros((80, 80))
        np.add.at(joint, (found.states[:, x], found.states[:, y]), law)
        assert np.abs(joint - values[f"power_M80_t{t}_PxPy"]).sum() < 1e-9


@pytest.mark.parametrize("convention", ["power", "falling"])
def test_the_schloegl_model_agrees_with_the_reference(convention):
    values = reference("schlogl_1_2_sites.npz")
    text = f"""crn 1
model schlogl
massaction {convention}
species X in 0..84 = 50
grow: 2 X <-> 3 X @ 2.676, 0.040
feed: 0 <-> X @ 108.102, 37.881
"""
    times = (0.001, 0.1, 1.0, 10.0)
    found = solve_fsp(lower(text), FspSettings(until=10.0, save=times))
    for t, law in zip(times, found.probabilities, strict=True):
        assert np.abs(law - values[f"S1_{convention}_t{t}_marg1"]).sum() < 1e-9


def test_two_sites_of_the_schloegl_model_have_the_reference_law():
    expected = reference("schlogl_1_2_sites.npz")
    lowered = compile_file(ROOT / "examples" / "schlogl_chain.crn").lowered
    save = (0.1, 0.5, 1.0)
    found = solve_fsp(lowered, FspSettings(until=1.0, save=save))
    for t, law in zip(save, found.probabilities, strict=True):
        joint = np.zeros((85, 85))
        np.add.at(joint, tuple(found.states.T.astype(int)), law)
        assert np.abs(joint - expected[f"S2_falling_t{t}_joint"]).max() < 1e-9
