"""The network after given changes of probability on some states.

Each conditional is fitted to a table over prefixes r and copy numbers m,

    Q(r, m) = P(r) P(m | r) + (sum of the changes of the states that begin with r, m),

so that states without a change keep what they have: where nothing changes the network
stays exactly as it is, whatever states were looked at. A resistance holds back changes
of weights that the law does not feel; see `solve.conditional_fit`.

Sampled changes are right on average, but may leave less than nothing of a probability
P0, and Q log P would then be the larger the smaller P is, without end. Below a share of
P0, what Q lacks becomes D P, with D = lack / P0: the slope at P0 is the same, so that
averages over changes stay right there, but what the fit can gain is bounded.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Array, Bool, Float, Integer

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.nn.padding import padded
from crnlang.solve.conditional_fit import Objective, Weights, fit_each
from crnlang.solve.tables import Rows, likelihood_bound, tabulate

#: Dampings of the Fisher matrix.
SHIFTS = (1e-6, 1e-4, 1e-2, 1e-1)
#: The same where the matrix may be old.
OLD_SHIFTS = (1e-6, 1e-4, 1e-2)
#: A sampled change takes at most what leaves this share of a probability; one that is
#: known but for what flows in from sampled states, this share.
LEFT, KNOWN_LEFT = 0.3, 1e-3
#: What is less likely is not there.
TINY = 1e-200
#: Smallest resistance.
LEAST = 1e-8
#: Copy numbers in rare boxes count at most so many times as much as others.
STRESS = 30.0
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

    def fit(model: ConditionalNetworks, place: int) -> Weights:
        table, mass = tabulate(model, place, ordered, weights, change)
        resistance = max(noise, LEAST)
        objective = Objective(padded(model, place), table, SHIFTS, resistance)
        before = objective.conditional_law()
        before *= mass[:, None]
        target = np.where(before > 0, before + table.law, 0.0)
        parts = _parted(target, before, KNOWN_LEFT)
        return _fit(replace(objective, table=table.with_law(*parts)))

    return fit_each(model, fit)


class Follower:
    """Fits the conditionals again and again to laws that move a little.

    The Fisher matrix that points the way may be old: it is made anew where a fit slows
    down.
    """

    def __init__(self, places: int) -> None:
        self.factors: list[Array | None] = [None] * places

    def fit(
        self,
        model: ConditionalNetworks,
        rows: Sequence[Rows],
        laws: Sequence[Float[np.ndarray, "_rows _levels"]],
        known: Sequence[Float[np.ndarray, "_rows _levels"]],
        noise: float = 0.0,
        rare: Sequence[Bool[np.ndarray, "_boxes _levels"]] | None = None,
    ) -> ConditionalNetworks:
        """Every conditional fitted to its law over prefixes and copy numbers.

        `known` is what is known to be there, without what is sampled; `noise` is the
        standard deviation of sums over the prefixes. The copy numbers in `rare` boxes
        are stressed.
        """
        resistance = max(noise, LEAST)

        def fit(model: ConditionalNetworks, place: int) -> Weights:
            law, taken = _parted(laws[place], known[place], LEFT)
            stress = None if rare is None else _stress(known[place], rare[place])
            table = rows[place].table(law, taken, stress)
            objective = Objective(padded(model, place), table, OLD_SHIFTS, resistance)
            most = likelihood_bound(law, stress)
            return self._fit(objective, place, most)

        return fit_each(model, fit)

    def _fit(self, objective: Objective, place: int, most: float) -> Weights:
        """The new weights of one conditional; no value exceeds `most`."""
        weights = objective.start
        first = best = float(objective.values(weights[None])[0])
        for _ in range(MOST_STEPS):
            if most - best < GAIN:
                break
            is_new = self.factors[place] is None
            if is_new:
                self.factors[place] = objective.factors(weights)
            moved, after = objective.improve(weights, self.factors[place])
            gain = after - best
            if gain > 0:
                weights, best = moved, after
            if gain <= max(GAIN, SHARE * (best - first)):
                if is_new:
                    break
                self.factors[place] = None
        return weights


def _parted(
    target: Float[np.ndarray, "rows levels"],
    known: Float[np.ndarray, "rows levels"],
    left: float,
) -> tuple[Float[np.ndarray, "rows levels"], Float[np.ndarray, "rows levels"]]:
    """Q and D of a target, of which so much is known to be there."""
    law = np.maximum(target, left * known)
    given = known / np.maximum(known.sum(axis=1, keepdims=True), TINY)
    return law, (law - target) / np.where(given > TINY, given, np.inf)


def _stress(
    known: Float[np.ndarray, "rows levels"], rare: Bool[np.ndarray, "boxes levels"]
) -> Float[np.ndarray, "rows levels"] | None:
    """How much more the copy numbers inside rare boxes count, row by row.

    So much that all of a box weighs as much as its row, but at most `STRESS`; None
    where no box leaves a copy number out.
    """
    rare = rare[~rare.all(axis=1)]
    if not len(rare):
        return None
    given = known / np.maximum(known.sum(axis=1, keepdims=True), TINY)
    more = np.clip(1 / np.maximum(given @ rare.T, TINY), 1.0, STRESS)
    return np.max(np.where(rare, more[:, :, None], 1.0), axis=1)


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
