"""Ordinary differential equations to given times, by a stiff or an explicit method.

Both are of order 5 with steps that adapt, and from diffrax: `kvaerno5`, implicit and
L-stable (A. Kvaerno, BIT 44 (2004) 489), and `tsit5`, explicit (C. Tsitouras, Comput.
Math. Appl. 62 (2011) 770). Steps end where the slope jumps.
"""

from collections.abc import Callable
from dataclasses import dataclass

import diffrax
import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from crnlang.diagnostics import Refusal
from crnlang.settings import OdeSettings

#: The slope from the time, the point, and nothing else.
Slope = Callable[
    [Float[Array, ""], Float[Array, " variables"], object], Float[Array, " variables"]
]
SOLVERS = {"kvaerno5": diffrax.Kvaerno5, "tsit5": diffrax.Tsit5}


class MeanFieldError(Refusal):
    """The rate equations cannot be followed; the text says why and what to do."""

    exit_code = 3


@dataclass(frozen=True, eq=False)
class Followed:
    """The points at the times asked for and at the end, and the steps taken."""

    points: Float[np.ndarray, "times variables"]
    end: Float[np.ndarray, " variables"]
    steps: int


def follow(
    slope: Slope,
    start: Float[np.ndarray, " variables"],
    span: tuple[float, float],
    times: Float[np.ndarray, " times"],
    jumps: tuple[float, ...],
    settings: OdeSettings,
) -> Followed:
    """The solution from the start of the span to its end, at some times within.

    `jumps` are times at which the slope jumps. `times` ascend; equal ones are allowed.

    Raises:
        MeanFieldError: the steps were used up, or the solution leads to no number.
    """
    wanted = np.append(times, span[1])
    points, is_done, steps, reached = _solve(
        slope,
        jnp.asarray(start),
        jnp.asarray(span),
        jnp.asarray(wanted),
        jnp.asarray(jumps) if jumps else None,
        jnp.asarray(settings.tolerance),
        jnp.asarray(settings.absolute),
        settings.solver,
        settings.max_steps,
    )
    found = np.asarray(points)
    if not bool(is_done) or not np.isfinite(found).all():
        raise MeanFieldError(_why(float(reached), int(steps), settings))
    return Followed(found[:-1], found[-1], int(steps))


def _why(reached: float, steps: int, settings: OdeSettings) -> str:
    if steps >= settings.max_steps:
        return (
            f"the rate equations used up `max_steps` = {settings.max_steps:,} at t = "
            f"{reached:g}: the means may grow without bound there, or `solver` = "
            f"{settings.solver} does not suit them; plot them up to this time, raise "
            "`max_steps`, or take `kvaerno5`"
        )
    return (
        f"the rate equations lead to no number after t = {reached:g}: the means grow "
        "without bound, or a propensity divides by zero; end the run earlier, or "
        "change the propensity"
    )


@eqx.filter_jit
def _solve(
    slope: Slope,
    start: Float[Array, " variables"],
    span: Float[Array, "2"],
    times: Float[Array, " times"],
    jumps: Float[Array, " jumps"] | None,
    tolerance: Float[Array, ""],
    absolute: Float[Array, ""],
    solver: str,
    max_steps: int,
) -> tuple[Array, Array, Array, Array]:
    """Points, whether the end was reached, steps taken, the last time reached."""
    controller = diffrax.PIDController(rtol=tolerance, atol=absolute)
    if jumps is not None:
        controller = diffrax.ClipStepSizeController(controller, jump_ts=jumps)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(slope),
        SOLVERS[solver](),
        span[0],
        span[1],
        None,
        start,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=controller,
        adjoint=diffrax.ForwardMode(),  # nothing is differentiated backwards
        max_steps=max_steps,
        throw=False,
    )
    assert solution.ys is not None
    is_done = solution.result == diffrax.RESULTS.successful
    is_there = jnp.all(jnp.isfinite(solution.ys), axis=1)
    reached = jnp.max(jnp.where(is_there, times, span[0]))
    return solution.ys, is_done, solution.stats["num_steps"], reached
