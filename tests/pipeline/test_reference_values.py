"""The examples by their default settings against reference values, at every time."""

from pathlib import Path

import numpy as np
import pytest
from engine_cases import hellinger

from crnlang.pipeline import run_file

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "reference"
#: Example -> file, prefix of its keys, and the largest distances allowed.
CASES = {
    "birth_death": ("other_systems.npz", "birth_death", {"X": 0.01}),
    "gene_expression": ("other_systems.npz", "gene_exp", {"m": 0.01, "p": 0.01}),
    "toggle_switch": (
        "toggle_fsp.npz",
        "power_M80",
        {"Px": 0.01, "Py": 0.01, "PxPy": 0.02},
    ),
}
PAIRS = {"PxPy": ("Px", "Py")}


def distances(example, seed):
    """Largest Hellinger distance over the save times: law -> (found, allowed)."""
    source, prefix, allowed = CASES[example]
    path = REFERENCE / source
    if not path.is_file():
        pytest.skip(f"the reference values {source} are not beside the repository")
    values = np.load(path)
    data = run_file(ROOT / "examples" / f"{example}.crn", seed=seed).data
    found = {}
    for law, most in allowed.items():
        ours = data.joint(PAIRS[law]) if law in PAIRS else data.marginal(law)
        assert ours is not None
        keys = {time: f"{prefix}_t{time:g}_{law}" for time in data.times}
        places = [i for i, time in enumerate(data.times) if keys[time] in values]
        assert len(places) == 5
        found[law] = (
            max(hellinger(ours[i], values[keys[data.times[i]]]) for i in places),
            most,
        )
    return found


SLOW = pytest.param("gene_expression", marks=pytest.mark.slow)


@pytest.mark.parametrize("example", ["birth_death", SLOW])
def test_small_examples_agree_with_the_reference(example):
    for law, (found, most) in distances(example, seed=0).items():
        assert found <= most, law


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_toggle_switch_agrees_with_the_reference(seed):
    for law, (found, most) in distances("toggle_switch", seed).items():
        assert found <= most, law


#: Example -> prefix of its keys, and its species by their names in the file of values.
DEFINITIONS = {
    "autoregulation_1": ("AFL1", {"G": "Free", "P": "P"}),
    "autoregulation_2": ("AFL2", {"G": "Free", "P": "P"}),
    "autoregulation_3": ("AFL3", {"G": "Free", "P": "P"}),
    "early_life": ("early_life_V1_cap101", {"F": "F", "A": "A", "B": "B"}),
    "sir_seasonal": ("epidemic_eps0.2", {"S": "S", "I": "I", "R": "R"}),
}


@pytest.mark.parametrize("example", DEFINITIONS)
def test_systems_of_the_paper_are_those_that_the_values_were_computed_for(example):
    path = REFERENCE / "other_systems.npz"
    if not path.is_file():
        pytest.skip(f"the reference values {path.name} are not beside the repository")
    values, (prefix, names) = np.load(path), DEFINITIONS[example]
    file = ROOT / "examples" / f"{example}.crn"
    times = {"t": (0.0, 1.0), "save": (1.0,)}
    data = run_file(file, solve="check", overrides=times).data
    for theirs, ours in names.items():
        expected, found = values[f"{prefix}_t1_{theirs}"], data.marginal(ours)[-1]
        size = min(len(expected), len(found))
        assert max(expected[size:].sum(), found[size:].sum()) < 1e-9
        np.testing.assert_allclose(found[:size], expected[:size], atol=1e-8)
