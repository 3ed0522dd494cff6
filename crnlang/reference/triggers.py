"""Events that wait for a condition: what they make of states, all at once.

An event happens when a firing, or another event, takes the state from where its
condition is false to where it is true. So the process with such events is Markov, too:
each firing leads to the state that is left when no more events happen.
"""

import numpy as np
from jaxtyping import Bool, Int

from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Expr
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.refusals import EndlessEventsError, WrongJumpError

#: After so many events in a row, they are taken to follow one another for ever.
MOST_IN_A_ROW = 100


def settle(
    lowered: LoweredNetwork,
    before: Int[np.ndarray, "states variables"],
    after: Int[np.ndarray, "states variables"],
    t: float = 0.0,
) -> Int[np.ndarray, "states variables"]:
    """What is left of states `after` a change once all events have happened.

    Values are taken just before each event; of events at one instant that change the
    same copy number, the last one of the file counts.

    Raises:
        WrongJumpError: an event leads out of the box.
        EndlessEventsError: events follow one another for ever.
    """
    triggers = lowered.network.triggers
    if not triggers or not len(after):
        return after
    was = [_holds(lowered, one.condition, before) for one in triggers]
    fires: list[Bool[np.ndarray, " states"]] = []
    for _ in range(MOST_IN_A_ROW):
        now = [_holds(lowered, one.condition, after) for one in triggers]
        fires = [new & ~old for new, old in zip(now, was, strict=True)]
        if not np.any(fires):
            return after
        found = after.copy()
        for trigger, rows in zip(triggers, fires, strict=True):
            for variable, value in zip(trigger.variables, trigger.values, strict=True):
                found[rows, variable] = _whole(lowered, value, after[rows])
        is_inside = ((found >= 0) & (found <= lowered.space.caps)).all(axis=1)
        if not is_inside.all():
            state = after[int(np.argmin(is_inside))].tolist()
            raise WrongJumpError(lowered.space.names, state, t)
        was, after = now, found
    state = after[int(np.argmax(np.any(fires, axis=0)))].tolist()
    raise EndlessEventsError(lowered.space.names, state, t)


def _holds(
    lowered: LoweredNetwork,
    condition: Expr,
    states: Int[np.ndarray, "states variables"],
) -> Bool[np.ndarray, " states"]:
    counts = [column.astype(float) for column in states.T]
    found = evaluate_float64(condition, counts, lowered.parameters, 0.0)
    return np.broadcast_to(found != 0, len(states))


def _whole(
    lowered: LoweredNetwork, value: Expr, states: Int[np.ndarray, "states variables"]
) -> Int[np.ndarray, " states"]:
    """The values at states; -1 for what is no whole number."""
    counts = [column.astype(float) for column in states.T]
    found = evaluate_float64(value, counts, lowered.parameters, 0.0)
    whole = np.where(found == np.floor(found), found, -1)
    return np.broadcast_to(whole, len(states)).astype(np.int64)
