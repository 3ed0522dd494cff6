"""One attempted step of any integrator: shorter and shorter until its error is small.

Both integrators share what stands here; they differ in the attempt itself.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.solve.batch import Batch
from crnlang.solve.estimate import Estimate, add, estimate
from crnlang.solve.linear import combine
from crnlang.solve.pieces import over_batch
from crnlang.solve.problem import Generator
from crnlang.solve.systems import solve_fisher

#: What a step of a given length does: the change of the weights, the estimated error,
#: and what the network did not follow.
Attempt = Callable[[Float[Array, ""]], tuple[Blocks, Float[Array, ""], "Missed"]]
#: Trials of one step, each 0.4 times as long as the one before.
TRIALS = 6


class Missed(eqx.Module):
    """What the network did not follow in a step: its share, 0..1, and how much it is.

    The first is a ratio of local generators, the second a total variation.
    """

    residual: Float[Array, ""]
    strayed: Float[Array, ""]


class Trial(eqx.Module):
    """One attempted step."""

    change: Blocks
    dt: Float[Array, ""]
    error: Float[Array, ""]
    missed: Missed
    trials: Int[Array, ""]


def shorten(
    attempt: Attempt, theta: Blocks, dt: Float[Array, ""], tolerance: float
) -> Trial:
    """Attempt, and again with 0.4 dt, until the error is below the tolerance."""

    def unfinished(trial: Trial) -> Array:
        return ~(trial.error < tolerance) & (trial.trials < TRIALS)

    def again(trial: Trial) -> Trial:
        shorter = jnp.where(trial.trials > 0, 0.4, 1.0) * trial.dt
        change, error, missed = attempt(shorter)
        return Trial(change, shorter, error, missed, trial.trials + 1)

    never = jnp.full_like(dt, jnp.inf)
    start = Trial(theta, dt, never, Missed(never, never), jnp.zeros((), int))
    return jax.lax.while_loop(unfinished, again, start)


def velocity(
    model: AbstractAutoregressive,
    generator: Generator,
    batch: Batch,
    log_p: Float[Array, " batch"],
    t: Float[Array, ""],
    last: Blocks,
    diag_shift: float,
    krylov: int,
    solver: str,
) -> Blocks:
    """v of another model on the same samples, re-weighted: (S + shift) v = g.

    Damped towards `last`, v solves (S + shift) v = g + shift last.
    """
    gain = over_batch(model.log_prob, batch.counts) - log_p
    weights = batch.weights * jnp.exp(gain)
    weights = weights / jnp.sum(weights)
    moved = Batch(batch.counts, weights, batch.effective_size)
    there = estimate(model, generator, moved, t, is_stored=solver != "cg")
    force = add(there.force(), last, diag_shift)
    return solve_fisher(solver, there, diag_shift, krylov, force)


def distance(
    model: AbstractAutoregressive,
    batch: Batch,
    log_p: Float[Array, " batch"],
    one: Blocks,
    other: Blocks,
) -> Float[Array, ""]:
    """Twice the Hellinger distance of the laws after two changes of the weights.

    To first order it is the Fisher norm of the difference of the changes. Unlike that
    norm it sees an unlikely state that one of them makes likely.
    """

    def root(change: Blocks) -> Float[Array, " batch"]:
        moved = model.with_weight_blocks(add(model.weight_blocks(), change))
        return jnp.exp((over_batch(moved.log_prob, batch.counts) - log_p) / 2)

    return 2 * jnp.sqrt(jnp.sum(batch.weights * (root(one) - root(other)) ** 2))


def look_back(now: Estimate, step: Blocks, dt: Float[Array, ""]) -> Missed:
    """What the network cannot follow of the local generator.

    In the residual a sample whose probability would change by more than its own size
    in this step counts with its probability flow, not with the flow squared.
    """
    trust = jnp.sqrt(now.weights / (1.0 + dt * jnp.abs(now.rates)))
    missed = now.rates - combine(now.scores, step) / dt
    whole = jnp.sum((trust * now.rates) ** 2)
    left = jnp.sum((trust * missed) ** 2)
    residual = jnp.sqrt(left / jnp.where(whole > 0, whole, 1.0))
    return Missed(residual, dt / 2 * jnp.sum(now.weights * jnp.abs(missed)))
