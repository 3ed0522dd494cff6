"""Finite state projection: the exact law on the reachable states of the box.

The flux that upper caps stop is integrated beside the law: the `leak` says whether
the caps are high enough.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.equation import master_equation
from crnlang.reference.exponential import evolve
from crnlang.reference.refusals import ToleranceError
from crnlang.reference.varying import evolve_varying
from crnlang.settings import FspSettings


@dataclass(frozen=True, eq=False)
class FspTrajectory:
    """The law at the save times.

    `leak[k]` is the expected number of firings until `times[k]` that an upper cap
    stopped; where it is far below 1, it is also about the probability that the process
    without caps would have left the box. `error` estimates the 1-norm error of the
    time integration at the end.
    """

    times: Float[np.ndarray, " times"]
    states: Int[np.ndarray, "states variables"]
    probabilities: Float[np.ndarray, "times states"]
    leak: Float[np.ndarray, " times"]
    error: float


def generator(
    lowered: LoweredNetwork, t: float = 0.0, max_states: int = FspSettings.max_states
) -> tuple[Int[np.ndarray, "states variables"], Any]:
    """The reachable states, in lexicographic order, and the sparse generator W at `t`.

    Column j of the CSR matrix W holds the flux out of state j, so columns add up to 0.

    Raises:
        TooManyStatesError: more than `max_states` states can be reached.
        WrongPropensityError: a propensity is negative or not finite.
    """
    equation = master_equation(lowered, max_states)
    size = len(equation.states)
    return equation.states, equation.augmented(t)[:size, :size].tocsr()


def solve_fsp(lowered: LoweredNetwork, settings: FspSettings) -> FspTrajectory:
    """The law of the network at the save times.

    Constant propensities: Chebyshev expansion of the exponential. Propensities that
    read `t`: an adaptive Runge-Kutta method between the jumps of the propensities.

    Raises:
        TooManyStatesError: more states than `settings.max_states` can be reached.
        WrongPropensityError: a propensity is negative or not finite.
        ToleranceError: `settings.tolerance` could not be reached.
    """
    equation = master_equation(lowered, settings.max_states)
    if equation.is_varying:
        laws, error = evolve_varying(equation, settings.save, settings.tolerance)
    else:
        matrix = equation.augmented(0.0)
        laws, error = evolve(
            matrix, _radius(matrix), equation.start(), settings.save, settings.tolerance
        )
    if error > settings.tolerance:
        raise ToleranceError(settings.tolerance, f"its error may be {error:.1e}")
    return FspTrajectory(
        times=np.array(settings.save, dtype=float),
        states=equation.states,
        probabilities=_without_rounding(laws[:, :-1], settings.tolerance),
        leak=laws[:, -1],
        error=error,
    )


def _radius(matrix: Any) -> float:
    """The largest out-rate, or flux that a cap stops; not 0 where nothing happens."""
    return max(float(-matrix.diagonal().min()), float(matrix[[-1], :].max()), 1e-300)


def _without_rounding(
    laws: Float[np.ndarray, "times states"], tolerance: float
) -> Float[np.ndarray, "times states"]:
    """The laws with rounding below zero set to zero.

    Raises:
        ToleranceError: an entry is further below zero than the tolerance.
    """
    if laws.min() < -tolerance:
        raise ToleranceError(tolerance, f"a probability came out as {laws.min():.1e}")
    return np.maximum(laws, 0.0)
