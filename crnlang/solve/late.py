"""What late channels do to a conditional, with a guess of what their propensities are.

A late channel reads a count after the position, so that its flow needs E[a_k | r, m].
Take any function g_k(r, m) for it: the flow that g makes is known for every prefix and
all copy numbers, and only a_k - g_k is left to be sampled (a control variate). Here g
is a piecewise linear function of m and a linear one of the counts before, fitted to the
batch by least squares, and 0 where that is negative.

What is left is spread out along m by polynomials (`spread`). Averaged over all that may
follow a prefix the rates are exact for every g, up to what no polynomial of this order
shows.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from crnlang.solve.conditional_rates import ConditionalRates, LateChannels

#: Order of the polynomials of a copy number that sampled values are spread out by; one
#: of a norm below `ROUNDING` is no new one.
DEGREE, ROUNDING = 6, 1e-7
#: Knots of a guess along the count; how much it resists bending between them.
KNOTS, STIFF = 18, 1e-4


@dataclass(frozen=True, eq=False)
class Guess:
    """g(r, m) = max(0, by[m] + slopes . (r - mean r)) for each channel.

    `beside` is what the counts before the position add at each state.
    """

    by: Float[np.ndarray, "levels channels"]
    slopes: Float[np.ndarray, "before channels"]
    beside: Float[np.ndarray, "states channels"]

    def along(
        self, moves: Int[np.ndarray, "channels here"] | None = None
    ) -> Float[np.ndarray, "channels states levels"]:
        """The guess for all copy numbers, after some changes of the counts so far."""
        by = self.by.T[:, None, :]
        beside = self.beside.T[:, :, None]
        if moves is not None:
            steps = moves[:, -1:]
            levels = np.arange(by.shape[2])
            place = np.clip(levels + steps, 0, len(levels) - 1)
            by = np.take_along_axis(self.by.T, place, axis=1)[:, None, :]
            shift = (moves[:, :-1].T * self.slopes).sum(axis=0)
            beside = beside + shift[:, None, None]
        return np.maximum(by + beside, 0.0)


def guess(
    counts: Int[np.ndarray, "states here"],
    weights: Float[np.ndarray, " states"],
    propensities: Float[np.ndarray, "states channels"],
    levels: int,
) -> Guess:
    """The guess that is nearest to each propensity, with few knots along m.

    Where few states are near a knot it goes on straight, as bending is resisted.
    """
    number = min(KNOTS, levels)
    knots = np.linspace(0, levels - 1, number)
    at = np.arange(levels)
    hats = np.stack([np.interp(at, knots, row) for row in np.eye(number)], axis=1)
    shares = weights / weights.sum()
    before = counts[:, :-1] - shares @ counts[:, :-1]
    average = shares @ propensities
    inputs = np.concatenate([hats[counts[:, -1]], before], axis=1)
    bends = np.zeros((max(number - 2, 0), inputs.shape[1]))
    bends[:, :number] = np.diff(np.eye(number), 2, axis=0)
    weighed = (inputs * shares[:, None]).T
    matrix = weighed @ inputs + STIFF * bends.T @ bends
    matrix += np.diag(1e-8 + 1e-6 * (shares @ inputs**2))
    found = np.linalg.solve(matrix, weighed @ (propensities - average))
    by, slopes = found[:number], found[number:]
    return Guess(average + hats @ by, slopes, before @ slopes)


@dataclass(frozen=True, eq=False)
class LateFlow:
    """What late channels add to a position, for each state: see `ConditionalRates`.

    `rates` by the guess, `own` its share that moves the count by each of the steps,
    `sampled` what is left; `size` is its square, as sums over the batch feel it.
    """

    rates: Float[np.ndarray, "states levels"]
    own: Float[np.ndarray, "states steps levels"]
    sampled: Float[np.ndarray, "states levels"]
    size: Float[np.ndarray, " states"]


def late_flow(
    found: ConditionalRates,
    late: LateChannels,
    steps: Int[np.ndarray, " steps"],
    counts: Int[np.ndarray, "states here"],
    weights: Float[np.ndarray, " states"],
    is_open: Bool[np.ndarray, "states levels"],
) -> LateFlow:
    """The flow of all late channels at one position.

    **Arguments:**

    - `found`: the rates at every state, as arrays of numpy.
    - `steps`: the steps of `found.own`.
    - `counts`: the free counts up to the position; `weights` sum to 1.
    """
    law, within = np.asarray(found.law), np.asarray(found.within)
    states, levels = law.shape
    rates, sampled = np.zeros((2, states, levels))
    own = np.zeros((states, len(steps), levels))
    size = np.zeros(states)
    row, here = np.arange(states), counts[:, -1]
    for place, step in enumerate(steps.tolist()):
        is_step = late.steps == step
        if not is_step.any():
            continue
        firing = within[:, is_step].sum(axis=1)
        known = guess(counts, weights, firing[:, None], levels).along()[0]
        known = np.where(_shifted(is_open, -step), known, 0.0)
        own[:, place] = known
        rates += _shifted(law * known, step) - law * known
        left = firing - known[row, here]
        flux = spread(law * _shifted(is_open, -step), here, left)
        sampled += _shifted(flux, step) - flux
        size += left**2 * step**2 / np.maximum(_variance(law), 1.0)
    if len(late.across):
        part = found.across
        arriving, whole, into, before, after = map(
            np.asarray,
            (part.arriving, part.whole, part.into, part.before, part.after),
        )
        known = guess(counts, weights, after, levels)
        there, earlier = known.along(), known.along(-late.moves)
        gain = np.einsum("skm,ksm->sm", arriving, earlier)
        gain -= law * there.sum(axis=0)
        rates += gain - law * gain.sum(axis=1, keepdims=True)
        left = into * before - whole * earlier[:, row, here].T
        left -= after - there[:, row, here].T
        extra = left.sum(axis=1)
        sampled += spread(law, here, extra) - extra[:, None] * law
        size += extra**2
    return LateFlow(rates, own, sampled, size)


def _variance(law: Float[np.ndarray, "states levels"]) -> Float[np.ndarray, " states"]:
    levels = np.arange(law.shape[1])
    return law @ levels**2 - (law @ levels) ** 2


def spread(
    law: Float[np.ndarray, "states levels"],
    here: Int[np.ndarray, " states"],
    values: Float[np.ndarray, " states"],
) -> Float[np.ndarray, "states levels"]:
    """`values` at the sampled copy numbers, spread out over all of them.

    The moments of every row up to the order `DEGREE` stay, and what is spread is the
    law times a polynomial of this order: by those orthonormal under the law of the row,
    values law(m) sum_j p_j(m) p_j(here). What late channels leave to be sampled is
    smooth along m, so this takes noise away and nothing else.
    """
    row, levels = np.arange(len(law)), law.shape[1]
    at = np.linspace(-1.0, 1.0, levels) if levels > 1 else np.zeros(1)
    norm = np.sqrt(law.sum(axis=1, keepdims=True))
    present = np.where(norm > 0, 1 / np.where(norm > 0, norm, 1.0), 0.0) + 0 * law
    before, last = np.zeros_like(law), np.zeros_like(norm)
    kernel = present * present[row, here][:, None]
    for _ in range(min(DEGREE, levels - 1)):
        middle = (law * at * present**2).sum(axis=1, keepdims=True)
        after = (at - middle) * present - last * before
        size = np.sqrt((law * after**2).sum(axis=1, keepdims=True))
        is_new = size > ROUNDING
        before, last = present, size
        present = np.where(is_new, after / np.where(is_new, size, 1.0), 0.0)
        kernel = kernel + present * present[row, here][:, None]
    return law * kernel * values[:, None]


def _shifted(values: np.ndarray, step: int) -> np.ndarray:
    """What stands at m - step, at m; 0 from beyond the ends."""
    found = np.zeros_like(values)
    if step > 0:
        found[:, step:] = values[:, :-step]
    elif step < 0:
        found[:, :step] = values[:, -step:]
    else:
        found[:] = values
    return found
