"""Linearly implicit steps on d theta/dt = v(theta), S v = g: Rosenbrock-W methods.

With M = S + shift - gamma h A and the coefficients of `solve.tableaus`, stage i is

    M u_i = h S v(theta + sum_j a_ij u_j) + S sum_j c_ij u_j

and theta moves by a weighted sum of the u_i. Another sum is the embedded solution of
lower order: the distance of the two is the error. Any approximation of A keeps the
order. All stages use the same samples, re-weighted.
"""

from jaxtyping import Array, Float

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.solve.batch import Batch, Draws
from crnlang.solve.estimate import (
    Estimate,
    add,
    jacobian_of,
    open_batch,
    rates_of,
    scaled,
    weigh,
)
from crnlang.solve.linear import project
from crnlang.solve.problem import Generator
from crnlang.solve.systems import implicit_systems
from crnlang.solve.tableaus import ROS2, Tableau
from crnlang.solve.trial import Missed, Trial, distance, look_back, shorten, velocity


def rosenbrock_step(
    model: AbstractAutoregressive,
    generator: Generator,
    draws: Draws,
    t: Float[Array, ""],
    dt: Float[Array, ""],
    last: Blocks,
    *,
    tolerance: float,
    diag_shift: float,
    krylov: int,
    solver: str = "cholesky",
    tableau: Tableau = ROS2,
) -> tuple[Trial, Batch, Estimate]:
    """Take one step, shortening it until its error is below the tolerance.

    The velocity is damped towards `last`. The result may still be bad (error too
    large or nan) after `TRIALS` trials; the caller looks at `error`.
    """
    batch, log_p, now = open_batch(model, generator, draws, t, is_stored=solver != "cg")
    jacobian = jacobian_of(model, generator, batch, now, t)
    systems = implicit_systems(solver, now, jacobian, diag_shift, krylov)
    theta = model.weight_blocks()
    coupling, pulls = tableau.solved()
    weights = tableau.solved_weights(tableau.weights)
    embedded = tableau.solved_weights(tableau.embedded)

    def attempt(dt: Float[Array, ""]) -> tuple[Blocks, Array, Missed]:
        solve = systems(tableau.diagonal * dt)
        moving = _explicit_drift(model, generator, batch, now, t, dt)
        stages: list[Blocks] = []
        for number, node in enumerate(tableau.nodes.tolist()):
            if not stages:
                force = add(now.force(), last, diag_shift)
            else:
                moved = add(theta, weigh(stages, coupling[number]))
                speed = velocity(
                    model.with_weight_blocks(moved),
                    generator,
                    batch,
                    log_p,
                    t + node * dt,
                    last,
                    diag_shift,
                    krylov,
                    solver,
                )
                force = now.apply_fisher(speed, diag_shift)
            right = scaled(add(force, moving, float(tableau.drifts[number])), dt)
            if stages:
                pull = weigh(stages, pulls[number])
                right = add(right, now.apply_fisher(pull, diag_shift))
            stages.append(solve(right))
        change = weigh(stages, weights)
        error = distance(model, batch, log_p, change, weigh(stages, embedded))
        return change, error, look_back(now, stages[0], dt)

    return shorten(attempt, theta, dt, tolerance), batch, now


def _explicit_drift(
    model: AbstractAutoregressive,
    generator: Generator,
    batch: Batch,
    now: Estimate,
    t: Float[Array, ""],
    dt: Float[Array, ""],
) -> Blocks:
    """dt dg/dt at fixed theta: what time-dependent propensities add."""
    if generator.is_autonomous:
        return scaled(now.force(), 0.0)
    later = rates_of(model, generator, batch.counts, t + dt)
    change = later - now.weights @ later - now.rates
    return project(now.scores, now.weights * change)
