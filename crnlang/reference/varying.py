"""The law under propensities that depend on time: Runge-Kutta between their jumps.

Propensities jump where a comparison of `t` with a constant changes (pulses, switches):
the integration stops there and restarts, so that no pulse is stepped over.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.integrate import solve_ivp

from crnlang.ir.expr import (
    Call,
    Expr,
    Function,
    Time,
    depends_on_time,
    evaluate,
    slots_of,
    walk,
)
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.equation import MasterEquation
from crnlang.reference.refusals import ToleranceError

#: The functions whose value jumps where the two arguments are equal.
COMPARISONS = frozenset(
    {Function.LT, Function.LE, Function.GT, Function.GE, Function.EQ, Function.NE}
)
#: Explicit steps cost about the largest out-rate times the span; above, implicit ones.
STIFF_ABOVE = 1e5
#: At least so many steps between two jumps: a smooth pulse cannot hide between steps.
LEAST_STEPS = 100


def jumps(lowered: LoweredNetwork) -> tuple[float, ...]:
    """The times at which some propensity compares `t` itself with a constant."""
    found: set[float] = set()
    for family in lowered.families:
        for node in walk(family.propensity):
            if isinstance(node, Call) and node.function in COMPARISONS:
                left, right = node.arguments
                for one, other in ((left, right), (right, left)):
                    if isinstance(one, Time) and _is_constant(other):
                        found.add(
                            float(evaluate(other, (), lowered.parameters, 0.0, np))
                        )
    return tuple(sorted(found))


def _is_constant(expr: Expr) -> bool:
    return not slots_of(expr) and not depends_on_time(expr)


@dataclass(frozen=True, eq=False)
class Piece:
    """The equation between two jumps; `t` never touches the jumps themselves."""

    equation: MasterEquation
    start: float
    end: float

    def inside(self, t: float) -> float:
        """`t`, moved off the ends by the smallest steps that matter."""
        margin = 1e-12 * (self.end - self.start)
        return float(np.clip(t, self.start + margin, self.end - margin))

    def flow(
        self, t: float, law: Float[np.ndarray, " states"]
    ) -> Float[np.ndarray, " states"]:
        """The derivative of the law."""
        return self.equation.flow(self.inside(t), law)

    def jacobian(self, t: float, law: Float[np.ndarray, " states"]) -> object:
        """The generator; it does not depend on the law."""
        del law
        return self.equation.augmented(self.inside(t)).tocsc()

    def radius(self) -> float:
        """The largest out-rate seen at a few times of the piece."""
        times = np.linspace(self.start, self.end, 17)
        return max(
            float(-self.equation.augmented(self.inside(t)).diagonal().min())
            for t in times
        )


def evolve_varying(
    equation: MasterEquation, times: tuple[float, ...], tolerance: float
) -> tuple[Float[np.ndarray, "times states"], float]:
    """The augmented law at each time, and an estimate of the final 1-norm error.

    Each piece is integrated by Dormand-Prince 8(5,3) or, if stiff, by Radau IIA 5 with
    a local tolerance far below `tolerance`; the estimate is the drift of the total
    probability or that local tolerance, whichever is larger.

    Raises:
        ToleranceError: the integrator gave up.
    """
    law = equation.start()
    found = np.empty((len(times), len(law)))
    found[np.array(times) == 0.0] = law
    inner = [t for t in jumps(equation.lowered) if 0 < t < times[-1]]
    edges = [0.0, *inner, times[-1]]
    for start, end in pairwise(edges):
        wanted = [k for k, t in enumerate(times) if start < t <= end]
        asked = [times[k] for k in wanted]
        laws = _integrate(Piece(equation, start, end), law, (*asked, end), tolerance)
        found[wanted] = laws[:-1]
        law = laws[-1]
    drift = float(np.abs(found[:, :-1].sum(axis=1) - 1).max())
    return found, max(drift, tolerance / 100)


def _integrate(
    piece: Piece,
    law: Float[np.ndarray, " states"],
    times: tuple[float, ...],
    tolerance: float,
) -> Float[np.ndarray, "times states"]:
    """The law at times inside one piece, the last of them its end.

    The integrator steps to every time: its interpolation between steps has no error
    control, and misses `tolerance` where the law changes fast at first.
    """
    span = piece.end - piece.start
    explicit: dict[str, Any] = {"method": "DOP853"}
    implicit: dict[str, Any] = {"method": "Radau", "jac": piece.jacobian}
    method = implicit if piece.radius() * span > STIFF_ABOVE else explicit
    stops = np.unique(times)
    found = np.empty((len(stops), len(law)))
    step = None
    for k, (start, end) in enumerate(pairwise([piece.start, *stops])):
        solution = solve_ivp(
            piece.flow,
            (start, end),
            law,
            rtol=max(tolerance / 100, 3e-14),
            atol=tolerance / 100 / len(law),
            max_step=span / LEAST_STEPS,
            first_step=step and min(step, end - start),
            **method,
        )
        if not solution.success:
            raise ToleranceError(tolerance, solution.message)
        law = found[k] = solution.y[:, -1]
        step = min(float(np.diff(solution.t).max()), span / LEAST_STEPS)
    return found[np.searchsorted(stops, times)]
