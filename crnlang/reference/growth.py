"""Which states a set needs beside its own, from the flow across its edge."""

import numpy as np
from jaxtyping import Float

from crnlang.reference.equation import MasterEquation, equation_on
from crnlang.reference.states import StateIndex, likeliest

#: How many standard deviations luckier than the mean a run of firings may be.
LUCK = 6.0


def needed_states(
    equation: MasterEquation,
    flow: Float[np.ndarray, " edge"],
    t: float,
    span: float,
    omit: float,
    room: int,
) -> StateIndex | None:
    """States outside the set, so that at most `omit` flows to all others in `span`.

    `flow` is the probability that arrives at each edge state in that time. Layer by
    layer, what arrives is followed along the channels: it stays for 1 / out-rate, at
    most for the span, and goes on as long as firings much luckier than usual would let
    it. This is an estimate: it leaves out what comes back.
    `None` where more than `room` states are needed.
    """
    waiting, left = equation.edge, np.full(len(flow), np.inf)
    found = equation.index.keep(np.zeros(equation.size, dtype=bool))
    while True:
        kept = likeliest(flow, omit)
        if not kept.any():
            return found
        layer = waiting.keep(kept)
        found = found.union(layer)
        if len(found.codes) > room:
            return None
        around = equation_on(equation.lowered, layer)
        wait = 1 / np.maximum(around.out_rates(around.flux(t)), 1e-300)
        start = span + LUCK * (np.sqrt(span * wait) + wait)
        rest = np.where(np.isinf(left[kept]), start, left[kept])
        stay = np.clip(np.minimum(wait, rest), 0.0, span)
        arriving = around.inflow(t, flow[kept] * stay)[1]
        later = _latest(around, rest - wait)
        is_new = (equation.index.find(around.edge.codes) < 0) & (
            found.find(around.edge.codes) < 0
        )
        waiting, flow, left = _joined(
            (waiting.keep(~kept), flow[~kept], left[~kept]),
            (around.edge.keep(is_new), arriving[is_new], later[is_new]),
        )


def _latest(
    layer: MasterEquation, left: Float[np.ndarray, " states"]
) -> Float[np.ndarray, " edge"]:
    """The time left at each edge state: the most that any of its sources leaves."""
    latest = np.zeros(layer.size + 1 + len(layer.edge.codes))
    np.maximum.at(latest, layer.targets, left[layer.sources])
    return latest[layer.size + 1 :]


Waiting = tuple[StateIndex, np.ndarray, np.ndarray]


def _joined(one: Waiting, other: Waiting) -> Waiting:
    """Two lists of waiting states as one: their flows add up."""
    codes = np.concatenate([one[0].codes, other[0].codes])
    unique, first, numbers = np.unique(codes, return_index=True, return_inverse=True)
    states = np.vstack([one[0].states, other[0].states])[first]
    flow = np.bincount(numbers, np.concatenate([one[1], other[1]]), len(unique))
    left = np.zeros(len(unique))
    np.maximum.at(left, numbers, np.concatenate([one[2], other[2]]))
    return StateIndex(states, unique, one[0].caps), flow.astype(float), left
