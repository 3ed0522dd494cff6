"""What late channels do to a conditional, with a guess of what their propensities are.

A late channel reads a count after the position, so that its flow needs E[a_k | r, m].
Take any function g_k(r, m) for it: the flow that g makes is known for every prefix and
all copy numbers, and only a_k - g_k is left to be sampled (a control variate). What of
it is known to average to 0 over the later counts (`solve.outlook`) is taken away.

What is left is spread out along m by hat functions (`spread`). Averaged over all that
may follow a prefix the rates are exact for every g, up to this smoothing.
"""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from crnlang.solve.adjust import TINY
from crnlang.solve.conditional_rates import ConditionalRates
from crnlang.solve.guess import guess
from crnlang.solve.hats import hats_of
from crnlang.solve.late_channels import LateChannels
from crnlang.solve.outlook import Outlook

#: Hat functions of a copy number that sampled values are spread out by, and terms.
HATS, TERMS = 14, 2


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
    outlook: Outlook,
) -> LateFlow:
    """The flow of all late channels at one position.

    **Arguments:**

    - `found`: the rates at every state, as arrays of numpy.
    - `steps`: the steps of `found.own`.
    """
    law, within = np.asarray(found.law), np.asarray(found.within)
    states, levels = law.shape
    rates, sampled = np.zeros((2, states, levels))
    own = np.zeros((states, len(steps), levels))
    size = np.zeros(states)
    row, here = np.arange(states), outlook.counts[:, -1]
    for place, step in enumerate(steps.tolist()):
        is_step = late.steps == step
        if not is_step.any():
            continue
        firing = within[:, is_step].sum(axis=1)
        guessed = guess(outlook, firing[:, None])
        goes = _shifted(outlook.is_open, -step)
        known = np.where(goes, guessed.along(outlook)[0], 0.0)
        own[:, place] = known
        rates += _shifted(law * known, step) - law * known
        left = firing - known[row, here] - guessed.beyond[:, 0]
        left = np.where(goes[row, here], left, 0.0)
        flux = spread(law * goes, here, left)
        sampled += _shifted(flux, step) - flux
        size += left**2 * step**2 / np.maximum(_variance(law), 1.0)
    if len(late.across):
        gain, extra = _across(found, late, outlook)
        rates += gain - law * gain.sum(axis=1, keepdims=True)
        sampled += spread(law, here, extra) - extra[:, None] * law
        size += extra**2
    return LateFlow(rates, own, sampled, size)


def _across(
    found: ConditionalRates, late: LateChannels, outlook: Outlook
) -> tuple[Float[np.ndarray, "states levels"], Float[np.ndarray, " states"]]:
    """What appears at every copy number by the guess, and what is left of each state.

    Of the channels that change a count before the position.
    """
    part = jax.tree.map(np.asarray, found.across)
    row, here = np.arange(len(outlook.counts)), outlook.counts[:, -1]
    known = guess(outlook, part.free)
    stays = _stays(outlook, late.moves)
    there = np.where(stays, known.along(outlook), 0.0)
    earlier = known.before(outlook, late.moves)
    gain = np.einsum("skm,ksm->sm", part.arriving, earlier)
    gain -= np.asarray(found.law) * there.sum(axis=0)
    left = part.into * part.before - part.whole * earlier[:, row, here].T
    left -= part.after - there[:, row, here].T
    # of both propensities what averages to 0, each where the channel fires from
    left += np.where(stays[:, row, here].T, known.beyond, 0.0)
    left -= known.beyond_before(outlook, late.moves, part.source)
    extra = left.sum(axis=1)
    return gain, extra - guess(outlook, extra[:, None]).beyond[:, 0]


def _stays(
    outlook: Outlook, moves: Int[np.ndarray, "channels here"]
) -> Bool[np.ndarray, "channels states levels"]:
    """Whether the counts up to the position let a channel fire, at all copy numbers."""
    moved = outlook.counts[:, :-1] + moves[:, None, :-1]
    earlier = np.all((moved >= 0) & (moved <= outlook.caps[:-1]), axis=2)
    own = [_shifted(outlook.is_open, -step) for step in moves[:, -1].tolist()]
    return earlier[:, :, None] & np.stack(own)


def _variance(law: Float[np.ndarray, "states levels"]) -> Float[np.ndarray, " states"]:
    levels = np.arange(law.shape[1])
    return law @ levels**2 - (law @ levels) ** 2


def spread(
    law: Float[np.ndarray, "states levels"],
    here: Int[np.ndarray, " states"],
    values: Float[np.ndarray, " states"],
) -> Float[np.ndarray, "states levels"]:
    """`values` at the sampled copy numbers, spread out over those about them.

    The law times a piecewise linear function, values law(m) h(m) . G^-1 h(here) with h
    hat functions and G = E[h h^T] under the law of the row, would keep E[h]. But far
    from the likely counts it grows from knot to knot, so G^-1 is cut off after a few
    terms of its Neumann series about 1 / E[h], each of which reaches one knot further.
    What late channels leave to be sampled is smooth along m, so this takes noise away
    and little else.
    """
    hats = hats_of(law.shape[1], HATS)
    whole, own = law @ hats, law @ hats**2
    beside = law @ (hats[:, :-1] * hats[:, 1:])
    scale = 1 / np.where(whole > TINY, whole, np.inf)
    shares = hats[here] * scale
    for _ in range(TERMS):
        missing = hats[here] - own * shares
        missing[:, :-1] -= beside * shares[:, 1:]
        missing[:, 1:] -= beside * shares[:, :-1]
        shares = shares + missing * scale
    return law * (shares @ hats.T) * values[:, None]


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
