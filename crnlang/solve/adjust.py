"""The network after given changes of probability on some states.

Each conditional is fitted to a table over prefixes r and copy numbers m,

    Q(r, m) = P(r) P(m | r) + (sum of the changes of the states that begin with r, m),

so that states without a change keep what they have: where nothing changes the network
stays exactly as it is, whatever states were looked at. A resistance holds back changes
of weights that the law does not feel; see `solve.conditional_fit`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Integer

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.nn.padding import padded
from crnlang.solve.conditional_fit import (
    Objective,
    Rows,
    Weights,
    fit_each,
    tabulate,
)

#: Dampings of the Fisher matrix.
SHIFTS = (1e-6, 1e-4, 1e-2, 1e-1)
#: Smallest resistance.
LEAST = 1e-8
#: Most steps of one conditional.
MOST_STEPS = 30
#: Stop when a step gains less than this, in nats, or this share of all gained so far.
GAIN = 1e-8
SHARE = 0.001


def adjust_law(
    model: ConditionalNetworks,
    states: Integer[np.ndarray, "states variables"],
    weights: Float[np.ndarray, " states"],
    change: Float[np.ndarray, " states"],
    noise: float = 0.0,
) -> ConditionalNetworks:
    """The network after the changes. `weights` sum to 1, `change` to 0.

    `noise` is the standard deviation of sums over the states of weight times a number
    of order 1: where some states stand for others. As much is the resistance: less
    would let noise move weights that hardly anything holds.
    """
    ordered = states[:, list(model.order)]

    def fit(place: int) -> Weights:
        table, mass = tabulate(model, place, ordered, weights, change)
        resistance = max(noise, LEAST)
        objective = Objective(padded(model, place), table, SHIFTS, resistance)
        before = objective.conditional_law()
        target = np.where(before > 0, mass[:, None] * before + table.law, 0.0)
        return _fit(replace(objective, table=table.with_law(target)))

    return fit_each(model, fit)


def fit_tables(
    model: ConditionalNetworks,
    rows: Sequence[Rows],
    laws: Sequence[Float[np.ndarray, "rows levels"]],
    noise: float = 0.0,
) -> ConditionalNetworks:
    """Every conditional fitted to its law over prefixes and copy numbers.

    `noise` is the standard deviation of sums over the prefixes.
    """

    def fit(place: int) -> Weights:
        table = rows[place].table(laws[place])
        resistance = max(noise, LEAST)
        return _fit(Objective(padded(model, place), table, SHIFTS, resistance))

    return fit_each(model, fit)


def _fit(objective: Objective) -> Weights:
    """The new weights of one conditional."""
    weights = objective.start
    first = best = float(objective.values(weights[None])[0])
    for _ in range(MOST_STEPS):
        moved, after = objective.improve(weights)
        if after <= best:
            break
        gain, weights, best = after - best, moved, after
        if gain <= max(GAIN, SHARE * (best - first)):
            break
    return weights
