"""The two witnesses against each other: the same network agrees, another does not."""

from itertools import combinations

import pytest

from crnlang.pipeline import run_file
from crnlang.results.compare import compare_runs

TEXT = """crn 1
model gene
massaction power
species G_on in 0..1 = 1
species G_off in 0..1 = 0
species P in 0..40 = 0
switch: G_on <-> G_off @ 1, {back}
make: G_on -> G_on + P @ 20
decay: P -> 0 @ 1
query dist(G_on, P, at=[1])
solve main with fsp {{ t = 0..4 }}
"""
SSA = {"trajectories": 1000.0}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The exact law of a network, samples of it, and samples of another network."""
    folder = tmp_path_factory.mktemp("models")
    same, other = folder / "same.crn", folder / "other.crn"
    same.write_text(TEXT.format(back=0.5))
    other.write_text(TEXT.format(back=0.8))
    sampled = [
        run_file(same, engine="ssa", seed=seed, overrides=SSA).data for seed in range(3)
    ]
    different = run_file(other, engine="ssa", seed=0, overrides=SSA).data
    return run_file(same).data, sampled, different


def test_samples_do_not_differ_from_their_own_law(runs):
    exact, sampled, _ = runs
    for one in sampled:
        found = compare_runs(exact, one)
        assert found.is_noise()
        assert "differ" not in found.verdict(1e-4)


def test_samples_do_not_differ_from_other_samples(runs):
    for one, other in combinations(runs[1], 2):
        assert compare_runs(one, other).is_noise()


def test_another_network_differs(runs):
    exact, sampled, different = runs
    assert "The runs differ" in compare_runs(exact, different).verdict(0.02)
    assert "The runs differ" in compare_runs(sampled[0], different).verdict(0.02)


def test_a_run_is_at_distance_0_from_itself(runs):
    exact, sampled, _ = runs
    for one in (exact, *sampled):
        assert compare_runs(one, one).max_hellinger == 0
