"""One long step: the law propagated on selected states, then the network adjusted.

    dp/dt = W p + source      on the selection, the source from outside as it is now
    change(n) = weight(n) (p(n, dt) / P(n) - 1)

The generator on the selection is exact, however stiff, so the step is limited only by
what happens outside: the source changes, and states that are not selected gain or lose.
Both show in the error of the step:

    |sum of the changes|  +  1/4 sum_n weight(n) (dt source(n) / P(n)) |p / P - 1|

the mass that went where nobody looked, and the change that the source would have had if
its states had moved as their neighbours inside did.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from crnlang.nn.base import AbstractAutoregressive
from crnlang.solve.adjust import adjust_law
from crnlang.solve.pieces import log_probs
from crnlang.solve.selection import Selection
from crnlang.solve.surroundings import Surroundings
from crnlang.solve.uniformize import uniformize

#: Tries of one step, each SHORTER times as long as the one before.
TRIES = 8
SHORTER = 0.4


@dataclass(frozen=True, eq=False)
class ProjectedStep:
    """The network after a step of length `dt`, and the health of the step.

    `residual` is the share of the motion that the network did not follow, 0 for none,
    as a ratio of Hellinger distances over the selection.
    """

    model: AbstractAutoregressive
    dt: float
    error: float
    residual: float
    rejections: int


def projected_step(
    model: AbstractAutoregressive,
    around: Surroundings,
    chosen: Selection,
    dt: float,
    tolerance: float,
) -> ProjectedStep:
    """Take one step on the chosen states, shortened until its error is small enough.

    The result may still be bad after `TRIES`: then `error` is not below the tolerance
    and `model` is the model before the step.
    """
    w, _ = around.matrix(chosen.states, chosen.rates)
    law, rejections = uniformize(w, chosen.source, chosen.law, dt), 0
    change, error = _compare(chosen, law, dt)
    while not error < tolerance:
        rejections += 1
        if rejections == TRIES:
            return ProjectedStep(model, dt, error, 1.0, rejections)
        dt *= SHORTER
        law = uniformize(w, chosen.source, chosen.law, dt)
        change, error = _compare(chosen, law, dt)
    moved = adjust_law(model, chosen.states, chosen.weights, change)
    residual = _missed(moved, chosen, law)
    return ProjectedStep(moved, dt, error, residual, rejections)


def _compare(
    chosen: Selection, law: Float[np.ndarray, " states"], dt: float
) -> tuple[Float[np.ndarray, " states"], float]:
    """The weighted changes, summing to 0, and the error of the step."""
    relative = law / chosen.law - 1.0
    change = chosen.weights * relative
    imbalance = float(change.sum())
    share = dt * chosen.source / chosen.law
    outside = float(np.sum(chosen.weights * share * np.abs(relative))) / 4
    return change - imbalance * chosen.weights, abs(imbalance) + outside


def _missed(
    moved: AbstractAutoregressive, chosen: Selection, law: Float[np.ndarray, " states"]
) -> float:
    """How far the network is from the law, over how far the law moved."""
    root = np.exp(0.5 * log_probs(moved, chosen.states))
    share = chosen.weights / chosen.law
    left = np.sum(share * (root - np.sqrt(law)) ** 2)
    whole = np.sum(share * (np.sqrt(chosen.law) - np.sqrt(law)) ** 2)
    return float(np.sqrt(left / whole)) if whole > 0 else 0.0
