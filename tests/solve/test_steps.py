"""Single steps on exact batches: every integrator reaches its order."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    SWITCHES,
    birth_death,
    exact_draws,
    kernel_of,
    law_of,
    lower,
    model_of,
    states_of,
)

from crnlang.reference.fsp import solve_fsp
from crnlang.settings import FspSettings
from crnlang.solve.estimate import add, scaled
from crnlang.solve.evolve import INTEGRATORS
from crnlang.solve.tableaus import ROS2, ROS34PW2

END = 0.5
NETWORKS = {
    "birth-death": (birth_death(4), {"width": 2, "basis": 4}),
    "seasons": (
        lower(SWITCHES, on="0.8*(1+0.5*sin(3*t))"),
        {"width": 4, "basis": 2},
    ),
}


def error_after(name, step, steps, diag_shift=1e-10):
    """Largest error of the law at the end, with steps of one length."""
    lowered, options = NETWORKS[name]
    model, generator = model_of(lowered, **options), kernel_of(lowered)
    states = states_of(lowered)

    @eqx.filter_jit
    def advance(model, t, dt):
        trial, _, _ = step(
            model,
            generator,
            exact_draws(model, generator, states),
            t,
            dt,
            scaled(model.weight_blocks(), 0.0),
            tolerance=1e6,
            diag_shift=diag_shift,
            krylov=0,
        )
        return model.with_weight_blocks(add(model.weight_blocks(), trial.change))

    dt = END / steps
    errors = []
    for factor in (1, 2):
        now = model
        for number in range(steps * factor):
            now = advance(
                now, jnp.asarray(number * dt / factor), jnp.asarray(dt / factor)
            )
        exact = solve_fsp(lowered, FspSettings(until=END, save=(END,)))
        assert (exact.states == np.asarray(states)).all()
        errors.append(np.abs(law_of(now, states) - exact.probabilities[-1]).max())
    return errors


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    ("integrator", "order"), [("rosenbrock", 2), ("rosenbrock3", 3), ("bogacki", 3)]
)
def test_halving_the_step_shows_the_order(name, integrator, order):
    coarse, fine = error_after(name, INTEGRATORS[integrator], 8)
    found = np.log2(coarse / fine)
    assert fine < 1e-3
    assert found > order - 0.3, f"order {found:.2f}, errors {coarse:.1e} {fine:.1e}"


@pytest.mark.parametrize("tableau", [ROS2, ROS34PW2], ids=["ROS2", "ROS34PW2"])
def test_the_order_holds_for_any_jacobian(tableau):
    """Hairer and Wanner, Solving ODEs II, IV.7: the conditions of W-methods."""
    alpha, gamma = tableau.alpha, tableau.gamma
    nodes, drifts = tableau.nodes, tableau.drifts
    second = [(nodes, 1 / 2), (drifts, 0)]
    third = [
        (nodes**2, 1 / 3),
        (alpha @ nodes, 1 / 6),
        (alpha @ drifts, 0),
        (gamma @ nodes, 0),
        (gamma @ drifts, 0),
    ]
    wanted = [(np.ones(len(nodes)), 1), *second, *(third if tableau.order > 2 else ())]
    for row, value in wanted:
        assert np.isclose(tableau.weights @ row, value, atol=1e-14)
    lower = wanted[: 1 if tableau.order == 2 else 3]
    for row, value in lower:
        assert np.isclose(tableau.embedded @ row, value, atol=1e-14)
