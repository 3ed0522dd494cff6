"""Finite state projection on a set of states that follows the law.

Before a step the least likely states leave the set, and the states that take up most of
the flow across its edge enter it; what still leaves the set during the step is lost.
The law p on the set is then a lower bound of the exact law P on the box, and

    ||P - p||_1 <= lost + 2 error,   lost = 1 - sum p,

where `error` adds up the 1-norm errors of the time integration: the flow of the master
equation contracts the 1-norm, so that no error grows later. The law p / sum p is
within lost + error of P in total variation: no probability, of whatever set of states,
is off by more than this `bound`. Source of the argument: B. Munsky and M. Khammash,
J. Chem. Phys. 124 (2006) 044104.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Integer

from crnlang.exponential import LONGEST
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.equation import MasterEquation, equation_on
from crnlang.reference.growth import needed_states
from crnlang.reference.propagation import propagate
from crnlang.reference.refusals import SetTooLargeError, ToleranceError
from crnlang.reference.states import StateIndex, index_of, initial_law, likeliest
from crnlang.settings import FspSettings

#: Share of `truncation` that the initial law may lose.
AT_START = 0.05
#: A step may lose these shares of what is left of `truncation`: the first times its
#: share of the time left, but never less than the second.
BY_TIME, ANY_STEP = 0.8, 0.002
#: Shares of what a step may lose: the flow across the edge that makes the set grow, the
#: flow that then still goes to states outside, what is dropped together with what would
#: flow there, and the error of the time integration.
FELT, OMITTED, DROPPED, INTEGRATED = 0.5, 0.1, 0.1, 0.01
#: The set is built anew to drop states where they are this share of it.
WORTH_DROPPING = 0.1
#: Where a large set drops more than this share, the steps are too long for it.
LARGE, WASTED = 2000, 0.5
#: Growth of the step: usually, and after a try that was rejected.
LONGER, HARDLY_LONGER = 2.0, 1.25
#: Where a second try fails, one of these shares of the step may do.
PARTS = (0.25, 0.5)
#: After a try in vain, a set is to lose less than this share of what it might.
SHARPER = 1e-2
#: A step is tried on larger and larger sets so often, then at half its length.
MOST_TRIES = 4
#: Where the set is too large, so many shorter steps are tried.
MOST_TOO_LARGE = 8
#: No step is a smaller share of the run than this.
SHORTEST = 1e-20


@dataclass(frozen=True, eq=False)
class SetLaw:
    """The law at one time: states in lexicographic order, and their probabilities.

    The probabilities add up to less than 1 by what the set has lost. `leak` is the
    expected number of firings that an upper cap stopped so far, and `bound` the largest
    error of any probability under the law divided by its sum.
    """

    t: float
    states: Integer[np.ndarray, "states variables"]
    probabilities: Float[np.ndarray, " states"]
    leak: float
    bound: float


@dataclass(frozen=True, slots=True)
class SetStep:
    """The health of one accepted step.

    `t` is the time reached, `dt` the step, `states` the size of its set, `bound` the
    bound of the error so far, `lost` the part of it that left the set; `rejections` are
    the tries that were thrown away, `seconds` is the wall time.
    """

    t: float
    dt: float
    states: int
    bound: float
    lost: float
    rejections: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Moving:
    """The augmented law on the set of `equation` at time t, and the error so far."""

    t: float
    equation: MasterEquation
    law: Float[np.ndarray, " augmented"]
    error: float

    @property
    def mass(self) -> float:
        """The probability that is still in the set."""
        return float(self.law[:-1].sum())

    @property
    def lost(self) -> float:
        """The probability that has left the set."""
        return max(1.0 - self.mass, 0.0)

    @property
    def bound(self) -> float:
        """The largest error of any probability."""
        return self.lost + self.error

    def as_law(self) -> SetLaw:
        """The law to be handed out."""
        states = self.equation.index.compact
        return SetLaw(self.t, states, self.law[:-1], float(self.law[-1]), self.bound)


@dataclass(frozen=True, eq=False)
class Stride:
    """One accepted step: its health, the laws asked for on the way, where it ends."""

    info: SetStep
    laws: tuple[SetLaw, ...]
    end: Moving


@dataclass(frozen=True, slots=True)
class Plan:
    """A step to be tried: its length, and the probability that it may lose."""

    span: float
    share: float

    @property
    def sharper(self) -> "Plan":
        """The same step, for a set that is to be larger yet."""
        return Plan(self.span, self.share * SHARPER)


def start_law(lowered: LoweredNetwork, settings: FspSettings) -> Moving:
    """The initial law, without its least likely states.

    Raises:
        TooManyStatesError: it has more states than `max_states`.
    """
    drop = AT_START * settings.truncation
    rows, weights = initial_law(lowered, settings.max_states, drop)
    index = index_of(rows, lowered.space.caps)
    law = np.zeros(len(rows) + 1)
    law[index.positions(rows)] = weights
    return Moving(0.0, equation_on(lowered, index), law, 0.0)


def follow_law(start: Moving, settings: FspSettings) -> Iterator[Stride]:
    """Step after step, from time 0 to the end of the run.

    Raises:
        SetTooLargeError: the set would need more than `max_states` states.
        WrongPropensityError: a propensity is negative or not finite.
        ToleranceError: propensities change too fast, or no error is left to be made.
    """
    now, span = start, 1 / fastest(start)
    while now.t < settings.until:
        stride = _stride(now, min(span, LONGEST / fastest(now)), settings)
        yield stride
        now = stride.end
        span = _next_span(stride, settings)


def fastest(now: Moving) -> float:
    """The largest out-rate in the set, at the propensities of now."""
    equation = now.equation
    return max(float(equation.out_rates(equation.flux(now.t)).max()), 1e-300)


def _plan(now: Moving, span: float, settings: FspSettings) -> Plan:
    """A step of at most this length."""
    left = settings.until - now.t
    rest = max(settings.truncation - now.bound, 0.0)
    return Plan(min(span, left), rest * max(BY_TIME * min(span / left, 1), ANY_STEP))


def _stride(now: Moving, span: float, settings: FspSettings) -> Stride:
    """The next step, the longest that works.

    Raises:
        SetTooLargeError: the set stays too large however short the step.
        ToleranceError: no error is left to be made.
    """
    started, rejections, too_large = time.perf_counter(), 0, 0
    while span > SHORTEST * settings.until:
        plan = _plan(now, span, settings)
        span = plan.span / 2
        try:
            laws, tries = _attempt(now, plan, settings)
        except SetTooLargeError:
            too_large += 1
            if too_large > MOST_TOO_LARGE:
                raise
            continue
        rejections += tries
        if laws:
            return _taken(now, laws, rejections, settings, started)
    raise ToleranceError(settings.truncation, f"its error is used up at t = {now.t:g}")


def _attempt(
    now: Moving, plan: Plan, settings: FspSettings
) -> tuple[list[Moving], int]:
    """The laws of a step, or of its first part, and how many tries were in vain.

    No laws where no set was found on which little enough is lost.

    Raises:
        SetTooLargeError: such a set would be too large.
    """
    fitted, aim = _fitted(now, plan, settings), plan
    for tries in range(MOST_TRIES):
        laws = _propagated(fitted, plan, settings)
        good = _good(now, fitted, laws, settings)
        if len(good) == len(laws) or (good and tries):
            return good, tries
        wider = _widened(fitted, laws[-1], aim, settings)
        if wider is fitted:
            return good, tries + 1
        fitted, aim = wider, aim.sharper
    return [], MOST_TRIES


def _good(
    now: Moving, fitted: Moving, laws: list[Moving], settings: FspSettings
) -> list[Moving]:
    """The laws until the set has lost too much."""
    for number, law in enumerate(laws):
        if fitted.mass - law.mass > _plan(now, law.t - now.t, settings).share:
            return laws[:number]
    return laws


def _taken(
    now: Moving,
    laws: list[Moving],
    rejections: int,
    settings: FspSettings,
    started: float,
) -> Stride:
    """An accepted step: the laws at its save times, and the one at its end."""
    end = laws[-1]
    info = SetStep(
        t=end.t,
        dt=end.t - now.t,
        states=end.equation.size,
        bound=end.bound,
        lost=end.lost,
        rejections=rejections,
        seconds=time.perf_counter() - started,
    )
    saved = tuple(law.as_law() for law in laws if law.t in settings.save)
    return Stride(info, saved, end)


def _propagated(fitted: Moving, plan: Plan, settings: FspSettings) -> list[Moving]:
    """The laws at the save times within the step, at parts of it, and at its end."""
    is_last = plan.span >= settings.until - fitted.t
    end = settings.until if is_last else fitted.t + plan.span
    parts = [fitted.t + part * plan.span for part in PARTS]
    save = [t for t in settings.save if fitted.t < t < end]
    times = (*sorted({*save, *parts}), end)
    tolerance = INTEGRATED * plan.share
    found, errors = propagate(
        fitted.equation, fitted.law, fitted.t, times, settings.until, tolerance
    )
    return [
        Moving(t, fitted.equation, np.maximum(law, 0.0), fitted.error + float(error))
        for t, law, error in zip(times, found, errors, strict=True)
    ]


def _fitted(now: Moving, plan: Plan, settings: FspSettings) -> Moving:
    """The law on a set that suits the step.

    Raises:
        SetTooLargeError: it would have more than `max_states` states.
    """
    inside, edge = _inflow(now, plan)
    costs = now.law[:-1] + plan.span * inside
    kept = likeliest(costs, DROPPED * plan.share)
    extra = now.equation.edge.keep(np.zeros(len(edge), dtype=bool))
    if plan.span * edge.sum() > FELT * plan.share:
        extra = _needed(now, edge, plan, int(kept.sum()), settings)
    if not len(extra.codes) and kept.mean() > 1 - WORTH_DROPPING:
        return now
    return _on(now, now.equation.index.keep(kept).union(extra))


def _widened(fitted: Moving, end: Moving, plan: Plan, settings: FspSettings) -> Moving:
    """The law on a larger set, from the flow across the edge at the end of a step.

    The same set where that flow does not explain what was lost.

    Raises:
        SetTooLargeError: it would have more than `max_states` states.
    """
    edge = np.maximum(_inflow(fitted, plan)[1], _inflow(end, plan)[1])
    extra = _needed(fitted, edge, plan, fitted.equation.size, settings)
    if not len(extra.codes):
        return fitted
    return _on(fitted, fitted.equation.index.union(extra))


def _needed(
    now: Moving,
    edge: Float[np.ndarray, " edge"],
    plan: Plan,
    kept: int,
    settings: FspSettings,
) -> StateIndex:
    """The states that a set needs, of which it keeps so many."""
    flow, omit = plan.span * edge, OMITTED * plan.share
    room = settings.max_states - kept
    found = needed_states(now.equation, flow, now.t, plan.span, omit, room)
    if found is None:
        raise SetTooLargeError(now.t, settings.max_states, settings.truncation)
    return found


def _next_span(stride: Stride, settings: FspSettings) -> float:
    """The step to try next: shorter where most of a large set was on the way only."""
    now, span = stride.end, stride.info.dt
    if now.equation.size > LARGE and now.t < settings.until:
        plan = _plan(now, span, settings)
        costs = now.law[:-1] + plan.span * _inflow(now, plan)[0]
        if likeliest(costs, DROPPED * plan.share).mean() < 1 - WASTED:
            return span / LONGER
    return span * (HARDLY_LONGER if stride.info.rejections else LONGER)


def _inflow(
    now: Moving, plan: Plan
) -> tuple[Float[np.ndarray, " states"], Float[np.ndarray, " edge"]]:
    """What flows into states and edge states, at the larger of both ends' rates."""
    found = now.equation.inflow(now.t, now.law)
    if not now.equation.is_varying:
        return found
    later = now.equation.inflow(now.t + plan.span, now.law)
    return np.maximum(found[0], later[0]), np.maximum(found[1], later[1])


def _on(now: Moving, index: StateIndex) -> Moving:
    """The same law on another set; what it has outside is lost."""
    places = index.find(now.equation.index.codes)
    law = np.zeros(len(index.codes) + 1)
    law[places[places >= 0]] = now.law[:-1][places >= 0]
    law[-1] = now.law[-1]
    return Moving(now.t, equation_on(now.equation.lowered, index), law, now.error)
