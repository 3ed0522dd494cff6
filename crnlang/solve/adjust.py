"""The network after given changes of probability on some states.

Each conditional is fitted to a table over prefixes r and copy numbers m,

    Q(r, m) = P(r) P(m | r) + (sum of the changes of the states that begin with r, m),

so that states without a change keep what they have: where nothing changes the network
stays exactly as it is, whatever states were looked at. A resistance holds back changes
of weights that the law does not feel; see `solve.conditional_fit`.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Integer

from crnlang.nn.base import AbstractAutoregressive
from crnlang.nn.conditional import ConditionalNetworks
from crnlang.solve.conditional_fit import (
    Objective,
    Weights,
    cast,
    conditional_law,
    each_block,
    levels_of,
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
    model: AbstractAutoregressive,
    states: Integer[np.ndarray, "states variables"],
    weights: Float[np.ndarray, " states"],
    change: Float[np.ndarray, " states"],
    noise: float = 0.0,
) -> AbstractAutoregressive:
    """The network after the changes. `weights` sum to 1, `change` to 0.

    `noise` is the standard deviation of sums over the states of weight times a number
    of order 1: where some states stand for others. As much is the resistance: less
    would let noise move weights that hardly anything holds. The fit is in float64,
    whatever the precision of the network.
    """
    assert isinstance(model, ConditionalNetworks), "projection needs blocks"
    dtype = model.dtype
    given = cast(model, np.dtype(float))
    ordered = states[:, list(model.order)]

    def fit(place: int) -> Weights:
        position = model.block_positions[place]
        levels = levels_of(given, position)
        table, mass = tabulate(ordered, weights, change, position, levels)
        before = np.concatenate(
            [
                np.asarray(conditional_law(given, place, prefixes))
                for prefixes, _ in table.pieces
            ]
        )
        target = np.where(before > 0, mass[:, None] * before + table.law, 0.0)
        wanted = replace(table, law=target)
        return _fit(Objective(given, place, wanted, SHIFTS, max(noise, LEAST)))

    return cast(given.with_weight_blocks(each_block(given, fit)), dtype)


def _fit(objective: Objective) -> Weights:
    """The new weights of one block."""
    weights = objective.model.weight_blocks()[objective.place][0]
    first = best = float(objective.values(weights[None])[0])
    for _ in range(MOST_STEPS):
        moved, after = objective.improve(weights)
        if after <= best:
            break
        gain, weights, best = after - best, moved, after
        if gain <= max(GAIN, SHARE * (best - first)):
            break
    return weights
