"""The whole variational run of the smallest example against the analytic law."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import hellinger, kernel_of, law_of

from crnlang.codegen.ansatz import build_model
from crnlang.compiler import compile_file
from crnlang.settings import TdvpSettings
from crnlang.solve.evolve import evolve
from crnlang.solve.solution import Outcome

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "reference" / "other_systems.npz"
TIMES = (10.0, 50.0, 100.0, 200.0, 500.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_birth_and_death_agrees_with_the_reference_at_every_time(seed):
    if not REFERENCE.is_file():
        pytest.skip(
            f"the reference values {REFERENCE.name} are not beside the repository"
        )
    lowered = compile_file(ROOT / "examples" / "birth_death.crn").lowered
    settings = TdvpSettings(
        until=500.0,
        save=TIMES,
        opening=0,
        tolerance=0.005,
        diag_shift=1e-4,
        seed=seed,
    )
    model = build_model(lowered, settings, jax.random.key(seed))
    solution = evolve(model, kernel_of(lowered), settings, TIMES, lambda info: None)
    assert solution.outcome is Outcome.SUCCESSFUL
    states = jnp.arange(60)[:, None]
    values = np.load(REFERENCE)
    found = {}
    for time, reached in zip(TIMES, solution.models, strict=True):
        exact = np.zeros(60)
        law = values[f"birth_death_t{time:g}_X"][:60]
        exact[: len(law)] = law
        found[time] = hellinger(law_of(reached, states), exact)
    assert max(found.values()) <= 0.01, found
