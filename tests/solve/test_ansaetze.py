"""Whole short runs of every ansatz and every solver against the exact law."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from engine_cases import (
    PAIR,
    SWITCHES,
    exact_law,
    hellinger,
    law_of,
    lower,
)

from crnlang.codegen.ansatz import build_model
from crnlang.codegen.kernel import build_kernel
from crnlang.settings import AdamSettings, NatgradSettings, TdvpSettings
from crnlang.solve.evolve import evolve
from crnlang.solve.projection import fit_law
from crnlang.solve.solution import Outcome

SMALL: dict[str, Any] = {"width": 4, "basis": 3, "samples": 128}
IMPLICIT = {"nade": "cholesky", "gru": "kernel", "transformer": "cholesky"}
NATURAL = {"nade": "cholesky", "gru": "cg", "transformer": "kernel"}


def distance_after(settings, end):
    """Hellinger distance from the exact law at the end of a run, and its steps."""
    lowered = lower(SWITCHES, on="0.8")
    model = build_model(lowered, settings, jax.random.key(1))
    kernel = build_kernel(lowered)
    solution = evolve(model, kernel, settings, (end,), lambda info: None)
    assert solution.outcome is Outcome.SUCCESSFUL
    states, exact = exact_law(lowered, end)
    found = law_of(solution.models[-1], jnp.asarray(states))
    return hellinger(found, exact), {info.stage for info in solution.infos}


@pytest.mark.parametrize("ansatz", IMPLICIT)
def test_the_variational_principle_follows_the_exact_law(ansatz):
    settings = TdvpSettings(
        **SMALL, ansatz=ansatz, solver=IMPLICIT[ansatz], opening=0, tolerance=0.05
    )
    distance, stages = distance_after(settings, 0.3)
    assert stages == {"tdvp"}
    assert distance < 0.01


@pytest.mark.parametrize("ansatz", NATURAL)
def test_natural_gradient_follows_the_exact_law(ansatz):
    settings = NatgradSettings(**SMALL, ansatz=ansatz, solver=NATURAL[ansatz], dt=0.05)
    distance, stages = distance_after(settings, 0.3)
    assert stages == {"natgrad"}
    assert distance < 0.05


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_adam_follows_the_exact_law(precision):
    settings = AdamSettings(
        **SMALL, dt=0.05, epochs=30, learning_rate=0.01, precision=precision
    )
    distance, stages = distance_after(settings, 0.3)
    assert stages == {"adam"}
    assert distance < 0.05


def test_a_law_is_fitted_with_shared_weights():
    lowered = lower(PAIR)
    states, exact = exact_law(lowered, 0.5)
    settings = TdvpSettings(ansatz="nade", width=8, basis=6)
    model = build_model(lowered, settings, jax.random.key(0))
    fitted, claimed = fit_law(model, states, exact)
    found = hellinger(law_of(fitted, jnp.asarray(states)), exact)
    assert claimed == pytest.approx(found, abs=1e-6)
    assert found < 0.01
