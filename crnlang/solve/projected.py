"""One long step: the law propagated on selected states, then the network adjusted.

    dp/dt = W p + source      on the selection, the source from outside as it is now
    change(n) = weight(n) (p(n, dt) / P(n) - 1)

The generator on the selection is exact, however stiff, so the step is limited only by
what happens outside: the source changes, and states that are not selected gain or lose.
Both show in the error of the step:

    |sum of the changes|
    + 1/4 sum_n weight(n) (dt source(n) / P(n)) min(|p / P - 1|, 10)

the mass that went where nobody looked, and the change that the source would have had if
its states had moved as their neighbours inside did.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse import csr_matrix, hstack, vstack

from crnlang.exponential import evolve
from crnlang.nn.conditional import ConditionalNetworks
from crnlang.solve.adjust import adjust_law
from crnlang.solve.pieces import log_probs
from crnlang.solve.selection import Selection
from crnlang.solve.surroundings import Surroundings

#: Tries of one step, each SHORTER times as long as the one before.
TRIES = 8
SHORTER = 0.4
#: Error of the time integration in the 1-norm.
EXPANDED = 1e-12
#: The flow from outside into a state is taken to grow by no more than this factor: a
#: state that was all but empty may itself grow by any.
AT_MOST = 10.0


@dataclass(frozen=True, eq=False)
class FittedStep:
    """The network after a step of length `dt`, and the health of the step.

    `residual` is the share of the motion that the network did not follow, 0 for none,
    as a ratio of Hellinger distances over the selection; `strayed` is what it did not
    follow in total variation. `inside` is the error inside rare boxes, which the whole
    law does not feel.
    """

    model: ConditionalNetworks
    dt: float
    error: float
    residual: float
    strayed: float
    rejections: int
    inside: float = 0.0

    @property
    def worst(self) -> float:
        """What the tolerance limits."""
        return max(self.error, self.inside)


def projected_step(
    model: ConditionalNetworks,
    around: Surroundings,
    chosen: Selection,
    dt: float,
    tolerance: float,
) -> FittedStep:
    """Take one step on the chosen states, shortened until its error is small enough.

    The result may still be bad after `TRIES`: then `error` is not below the tolerance
    and `model` is the model before the step.
    """
    w, _ = around.matrix(chosen.states, chosen.rates)
    noise = chosen.effective_size**-0.5
    rejections = 0
    while True:
        law = law_after(w, chosen, dt)
        change, error = _compare(chosen, law, dt)
        if error < tolerance:
            moved = adjust_law(model, chosen.states, chosen.weights, change, noise)
            residual, strayed = _missed(moved, chosen, law)
            if residual < 1 or strayed < tolerance:
                return FittedStep(moved, dt, error, residual, strayed, rejections)
            error = strayed  # the fit went astray
        rejections += 1
        if rejections == TRIES:
            return FittedStep(model, dt, error, 1.0, 1.0, rejections)
        dt *= SHORTER


def law_after(
    w: csr_matrix, chosen: Selection, dt: float
) -> Float[np.ndarray, " states"]:
    """p(dt) on the selection; rounding below 0 is 0.

    The source enters from one more state, whose probability stays 1.
    """
    fastest = float(-w.diagonal().min(initial=0.0))
    if fastest == 0.0:
        return chosen.law + dt * chosen.source
    start = np.append(chosen.law, 1.0)
    moving = hstack([w, csr_matrix(chosen.source[:, None])])
    augmented = vstack([moving, csr_matrix((1, len(start)))]).tocsr()
    found, _ = evolve(augmented, fastest, start, (dt,), EXPANDED)
    return np.maximum(found[0][:-1], 0.0)


def _compare(
    chosen: Selection, law: Float[np.ndarray, " states"], dt: float
) -> tuple[Float[np.ndarray, " states"], float]:
    """The weighted changes, summing to 0, and the error of the step."""
    moved = law - chosen.law
    change = chosen.stands_for * moved
    imbalance = float(change.sum())
    # a state may be so unlikely that the ratio is beyond all numbers
    with np.errstate(over="ignore", divide="ignore"):
        relative = np.minimum(np.abs(moved) / chosen.law, AT_MOST)
    outside = float(np.sum(chosen.stands_for * dt * chosen.source * relative)) / 4
    return change - imbalance * chosen.weights, abs(imbalance) + outside


def _missed(
    moved: ConditionalNetworks, chosen: Selection, law: Float[np.ndarray, " states"]
) -> tuple[float, float]:
    """How far the network is from the law: over how far the law moved, and as it is."""
    found = np.exp(log_probs(moved, chosen.states))
    share = chosen.stands_for
    left = np.sum(share * (np.sqrt(found) - np.sqrt(law)) ** 2)
    whole = np.sum(share * (np.sqrt(chosen.law) - np.sqrt(law)) ** 2)
    residual = float(np.sqrt(left / whole)) if whole > 0 else 0.0
    return residual, float(np.sum(share * np.abs(found - law))) / 2
