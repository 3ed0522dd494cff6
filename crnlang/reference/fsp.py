"""Finite state projection: the law on every reachable state, or on a moving set.

On the box the law is exact within the caps and the time integration. A set that follows
the law (`adaptive`) costs an error that is bounded beside it. The flux that upper caps
stop is integrated too: the `leak` says whether the caps are high enough.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Integer

from crnlang.ir.expr import depends_on_time
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.adaptive import SetLaw, SetStep, follow_law, start_law
from crnlang.reference.equation import MasterEquation, master_equation
from crnlang.reference.jumps import jumped_law, stretches
from crnlang.reference.propagation import propagate
from crnlang.reference.refusals import JumpsError, SetTooLargeError, ToleranceError
from crnlang.reference.states import initial_law
from crnlang.settings import FspSettings


@dataclass(frozen=True, eq=False)
class FspTrajectory:
    """The law at the save times, and how it was found.

    `steps` has one entry a step of an adaptive set, none on a box. Where `stopped` is
    not None, `laws` end early: at the save times reached, followed by the last good
    time. `is_varying` says that propensities read `t`: the bounds then rest on what
    their samples show (see `varying`).
    """

    laws: tuple[SetLaw, ...]
    is_adaptive: bool
    is_varying: bool
    steps: tuple[SetStep, ...] = ()
    stopped: SetTooLargeError | KeyboardInterrupt | None = None

    @cached_property
    def times(self) -> Float[np.ndarray, " times"]:
        """The times of the laws."""
        return np.array([law.t for law in self.laws], dtype=float)

    @cached_property
    def leak(self) -> Float[np.ndarray, " times"]:
        """The expected number of firings, so far, that an upper cap stopped.

        Where it is far below 1, it is also about the probability that the process
        without caps would have left the box.
        """
        return np.array([law.leak for law in self.laws])

    @cached_property
    def bound(self) -> Float[np.ndarray, " times"]:
        """The largest error of any probability, laws divided by their sums."""
        return np.array([law.bound for law in self.laws])

    @cached_property
    def states(self) -> Integer[np.ndarray, "states variables"]:
        """Every state that any of the laws holds, in lexicographic order."""
        sets = {id(law.states): law.states for law in self.laws}
        if len(sets) == 1:
            return self.laws[0].states
        return np.unique(np.vstack(list(sets.values())), axis=0)

    @cached_property
    def probabilities(self) -> Float[np.ndarray, "times states"]:
        """The laws on the common `states`; they may add up to less than 1."""
        found = np.zeros((len(self.laws), len(self.states)))
        rows = {row.tobytes(): place for place, row in enumerate(self.states)}
        for table, law in zip(found, self.laws, strict=True):
            places = [rows[row.tobytes()] for row in law.states]
            table[places] = law.probabilities
        return found


def generator(
    lowered: LoweredNetwork, t: float = 0.0, max_states: int = FspSettings.max_states
) -> tuple[Int[np.ndarray, "states variables"], Any]:
    """The reachable states, in lexicographic order, and the sparse generator W at `t`.

    Column j of the CSR matrix W holds the flux out of state j, so columns add up to 0.

    Raises:
        TooManyStatesError: more than `max_states` states can be reached.
        WrongPropensityError: a propensity is negative or not finite.
    """
    equation = master_equation(lowered, max_states)
    size = equation.size
    return equation.states, equation.augmented(t)[:size, :size].tocsr()


def _silent(_: SetStep) -> None:
    """Say nothing about a step."""


def solve_fsp(
    lowered: LoweredNetwork,
    settings: FspSettings,
    report: Callable[[SetStep], None] = _silent,
) -> FspTrajectory:
    """The law of the network at the save times; `report` hears of every adaptive step.

    Raises:
        TooManyStatesError: the box, or the initial law, has more than `max_states`.
        SetTooLargeError: so would an adaptive set, before the first save time.
        WrongPropensityError: a propensity is negative or not finite.
        ToleranceError: `settings.tolerance`, or `truncation`, could not be reached.
        JumpsError: the set is to be adaptive, but events change copy numbers.
        WrongJumpError: an event leads out of the box.
    """
    if is_adaptive(lowered, settings):
        return _solve_adaptive(lowered, settings, report)
    return _solve_box(lowered, settings)


def is_adaptive(lowered: LoweredNetwork, settings: FspSettings) -> bool:
    """Whether the states are a set that follows the law.

    Raises:
        JumpsError: they are to be, but events change copy numbers.
    """
    if lowered.jumps:
        if settings.states == "adaptive":
            raise JumpsError("an adaptive set of states")
        return False
    if settings.states != "auto":
        return settings.states == "adaptive"
    return lowered.space.number_of_states() > settings.max_states


def _is_varying(lowered: LoweredNetwork) -> bool:
    return any(depends_on_time(family.propensity) for family in lowered.families)


def _solve_box(lowered: LoweredNetwork, settings: FspSettings) -> FspTrajectory:
    """The law on every reachable state."""
    equation = master_equation(lowered, settings.max_states)
    laws, errors = _propagated(equation, settings)
    if errors[-1] > settings.tolerance:
        raise ToleranceError(settings.tolerance, f"its error may be {errors[-1]:.1e}")
    probabilities = _without_rounding(laws[:, :-1], settings.tolerance)
    states = equation.index.compact
    found = tuple(
        SetLaw(t, states, law, float(leak), float(error))
        for t, law, leak, error in zip(
            settings.save, probabilities, laws[:, -1], errors, strict=True
        )
    )
    return FspTrajectory(found, is_adaptive=False, is_varying=_is_varying(lowered))


def _propagated(
    equation: MasterEquation, settings: FspSettings
) -> tuple[Float[np.ndarray, "times augmented"], Float[np.ndarray, " times"]]:
    """The augmented law at each save time, and the error so far, events included."""
    law, error = _start(equation, settings.max_states), 0.0
    laws = np.zeros((len(settings.save), len(law)))
    errors = np.zeros(len(settings.save))
    pieces = stretches(equation.lowered, settings.save, settings.until)
    tolerance = settings.tolerance / len(pieces)
    for piece in pieces:
        if piece.start > 0:
            law = jumped_law(equation, piece.start, law)
        times = [settings.save[i] for i in piece.save]
        wanted = tuple(dict.fromkeys([*times, piece.end]))
        found, spent = propagate(
            equation, law, piece.start, wanted, settings.until, tolerance
        )
        places = list(piece.save)
        laws[places], errors[places] = found[: len(times)], error + spent[: len(times)]
        law, error = found[-1], error + float(spent[-1])
    return laws, errors


def _start(
    equation: MasterEquation, max_states: int
) -> Float[np.ndarray, " augmented"]:
    """The augmented law at time 0."""
    states, weights = initial_law(equation.lowered, max_states)
    law = np.zeros(equation.size + 1)
    law[equation.index.positions(states)] = weights
    return law


def _without_rounding(
    laws: Float[np.ndarray, "times states"], tolerance: float
) -> Float[np.ndarray, "times states"]:
    """The laws with rounding below zero set to zero.

    Raises:
        ToleranceError: an entry is further below zero than the tolerance.
    """
    if laws.min() < -tolerance:
        raise ToleranceError(tolerance, f"a probability came out as {laws.min():.1e}")
    return np.maximum(laws, 0.0)


def _solve_adaptive(
    lowered: LoweredNetwork, settings: FspSettings, report: Callable[[SetStep], None]
) -> FspTrajectory:
    """The law on a moving set; a set too large, or Ctrl-C, keeps what was found."""
    end = start_law(lowered, settings)
    laws = [end.as_law()] if settings.save[0] == 0.0 else []
    steps: list[SetStep] = []
    stopped: SetTooLargeError | KeyboardInterrupt | None = None
    try:
        for stride in follow_law(end, settings):
            end = stride.end
            laws += stride.laws
            steps.append(stride.info)
            report(stride.info)
    except (SetTooLargeError, KeyboardInterrupt) as error:
        if not laws or laws[-1].t == 0.0:
            raise
        stopped = error
        if laws[-1].t < end.t:
            laws.append(end.as_law())
    return FspTrajectory(
        tuple(laws),
        is_adaptive=True,
        is_varying=_is_varying(lowered),
        steps=tuple(steps),
        stopped=stopped,
    )
