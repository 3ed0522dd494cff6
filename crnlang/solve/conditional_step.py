"""One step of every conditional by itself, at the prefixes of a batch.

An exponential method of order 3 in the space of laws. With y(m) = P(m | r) for each
prefix r, and f its rates (`solve.conditional_rates`), T y is about what moves the count
at the position; it is linear, and followed exactly. What is left, N(y) = f(y) - T y, is
a polynomial of the time in each stage, with h = dt:

    y_a(h/2):  N = N(y)
    y_b(h):    N = 2 N(y_a) - N(y)
    y(h):      N = the parabola through N(y), N(y_a), N(y_b)

From y_b on T also pulls back the rows that turned out to be stiff: see `_pulled`.
After each stage every conditional is fitted to its table by maximum likelihood
(`solve.adjust`), which is a sum over likely prefixes and over all copy numbers: no
ratio of small probabilities enters, and where the network can follow the motion no
noise does. The error of the step is the distance from the result of order 2, with the
straight line through N(y) and N(y_a), and of rare boxes, where questions ask about any,
the same distance given that all counts are inside (`solve.rare_boxes`).

Source: Cox and Matthews, J. Comput. Phys. 176 (2002) 430 (ETD3RK).
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.solve.adjust import Follower
from crnlang.solve.conditional_fit import law_of
from crnlang.solve.prefixes import Drawer, Motion, Prefixes, Tables
from crnlang.solve.projected import SHORTER, TRIES, FittedStep
from crnlang.solve.rare_boxes import distance_inside

#: Share of the noise of what is sampled that resists changes of the weights.
RESISTED = 0.1
#: A row that would fall back by more than this share in a step is pulled, by at most so
#: many times as much.
STIFF, PULLED = 0.5, 1000.0


# a wild fit may overflow: then the error is no number, and the step is refused
@np.errstate(over="ignore", divide="ignore", invalid="ignore")
def conditional_step(
    model: ConditionalNetworks,
    drawer: Drawer,
    prefixes: Prefixes,
    t: float,
    dt: float,
    tolerance: float,
) -> FittedStep:
    """Take one step, shortened until its error is small enough.

    The result may still be bad after `TRIES`: then `error` is not below the tolerance
    and `model` is the model before the step.
    """
    plain = drawer.motion(model, prefixes, t)
    follower, rejections = Follower(len(model.networks)), 0
    begin, resisted = (_rest(plain, plain), plain.sampled), RESISTED * plain.noise

    def fitted_to(given: ConditionalNetworks, goal: _Goal) -> ConditionalNetworks:
        """The network fitted to tables."""
        noise = dt * resisted
        rare = None if prefixes.rare is None else [box.levels for box in prefixes.rare]
        return follower.fit(given, prefixes.rows, *goal[:2], noise, rare)

    while True:
        goal = _reach(plain, dt / 2, begin)
        error = goal.spilled
        halfway = fitted_to(model, goal)
        there = drawer.motion(halfway, prefixes, t + dt / 2, plain)
        start = _pulled(plain, there, dt)
        first = _rest(start, start), start.sampled
        middle = _rest(start, there), there.sampled
        ahead = _combined((-1.0, first), (2.0, middle))
        goal = _reach(start, dt, ahead)
        error += goal.spilled
        nearly = fitted_to(halfway, goal)
        there = drawer.motion(nearly, prefixes, t + dt, plain)
        last = _rest(start, there), there.sampled
        slope = _combined((-3.0, first), (4.0, middle), (-1.0, last))
        curve = _combined((2.0, first), (-4.0, middle), (2.0, last))
        goal = _reach(start, dt, first, slope, curve)
        line = _combined((-2.0, first), (2.0, middle))
        lower = _reach(start, dt, first, line).whole
        error += 2 * _distance(goal.whole, lower)
        inside = distance_inside(prefixes.rare or (), goal.whole, lower)
        if max(error, inside) < tolerance:
            break
        rejections += 1
        if rejections == TRIES:
            return FittedStep(model, dt, error, 1.0, 1.0, rejections, inside)
        dt *= SHORTER
    moved = fitted_to(nearly, goal)
    laws = [
        law_of(moved, place, rows) * rows.mass[:, None]
        for place, rows in enumerate(prefixes.rows)
    ]
    missed, whole = _distance(laws, goal.whole), _distance(plain.law, goal.whole)
    residual = missed / whole if whole > 0 else 0.0
    strayed = 2**0.5 * missed
    return FittedStep(moved, dt, error, residual, strayed, rejections, inside)


def _pulled(start: Motion, there: Motion, dt: float) -> Motion:
    """The motion with a T that pulls back the rows whose rates answer strongly.

    Where the law of a row has changed by dy since the start and its rates by -x dy, the
    row is stiff in ways that T does not know of: from x dt > `STIFF` on T gets -x. As
    the first stage was taken with another T, such a row is followed to order 2.
    """
    own = []
    for place, motion in enumerate(start.own):
        change = there.law[place] - start.law[place]
        answer = there.rates[place] + there.sampled[place]
        answer = answer - start.rates[place] - start.sampled[place]
        answer = answer - motion(change)
        size = np.sum(change**2, axis=1)
        pull = -np.sum(answer * change, axis=1) / np.where(size > 0, size, 1.0)
        pull = np.where(pull * dt > STIFF, np.minimum(pull, PULLED / dt), 0.0)
        own.append(motion.pulled(pull))
    return replace(start, own=own)


def _rest(start: Motion, there: Motion) -> Tables:
    """N(y): the rates without T of the start."""
    return [
        rates - own(law)
        for rates, own, law in zip(there.rates, start.own, there.law, strict=True)
    ]


class _Goal(NamedTuple):
    """Tables to be fitted to, and what is known to be there, without what is sampled.

    The latter is not less than the law of the start. `spilled` is what fell below 0
    before it was taken to be 0.
    """

    whole: Tables
    known: Tables
    spilled: float


def _reach(start: Motion, dt: float, *sources: tuple[Tables, Tables]) -> _Goal:
    """The tables after dt.

    The j-th of the `sources`, what is left and what is sampled, grows with the time to
    the power j. What is sampled may leave less than nothing: only its mean counts.
    """
    rest, sampled = zip(*sources, strict=True)
    known, spilled = _kept(_advance(start, start.law, rest, dt))
    extra = _advance(start, None, sampled, dt)
    whole = [one + other for one, other in zip(known, extra, strict=True)]
    return _Goal(whole, [*map(np.maximum, known, start.law)], spilled)


def _advance(
    start: Motion, law: Tables | None, sources: Sequence[Tables], dt: float
) -> Tables:
    """y(dt) of dy/ds = T y + sum_j sources_j (s / dt)^j, y(0) = law, or 0."""

    def follow(place: int) -> Float[np.ndarray, "_rows _levels"]:
        own, here = start.own[place], start.law[place]
        first = np.zeros_like(here) if law is None else law[place]
        return own.follow(first, [source[place] for source in sources], dt)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(follow, range(len(start.own))))


def _kept(tables: Tables) -> tuple[Tables, float]:
    """The tables with nothing below 0, each row with its sum; what fell below."""
    found, spilled = [], 0.0
    for table in tables:
        spilled += float(np.sum(np.maximum(-table, 0.0)))
        kept = np.maximum(table, 0.0)
        left = kept.sum(axis=1, keepdims=True)
        whole = table.sum(axis=1, keepdims=True)
        found.append(kept * whole / np.where(left > 0, left, 1.0))
    return found, spilled


def _combined(*parts: tuple[float, tuple[Tables, Tables]]) -> tuple[Tables, Tables]:
    """The sum of weights times pairs of tables."""

    def total(which: int) -> Tables:
        places = zip(*(pair[which] for _, pair in parts), strict=True)
        weights = [weight for weight, _ in parts]
        return [np.tensordot(weights, np.stack(tables), 1) for tables in places]

    return total(0), total(1)


def _distance(one: Tables, other: Tables) -> float:
    """A bound on the Hellinger distance of two laws, from those of the conditionals."""
    total = 0.0
    for left, right in zip(one, other, strict=True):
        roots = np.sqrt(np.maximum(left, 0)) - np.sqrt(np.maximum(right, 0))
        total += float(np.sum(roots**2)) / 2
    return total**0.5
