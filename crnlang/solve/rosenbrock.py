"""Linearly implicit steps: ROS2-W on d theta/dt = v(theta), S v = g.

With gamma = 1 - 1/sqrt(2) and M = S + shift - gamma h A,

    M k1 = h g(theta)
    M k2 = h S v(theta + k1) - 2 S k1        theta <- theta + 3/2 k1 + 1/2 k2

and theta + k1 is the embedded solution of order 1: its distance is the error. Any
approximation of A keeps the order (a W-method). Source: Verwer, Spee, Blom,
Hundsdorfer, SIAM J. Sci. Comput. 20 (1999) 1456.
Both stages use the same samples, re-weighted.
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
)
from crnlang.solve.linear import project
from crnlang.solve.problem import Generator
from crnlang.solve.systems import implicit_systems
from crnlang.solve.trial import Missed, Trial, distance, look_back, shorten, velocity

GAMMA = 1.0 - 0.5**0.5


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
) -> tuple[Trial, Batch, Estimate]:
    """Take one step, shortening it until its error is below the tolerance.

    The velocity is damped towards `last`.

    The result may still be bad (error too large or nan) after `TRIALS` trials; the
    caller looks at `error`.
    """
    batch, log_p, now = open_batch(model, generator, draws, t, is_stored=solver != "cg")
    jacobian = jacobian_of(model, generator, batch, now, t)
    systems = implicit_systems(solver, now, jacobian, diag_shift, krylov)
    theta = model.weight_blocks()

    def attempt(dt: Float[Array, ""]) -> tuple[Blocks, Array, Missed]:
        solve = systems(GAMMA * dt)
        moving = _explicit_drift(model, generator, batch, now, t, dt)
        force = add(add(now.force(), moving, GAMMA), last, diag_shift)
        first = solve(scaled(force, dt))
        moved = model.with_weight_blocks(add(theta, first))
        speed = velocity(
            moved, generator, batch, log_p, t + dt, last, diag_shift, krylov, solver
        )
        pull = add(now.apply_fisher(speed, diag_shift), moving, -GAMMA)
        brake = now.apply_fisher(first, diag_shift)
        second = solve(add(scaled(pull, dt), brake, -2.0))
        change = add(scaled(first, 1.5), second, 0.5)
        error = distance(model, batch, log_p, change, first)
        return change, error, look_back(now, first, dt)

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
