"""Where a first passage starts: the initial law, given some states.

Where it gives them no probability, the law for long times is taken in its place: what
the initial law becomes as t grows, on average over time. With the generator W it is the
limit of e (e - W)^-1 p for small e; two steps of inverse iteration reach it.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, Integer
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Expr
from crnlang.ir.lowered import LoweredNetwork, StartLaw
from crnlang.reference.elimination import factorise
from crnlang.reference.equation import MasterEquation, master_equation, radius
from crnlang.reference.refusals import PassageError
from crnlang.reference.states import initial_law

#: The shift e, in units of the largest out-rate: far below what can be told from 0.
SHIFT = 1e-14
#: Starts are drawn so often, as many as are needed each time.
MOST_ROUNDS = 100


def depart(
    lowered: LoweredNetwork, start: Expr | None, max_states: int
) -> LoweredNetwork:
    """The same network, started from the states of `start`; from all without it.

    Raises:
        PassageError: these states have no probability, or one that changes with time.
        TooManyStatesError: the initial law, or what it reaches, has too many states.
    """
    if start is None:
        return lowered
    states, weights = initial_law(lowered, max_states)
    weights = weights * holds(lowered, start, states)
    if not weights.any():
        equation = master_equation(lowered, max_states)
        check_steady(lowered, equation, "the initial law gives `from` no probability")
        states = equation.states
        weights = long_time_law(equation, max_states)
        weights = weights * holds(lowered, start, states)
    if not weights.any():
        raise PassageError(
            "neither the initial law nor the law for long times gives `from` any "
            "probability",
            "start the species in it",
        )
    return replace(lowered, start=StartLaw(states, weights / weights.sum()))


def holds(
    lowered: LoweredNetwork, condition: Expr, states: Integer[np.ndarray, "states _"]
) -> Bool[np.ndarray, " states"]:
    """Whether a condition that does not read `t` holds in each state."""
    counts = [column.astype(float) for column in states.T]
    found = evaluate_float64(condition, counts, lowered.parameters, 0.0)
    return np.broadcast_to(found != 0, len(states))


def draw_departures(
    lowered: LoweredNetwork, start: Expr, number: int, seed: int
) -> Int[np.ndarray, "number variables"]:
    """States drawn from the initial law, given those of `start`.

    Raises:
        PassageError: the initial law gives these states too little probability.
    """
    random, kept, missing = np.random.default_rng(seed), [], number
    cumulative = [law.cumsum() / law.sum() for law in lowered.initial]
    for _ in range(MOST_ROUNDS):
        shares = random.random((number, len(cumulative)))
        columns = [
            np.searchsorted(sums, share, side="right")
            for sums, share in zip(cumulative, shares.T, strict=True)
        ]
        states = np.stack(columns, axis=1).astype(np.int64)
        kept.append(states[holds(lowered, start, states)][:missing])
        missing -= len(kept[-1])
        if not missing:
            return np.concatenate(kept)
    draws = MOST_ROUNDS * number
    raise PassageError(
        f"{number - missing:,} of {draws:,} draws from the initial law lie in `from`, "
        f"and {number:,} are needed",
        "start the species in it, or ask `fsp`, which can start from the law for long "
        "times",
    )


def check_steady(
    lowered: LoweredNetwork, equation: MasterEquation, reason: str
) -> None:
    """Raise `PassageError` where the process changes with time, for this reason."""
    fix = "start the species in `from` and ask `hit`"
    for firing in equation.firings:
        if firing.is_varying:
            reaction = " + ".join(firing.channel.family.reactions)
            raise PassageError(f"{reason}, and the rate of `{reaction}` reads `t`", fix)
    if lowered.jumps:
        raise PassageError(f"{reason}, and an event changes copy numbers", fix)


def long_time_law(
    equation: MasterEquation, max_states: int
) -> Float[np.ndarray, " states"]:
    """The law for long times on the states of an equation that nothing leaves.

    Raises:
        PassageError: there are too many states.
        TooManyStatesError: the initial law has too many.
    """
    size = equation.size
    matrix = equation.steady[:size, :size] / radius(equation.steady)
    factors = factorise(SHIFT * sparse.eye_array(size) - matrix)
    states, weights = initial_law(equation.lowered, max_states)
    law = np.zeros(size)
    law[equation.index.positions(states)] = weights
    for _ in range(2):
        law = np.maximum(factors.solve(law), 0.0)
        law /= law.sum()
    return law * _recurrent(matrix)


def flows_of(
    matrix: Any,
) -> tuple[Int[np.ndarray, " flows"], Int[np.ndarray, " flows"]]:
    """From which state to which a generator lets probability flow."""
    found = sparse.coo_array(matrix)
    is_flow = (found.row != found.col) & (found.data > 0)
    return found.col[is_flow], found.row[is_flow]


def _recurrent(matrix: Any) -> Bool[np.ndarray, " states"]:
    """The states of classes that are never left."""
    sources, targets = flows_of(matrix)
    _, classes = connected_components(matrix, directed=True, connection="strong")
    is_left = np.zeros(classes.max() + 1, dtype=bool)
    is_left[classes[sources[classes[sources] != classes[targets]]]] = True
    return ~is_left[classes]
