"""Gillespie's direct method, compiled: one trajectory after another, no JAX.

The propensities are functions generated from the IR. A firing that an upper cap stops
is drawn like any other, counted, and changes nothing: the law of the states is that of
the switched-off channel, and the count is the leak.
"""

import math
from collections.abc import Callable
from typing import NamedTuple, no_type_check

import numba
import numpy as np

from crnlang.reference.streams import start_stream, uniform

#: How a batch ended.
DONE, WRONG_PROPENSITY, NO_BOUND, WRONG_EVENT, ENDLESS_EVENTS = range(5)
#: The running total is summed afresh after so many firings, or once it has shrunk by
#: this factor: its relative rounding stays below 1000 * 100 * 2^-53, about 1e-11.
FRESH_AFTER = 1000
FRESH_BELOW = 0.01
#: Propensities are added up in blocks of so many channels: a firing is sought among
#: the blocks, then inside of one.
BLOCK = 128
#: A window of time holds about so many firings.
FIRINGS_PER_WINDOW = 2.0
#: A window is halved so often in search of a finite bound before giving up.
MOST_HALVINGS = 60
#: Bounds are raised by this factor, which is far above their rounding.
BOUND_MARGIN = 1 + 1e-12


class Tables(NamedTuple):
    """The network as flat arrays; lists of channels or variables are rows of CSR form.

    `form[c]`, `touched[c]` and `numbers[c]` are the form of the propensity of channel
    c, its variables and its numbers; `changed`/`change` what a firing adds
    to; `dependent` the channels whose propensity may differ after it.
    """

    form: np.ndarray
    touched: np.ndarray
    numbers: np.ndarray
    triggers: int
    is_varying: np.ndarray
    caps: np.ndarray
    cumulative: np.ndarray
    changed_start: np.ndarray
    changed: np.ndarray
    change: np.ndarray
    dependent_start: np.ndarray
    dependent: np.ndarray


class Generated(NamedTuple):
    """The functions that are written for one network, see `source`."""

    propensity: Callable[..., float]
    inside: Callable[..., bool]
    watch: Callable[..., None]
    settle: Callable[..., int]


