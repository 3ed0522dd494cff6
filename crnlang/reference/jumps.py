"""Events that change copy numbers: the pieces of a run between them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.equation import MasterEquation
from crnlang.reference.refusals import WrongJumpError
from crnlang.reference.triggers import settle


@dataclass(frozen=True, slots=True)
class Stretch:
    """The run from `start`, after the events there, to `end`, before those there.

    `save` are the positions of the save times in it: at an event, the law after it.
    """

    start: float
    end: float
    save: tuple[int, ...]


def stretches(
    lowered: LoweredNetwork, save: tuple[float, ...], until: float
) -> list[Stretch]:
    """The pieces of a run; one where no event changes copy numbers."""
    times = sorted({jump.time for jump in lowered.jumps if jump.time <= until})
    edges = [0.0, *times, until]
    found: list[Stretch] = []
    for place, start in enumerate(edges[:-1]):
        end, is_last = edges[place + 1], place == len(edges) - 2
        inside = tuple(
            i for i, t in enumerate(save) if start <= t and (t < end or is_last)
        )
        found.append(Stretch(start, end, inside))
    return found


def jumped(
    lowered: LoweredNetwork, t: float, states: Int[np.ndarray, "states variables"]
) -> Int[np.ndarray, "states variables"]:
    """The states after the events at a time, and those that they set off.

    Raises:
        WrongJumpError: one of them lies outside the box.
    """
    found = lowered.after_jumps(t, states)
    is_inside = ((found >= 0) & (found <= lowered.space.caps)).all(axis=1)
    if not is_inside.all():
        state = states[int(np.argmin(is_inside))].tolist()
        raise WrongJumpError(lowered.space.names, state, t)
    return settle(lowered, states, found, t)


def jumped_law(
    equation: MasterEquation, t: float, law: Float[np.ndarray, " augmented"]
) -> Float[np.ndarray, " augmented"]:
    """The law on the states of an equation after the events at a time; the leak stays.

    Raises:
        WrongJumpError: a state that occurs leads out of the box.
    """
    occurs = np.flatnonzero(law[:-1])
    targets = jumped(equation.lowered, t, equation.states[occurs])
    places = equation.index.positions(targets)
    found = np.bincount(places, law[:-1][occurs], equation.size).astype(float)
    return np.append(found, law[-1])
