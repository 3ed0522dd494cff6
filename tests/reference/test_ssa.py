"""Trajectories: the law of the master equation, whatever the number of threads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from crnlang.compiler import compile_file, compile_text
from crnlang.ir.expr import Count, Function, Time, call, number
from crnlang.reference.fsp import solve_fsp
from crnlang.reference.refusals import UnboundedPropensityError, WrongPropensityError
from crnlang.reference.ssa import sample_ssa
from crnlang.settings import FspSettings, SsaSettings
from crnlang.testing import lowered_networks

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "reference"
SAVE = (0.0, 0.3, 1.0)


def lower(text):
    return compile_text(text).lowered


def deviations(lowered, trajectories=20_000, seed=7):
    """Errors of the probability of every state, and of the leak, in standard errors."""
    exact = solve_fsp(lowered, FspSettings(until=SAVE[-1], save=SAVE))
    drawn = sample_ssa(
        lowered,
        SsaSettings(until=SAVE[-1], save=SAVE, trajectories=trajectories, seed=seed),
        threads=1,
    )
    found = []
    for k, law in enumerate(exact.probabilities):
        for state, probability in zip(exact.states, law, strict=True):
            share = (drawn.counts[:, k] == state).all(axis=1).mean()
            variance = (
                probability * (1 - probability) + 4 / trajectories
            ) / trajectories
            found.append((share - probability) / np.sqrt(variance))
        error = drawn.leak[:, k].std() / np.sqrt(trajectories) + 4 / trajectories
        found.append((drawn.leak[:, k].mean() - exact.leak[k]) / error)
    return np.abs(found)


@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(lowered_networks(max_species=2, max_cap=3))
def test_every_state_is_as_likely_as_the_master_equation_says(lowered):
    assert deviations(lowered).max() < 6


def test_a_pulse_and_a_wave_are_thinned_exactly():
    lowered = lower("""crn 1
model pulse
species X in 0..6 = 0
species Y in 0..3 = 2
feed: 0 -> X @ propensity(if(t > 0.2 and t < 0.25, 40, 0))
wave: X -> Y @ 1 + 0.9*sin(20*t)
fade: Y -> 0 @ exp(-t) / (1 + t)
back: Y -> X @ 0.5
""")
    assert deviations(lowered).max() < 5


def test_trajectories_do_not_depend_on_threads_but_on_the_seed():
    lowered = lower("""crn 1
model pair
species X in 0..30 ~ poisson(5)
grow: 0 <-> X @ 10, 1
""")

    def draw(threads, seed):
        chosen = SsaSettings(until=1.0, trajectories=500, seed=seed)
        return sample_ssa(lowered, chosen, threads=threads).counts

    first = draw(1, 3)
    assert np.array_equal(first, draw(3, 3))
    assert not np.array_equal(first, draw(1, 4))
    assert first[:, 0].mean() == pytest.approx(5, abs=0.5)


def test_a_network_where_nothing_happens_stays():
    lowered = lower("crn 1\nmodel still\nspecies X in 0..3 = 0\nr: X -> 0 @ 1\n")
    drawn = sample_ssa(lowered, SsaSettings(trajectories=10))
    assert not drawn.counts.any()


def test_a_propensity_without_bound_is_refused():
    lowered = lower("""crn 1
model unbounded
species X in 0..3 = 0
feed: 0 -> X @ propensity(abs(tan(t)))
""")
    with pytest.raises(UnboundedPropensityError, match="`feed`"):
        sample_ssa(lowered, SsaSettings(until=2.0, trajectories=10))


@pytest.mark.parametrize("extra", [number(0), call(Function.MUL, number(0), Time())])
def test_a_negative_propensity_is_refused_with_its_state(extra):
    lowered = lower("crn 1\nmodel m\nspecies X in 0..9 = 0\nfeed: 0 -> X @ 1\n")
    law = call(Function.ADD, call(Function.SUB, number(1.5), Count(0)), extra)
    wrong = replace(lowered.families[0], propensity=law)
    with pytest.raises(WrongPropensityError, match=r"`feed`.*X = 2"):
        sample_ssa(
            replace(lowered, families=(wrong,)), SsaSettings(until=50.0, trajectories=9)
        )


def test_the_mapk_cascade_agrees_with_the_reference():
    path = REFERENCE / "mapk_ssa.npz"
    if not path.is_file():
        pytest.skip("the reference values mapk_ssa.npz are not beside the repository")
    values = np.load(path)
    lowered = compile_file(ROOT / "examples" / "mapk_cascade.crn").lowered
    species = lowered.variables_of(["K", "H", "M", "MpY", "MpT", "Mpp"])
    times = tuple(float(t) for t in values["times"] if 100 <= t <= 1000)
    rows = [list(values["times"]).index(t) for t in times]
    drawn = sample_ssa(
        lowered, SsaSettings(until=1000.0, save=times, trajectories=20_000), threads=1
    )
    counts = drawn.counts[:, :, list(species)]
    error = counts.std(axis=0) * np.sqrt(1 / 20_000 + 1 / 100_000)
    difference = counts.mean(axis=0) - values["free_mean"][rows][:, :6]
    assert np.abs(difference / error).max() < 5


def test_sites_have_their_own_propensities():
    lowered = lower("""crn 1
model sites
lattice chain(2)
param k[i] = 1 + 3*i, d[i] = 2 - i
species X in 0..2 per site = 1
species G in 0..1 = 1
0 -> X via G @ k
X -> 0 @ 1 + 0.5*sin(9*k*t)
G <-> 0 @ 1, 1
diffuse X @ d
""")
    assert deviations(lowered).max() < 6


def test_events_happen_in_trajectories():
    lowered = lower("""crn 1
model events
param k = 2
species X in 0..4 = 1
species Y in 0..3 = 1
0 -> X @ k
X -> Y @ 1
Y -> 0 @ 1 + 0.5*sin(5*t)
event at 0.2: X = min(X + 2, 4), k = 1
event at 0.3: Y = 0
""")
    assert deviations(lowered).max() < 6
