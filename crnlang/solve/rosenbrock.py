"""Linearly implicit steps: ROS2-W on d theta/dt = v(theta), S v = g.

With gamma = 1 - 1/sqrt(2) and M = S + shift - gamma h A,

    M k1 = h g(theta)
    M k2 = h S v(theta + k1) - 2 S k1        theta <- theta + 3/2 k1 + 1/2 k2

and (k1 + k2)/2 estimates the error. Any approximation of A keeps the order (a
W-method). Source: Verwer, Spee, Blom, Hundsdorfer, SIAM J. Sci. Comput. 20 (1999) 1456.
Both stages use the same samples, re-weighted.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.solve.batch import Batch, Draws
from crnlang.solve.estimate import (
    Estimate,
    add,
    estimate,
    open_batch,
    rates_of,
    scaled,
)
from crnlang.solve.linear import (
    block_products,
    combine,
    factor_blocks,
    project,
    shift_diagonal,
    solve_krylov,
)
from crnlang.solve.problem import Generator

GAMMA = 1.0 - 0.5**0.5
#: Trials of one step, each 0.4 times as long as the one before.
TRIALS = 6


class Trial(eqx.Module):
    """One attempted step."""

    change: Blocks
    dt: Float[Array, ""]
    error: Float[Array, ""]
    residual: Float[Array, ""]
    trials: Int[Array, ""]


def rosenbrock_step(
    model: AbstractAutoregressive,
    generator: Generator,
    draws: Draws,
    t: Float[Array, ""],
    dt: Float[Array, ""],
    *,
    tolerance: float,
    diag_shift: float,
    krylov: int,
) -> tuple[Trial, Batch, Estimate]:
    """Take one step, shortening it until its error is below twice the tolerance.

    The result may still be bad (error too large or nan) after `TRIALS` trials; the
    caller looks at `error`.
    """
    batch, now, drifts = open_batch(model, generator, draws, t)
    jacobian = block_products(now.scores, drifts, now.weights)
    log_p = jax.vmap(model.log_prob)(batch.counts)
    theta = model.weight_blocks()

    def attempt(dt: Float[Array, ""]) -> tuple[Blocks, Array, Array]:
        blocks = tuple(
            s - GAMMA * dt * a for s, a in zip(now.fisher, jacobian, strict=True)
        )
        solver = factor_blocks(shift_diagonal(blocks, diag_shift))

        def apply(x: Blocks) -> Blocks:
            inner = combine(now.scores, x) - GAMMA * dt * combine(drifts, x)
            return add(project(now.scores, now.weights * inner), x, diag_shift)

        moving = _explicit_drift(model, generator, batch, now, t, dt)
        first = solve_krylov(
            apply, scaled(add(now.force(), moving, GAMMA), dt), solver, krylov
        )
        moved = model.with_weight_blocks(add(theta, first))
        speed = _velocity(moved, generator, batch, log_p, t + dt, diag_shift, krylov)
        pull = add(now.apply_fisher(speed, diag_shift), moving, -GAMMA)
        brake = now.apply_fisher(first, diag_shift)
        second = solve_krylov(apply, add(scaled(pull, dt), brake, -2.0), solver, krylov)
        change = add(scaled(first, 1.5), second, 0.5)
        error = now.norm(scaled(add(first, second), 0.5))
        return change, error, _residual(now, first, dt)

    return _shorten(attempt, theta, dt, tolerance), batch, now


def _shorten(attempt, theta: Blocks, dt: Float[Array, ""], tolerance: float) -> Trial:
    """Attempt, and again with 0.4 dt, until the error is below 2 tolerance."""

    def unfinished(trial: Trial) -> Array:
        return ~(trial.error < 2 * tolerance) & (trial.trials < TRIALS)

    def again(trial: Trial) -> Trial:
        shorter = jnp.where(trial.trials > 0, 0.4, 1.0) * trial.dt
        change, error, residual = attempt(shorter)
        return Trial(change, shorter, error, residual, trial.trials + 1)

    never = jnp.full_like(dt, jnp.inf)
    start = Trial(theta, dt, never, never, jnp.zeros((), int))
    return jax.lax.while_loop(unfinished, again, start)


def _velocity(
    model: AbstractAutoregressive,
    generator: Generator,
    batch: Batch,
    log_p: Float[Array, " batch"],
    t: Float[Array, ""],
    diag_shift: float,
    krylov: int,
) -> Blocks:
    """v = (S + shift)^-1 g of another model on the same samples, re-weighted."""
    gain = jnp.clip(jax.vmap(model.log_prob)(batch.counts) - log_p, -50.0, 50.0)
    weights = batch.weights * jnp.exp(gain)
    moved = Batch(batch.counts, weights / jnp.sum(weights))
    there = estimate(model, generator, moved, t)
    solver = factor_blocks(shift_diagonal(there.fisher, diag_shift))
    return solve_krylov(
        lambda x: there.apply_fisher(x, diag_shift), there.force(), solver, krylov
    )


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


def _residual(now: Estimate, step: Blocks, dt: Float[Array, ""]) -> Float[Array, ""]:
    """Part of the local generator that the network cannot follow, 0..1.

    A sample whose probability would change by more than its own size in this step
    counts with its probability flow, not with the flow squared.
    """
    trust = now.weights / (1.0 + dt * jnp.abs(now.rates))
    missed = now.rates - combine(now.scores, step) / dt
    whole = jnp.sum(trust * now.rates**2)
    return jnp.sqrt(jnp.sum(trust * missed**2) / jnp.where(whole > 0, whole, 1.0))