class Start(NamedTuple):
    """Where trajectories begin: drawn from the initial law (`is_drawn`) or in `states`.

    `leak[i]` counts firings stopped before, `entered[i]` is when the set number
    `target` was entered (inf for not yet: a trajectory ends there), and trajectory i
    takes the stream of random numbers `stream + i`.
    """

    time: float
    is_drawn: bool
    states: np.ndarray
    leak: np.ndarray
    entered: np.ndarray
    target: int
    seed: int
    stream: int


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def is_capped(tables, channel, n):
    """Whether a firing would pass an upper cap."""
    for i in range(tables.changed_start[channel], tables.changed_start[channel + 1]):
        variable = tables.changed[i]
        if n[variable] + tables.change[i] > tables.caps[variable]:
            return True
    return False


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def fire(asked, tables, channel, n, was):
    """Apply the net change, and the events that it sets off.

    Gives whether any event happened; minus the outcome where one went wrong.
    """
    for i in range(tables.changed_start[channel], tables.changed_start[channel + 1]):
        n[tables.changed[i]] += tables.change[i]
    return asked.settle(n, was, tables.caps)


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def usable(value, tables, channel, n):
    """The propensity; 0 for nonsense where a cap stops the channel, -1 elsewhere."""
    if 0.0 <= value < math.inf:
        return value
    return 0.0 if is_capped(tables, channel, n) else -1.0


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def draw_start(tables, stream, n):
    """Draw the initial state, variable by variable, by inverting its distribution."""
    for v in range(n.size):
        n[v] = np.searchsorted(tables.cumulative[v], uniform(stream), side="right")


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def begin(asked, tables, start, stream, i, n, was):
    """Set up trajectory i: its random numbers, its first state, whether it is over.

    `was` notes the conditions of events: none happens in the first state.
    """
    start_stream(stream, start.seed, start.stream + i)
    if start.is_drawn:
        draw_start(tables, stream, n)
    else:
        n[:] = start.states[i]
    asked.watch(n, was)
    if start.entered[i] == math.inf and asked.inside(start.target, n):
        start.entered[i] = start.time


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def finish(first, n, stopped, counts, leak):
    """Fill in the save times from `first` on for a trajectory that stays in n."""
    for k in range(first, leak.size):
        counts[k, :] = n
        leak[k] = stopped


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def pick(weights, target):
    """The first index at which the running sum passes `target`; -1 for none."""
    running = 0.0
    for c in range(weights.size):
        running += weights[c]
        if target < running:
            return c
    return -1


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def pick_by_blocks(weights, sums, target):
    """The same, with the sum of each block, known up to rounding."""
    running = 0.0
    last = sums.size - 1
    for b in range(sums.size):
        if b < last and target >= running + sums[b]:
            running += sums[b]
            continue
        for c in range(b * BLOCK, min((b + 1) * BLOCK, weights.size)):
            running += weights[c]
            if target < running:
                return c
    return -1


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def add_up(weights, sums):
    """Fill in the sums of the blocks; gives the sum of all weights."""
    for b in range(sums.size):
        sums[b] = weights[b * BLOCK : (b + 1) * BLOCK].sum()
    return weights.sum()


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def steady_weights(propensity, tables, n, t, weights):
    """Fill in the propensities without time; the channel of a wrong one, or -1."""
    for c in range(weights.size):
        if not tables.is_varying[c]:
            value = propensity(tables.form[c], c, n, t, tables)
            weights[c] = usable(value, tables, c, n)
            if weights[c] < 0.0:
                return c
    return -1


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def renew(propensity, tables, channel, n, t, weights, sums, total):
    """Renew the propensities that may differ after a firing: (new total, fault)."""
    for d in range(
        tables.dependent_start[channel], tables.dependent_start[channel + 1]
    ):
        other = tables.dependent[d]
        value = propensity(tables.form[other], other, n, t, tables)
        value = usable(value, tables, other, n)
        if value < 0.0:
            return total, other
        change = value - weights[other]
        total += change
        sums[other // BLOCK] += change
        weights[other] = value
    return total, -1


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def steady_batch(asked, tables, start, first, last, times, counts, leak, witness):
    """Trajectories `first..last` under propensities that do not read the time.

    They begin as `start` says, and end where `inside` says that the target is entered.
    Fills `counts[i]`, `leak[i]` and `start.entered[i]` for each; returns (outcome,
    channel, time), with the state at fault in `witness`.
    """
    n = np.zeros(tables.caps.size, np.int64)
    was = np.zeros(tables.triggers, np.bool_)
    weights = np.zeros(tables.form.size)
    sums = np.zeros((weights.size + BLOCK - 1) // BLOCK)
    stream = np.zeros(4, np.uint64)
    for i in range(first, last):
        begin(asked, tables, start, stream, i, n, was)
        t, k, stopped = start.time, 0, start.leak[i]
        wrong = steady_weights(asked.propensity, tables, n, t, weights)
        if wrong >= 0:
            witness[:] = n
            return WRONG_PROPENSITY, wrong, t
        total = peak = add_up(weights, sums)
        firings = 0
        while start.entered[i] == math.inf:
            t = t - math.log1p(-uniform(stream)) / total if total > 0.0 else math.inf
            while k < times.size and times[k] < t:
                counts[i, k, :] = n
                leak[i, k] = stopped
                k += 1
            if k == times.size:
                break
            c = pick_by_blocks(weights, sums, uniform(stream) * total)
            if c < 0:
                total = peak = add_up(weights, sums)
                c = pick_by_blocks(weights, sums, uniform(stream) * total)
                if c < 0:
                    continue
            if is_capped(tables, c, n):
                stopped += 1
                continue
            happened = fire(asked, tables, c, n, was)
            if happened < 0:
                witness[:] = n
                return -happened, c, t
            if asked.inside(start.target, n):
                start.entered[i] = t
                break
            if happened > 0:
                wrong = steady_weights(asked.propensity, tables, n, t, weights)
                total = peak = add_up(weights, sums)
            else:
                total, wrong = renew(
                    asked.propensity, tables, c, n, t, weights, sums, total
                )
            if wrong >= 0:
                witness[:] = n
                return WRONG_PROPENSITY, wrong, t
            peak = max(peak, total)
            firings += 1
            if firings == FRESH_AFTER or total < FRESH_BELOW * peak:
                total = peak = add_up(weights, sums)
                firings = 0
        finish(k, n, stopped, counts[i], leak[i])
    return DONE, 0, 0.0


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def bound_all(bound, tables, n, window, weights):
    """Fill in upper bounds over the window: (outcome, channel at fault).

    A propensity that is negative all over the window is wrong, not 0.
    """
    for c in range(weights.size):
        if tables.is_varying[c]:
            high = bound(tables.form[c], c, n, window, tables)[1]
            if not high < math.inf:
                return NO_BOUND, c
            if high < 0.0 and not is_capped(tables, c, n):
                return WRONG_PROPENSITY, c
            weights[c] = max(high, 0.0) * BOUND_MARGIN
    return DONE, 0


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def bound_window(bound, tables, n, t, span, end, weights):
    """Fill in bounds over a window, halved until they are finite; where it ends.

    Gives (outcome, channel at fault, end of the window).
    """
    outcome, c, until = NO_BOUND, 0, end
    for _ in range(MOST_HALVINGS + 1):
        until = min(t + span, end)
        outcome, c = bound_all(bound, tables, n, (t, until), weights)
        if outcome != NO_BOUND:
            break
        span /= 2
    return outcome, c, until


@numba.njit(error_model="numpy", nogil=True)
@no_type_check
def varying_batch(
    asked, bound, tables, start, first, last, times, counts, leak, witness
):
    """Trajectories under propensities that read the time, by exact thinning.

    Within a window the candidates come from upper bounds; each is kept with the
    probability propensity / bound. Arguments and results as in `steady_batch`.
    """
    n = np.zeros(tables.caps.size, np.int64)
    was = np.zeros(tables.triggers, np.bool_)
    weights = np.zeros(tables.form.size)
    stream = np.zeros(4, np.uint64)
    end, most = times[-1], (times[-1] - start.time) / 16
    for i in range(first, last):
        begin(asked, tables, start, stream, i, n, was)
        t, k, stopped, span = start.time, 0, start.leak[i], most
        wrong = steady_weights(asked.propensity, tables, n, t, weights)
        while wrong < 0 and k < times.size and start.entered[i] == math.inf:
            outcome, c, until = bound_window(bound, tables, n, t, span, end, weights)
            if outcome != DONE:
                witness[:] = n
                return outcome, c, t
            total = weights.sum()
            span = min(FIRINGS_PER_WINDOW / total, most) if total > 0 else most
            wait = -math.log1p(-uniform(stream)) / total if total > 0.0 else math.inf
            is_candidate = t + wait < until
            t = t + wait if is_candidate else until
            while k < times.size and times[k] <= t:
                counts[i, k, :] = n
                leak[i, k] = stopped
                k += 1
            if k == times.size or not is_candidate:
                continue
            c = pick(weights, uniform(stream) * total)
            if c < 0:
                continue
            if tables.is_varying[c]:
                value = asked.propensity(tables.form[c], c, n, t, tables)
                value = usable(value, tables, c, n)
                if value < 0.0:
                    wrong = c
                    break
                if value > weights[c]:
                    witness[:] = n
                    return NO_BOUND, c, t
                if uniform(stream) * weights[c] >= value:
                    continue
            if is_capped(tables, c, n):
                stopped += 1
                continue
            happened = fire(asked, tables, c, n, was)
            if happened < 0:
                witness[:] = n
                return -happened, c, t
            if asked.inside(start.target, n):
                start.entered[i] = t
                break
            wrong = steady_weights(asked.propensity, tables, n, t, weights)
        if wrong >= 0:
            witness[:] = n
            return WRONG_PROPENSITY, wrong, t
        finish(k, n, stopped, counts[i], leak[i])
    return DONE, 0, 0.0
