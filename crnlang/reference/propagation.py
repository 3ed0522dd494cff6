"""The law on a fixed set of states, moved in time."""

import numpy as np
from jaxtyping import Float

from crnlang.exponential import evolve
from crnlang.reference.equation import MasterEquation, radius
from crnlang.reference.varying import evolve_varying


def propagate(
    equation: MasterEquation,
    law: Float[np.ndarray, " augmented"],
    start: float,
    times: tuple[float, ...],
    until: float,
    tolerance: float,
) -> tuple[Float[np.ndarray, "times augmented"], Float[np.ndarray, " times"]]:
    """The augmented law at each time, from that at `start`, and the errors (1-norm).

    The times ascend; the whole run ends at `until`. Constant propensities: an expansion
    of the matrix exponential, whose errors are bounds. Propensities that read `t`:
    power series in short steps, whose errors are bounds as far as `varying` says.

    Raises:
        ToleranceError: propensities change too fast.
    """
    if equation.is_varying:
        return evolve_varying(equation, law, start, times, until, tolerance)
    matrix = equation.steady
    spans = tuple(time - start for time in times)
    return evolve(matrix, radius(matrix), law, spans, tolerance)
