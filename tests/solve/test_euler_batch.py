"""Batches of natural gradient and Adam: drawn from the network and from proposals."""

import jax
import numpy as np
import pytest
from engine_cases import conditionals_of, law_of, lower, states_of, with_positive_start

from crnlang.compiler import compile_text
from crnlang.pipeline import run_compiled
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.found import Silent
from crnlang.settings import NatgradSettings
from crnlang.solve.euler import _batch

TEXT = """crn 1
species A in 0..5 ~ poisson(1)
species B in 0..4 ~ poisson(2)
0 -> A @ 1
A -> B @ 1
B -> 0 @ 1
"""


def batch(proposal, reweight, share=0.4, size=40_000):
    lowered = with_positive_start(lower(TEXT), 0)
    model = conditionals_of(lowered, noise=0.5, seed=3)
    settings = NatgradSettings(
        samples=size, proposal=proposal, proposal_share=share, reweight=reweight
    )
    found = jax.jit(lambda key: _batch(model, key, settings))(jax.random.key(0))
    states = np.asarray(states_of(lowered))
    return *map(np.asarray, found), states, law_of(model, states)


@pytest.mark.parametrize("reweight", ["exact", "pareto"])
@pytest.mark.parametrize("proposal", ["random", "diffusive", "alpha"])
def test_weighted_means_are_those_of_the_network(proposal, reweight):
    """Up to the fifth of equal weights that the paper mixes in."""
    counts, weights, shape, states, law = batch(proposal, reweight)
    assert weights.sum() == pytest.approx(1)
    assert np.isfinite(shape)
    even = np.full(len(weights), 1 / len(weights))
    if reweight == "pareto":
        weights = (weights - 0.2 * even) / 0.8
    for variable in (0, 1):
        wanted = law @ states[:, variable]
        assert weights @ counts[:, variable] == pytest.approx(wanted, abs=0.05)
        square = law @ states[:, variable] ** 2
        assert weights @ counts[:, variable] ** 2 == pytest.approx(square, abs=0.2)


def test_without_a_proposal_and_without_weights_all_are_alike():
    for proposal, reweight in (("model", "exact"), ("random", "none")):
        _, weights, _, _, _ = batch(proposal, reweight, size=100)
        assert weights == pytest.approx(np.full(100, 0.01))


def test_no_weight_is_larger_than_a_batch_without_the_proposal_would_give():
    _, weights, _, _, _ = batch("random", "exact", share=0.4)
    assert weights.max() * len(weights) <= 1 / 0.6 * 1.05


@pytest.mark.parametrize("proposal", ["random", "diffusive", "alpha"])
def test_natural_gradient_follows_a_law_with_a_proposal(proposal):
    compilation = compile_text(TEXT)
    wanted = {
        "t": (0.0, 0.05),
        "save": (0.05,),
        "samples": 500.0,
        "dt": 0.01,
        "proposal": proposal,
        "reweight": "exact",
        "width": 4.0,
        "basis": 4.0,
    }
    choice = resolve_solve(compilation.network, None, "natgrad", wanted)
    data = run_compiled(compilation, choice, Silent()).data
    times = {"t": (0.0, 0.05), "save": (0.05,)}
    exact = resolve_solve(compilation.network, None, "fsp", times)
    right = run_compiled(compilation, exact, Silent()).data
    assert data.means[-1] == pytest.approx(right.means[-1], abs=0.03)
    assert (data.health["effective_size"] < 500).all()
    assert np.isfinite(data.health["pareto_k"]).all()
