"""How the master equation moves every conditional, at the prefixes of one state.

With r = n_<p, the counts before a free position, and m a copy number there,

    d/dt P(m | r) = [ F(r, m) - P(m | r) sum_m' F(r, m') ],
    F(r, m) = 1/P(r) sum over all later counts of (W P)(r, m, later).

Channels that change nothing up to the position do not count: what they take from one
later count they give to another. A channel whose propensity depends on nothing later
either needs no sum over later counts, only P(n_q | n_<q) up to the position:

    F_k(r, m) = a_k(r - s, m - s) rho_<p P(m - s | r - s) - a_k(r, m) P(m | r),
    rho_<p = prod_{q < p} P(n_q - s | n_<q - s) / P(n_q | n_<q),

for all m at once, so that rare copy numbers need no rare sample. Where a later count
matters, because the propensity reads it or because it may not leave the state space,
the counts of the state itself stand for all that may follow r and n_p. Averaged over
states with the same prefix the rates are exact.

A channel whose propensity reads a later count has E[a_k | r, m] in the place of a_k.
`solve.late` guesses it by a function g(r, m), for all m at once, and what is sampled is
the difference alone. Of a channel that changes no count before p it moves from n_p to
n_p + s; of another one it appears at n_p, more or less of it than goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.nn.base import SUMS
from crnlang.nn.conditional import ConditionalNetworks, Seen, Vicinity
from crnlang.solve.fibre import along_fibre, is_in_box
from crnlang.solve.hats import bumps_of, curves_of
from crnlang.solve.late_channels import (
    LateChannels,
    known_from,
    late_channels,
    latest_read,
    own_moves,
    own_steps,
)
from crnlang.solve.problem import Generator

#: A flow from another prefix counts among the `own` rates as if that prefix were at
#: most so many times as likely.
MOST = 2.0


class Across(eqx.Module):
    """The late channels that change a count before a position, at one state n.

    `arriving[k, m]` is rho_<p P(m - s | r - s); `whole[k]` is P(n - s)/P(n) up to the
    last count that the channel reads, and what stops before that, so that its average
    is `arriving` over P(m | r); `into[k]` is P(n - s)/P(n) if no later count stops the
    channel. `source[k]` are the surprises of later counts (`solve.outlook`, for any own
    count) at n - s times P(n - s)/P(n), with what stops, so that they average to 0.
    `before` and `after` are the propensities at n - s and at n; `free` is the latter
    too where counts up to the position stop the channel.
    """

    arriving: Float[Array, "across levels"]
    whole: Float[Array, " across"]
    into: Float[Array, " across"]
    source: Float[Array, "across bumps"]
    before: Float[Array, " across"]
    after: Float[Array, " across"]
    free: Float[Array, " across"]


class ConditionalRates(eqx.Module):
    """One free position: P(m | r), how it moves, and what the state's own count adds.

    d/dt P(m | r) is the average over states of `rates[m]`, plus `sampled` (delta - P),
    delta being 1 at the count of the state, plus what late channels do: those that
    change no count before have the propensities `within`, 0 where a later count stops
    them; the others are `across`; see `late_channels`. All preserve the sum over m.
    `own[i, m]` is about the rate at which probability goes from m to m +
    `own_steps[i]`: what `rates` come from if the law of m does not depend on what else
    a channel changes.
    """

    law: Float[Array, " levels"]
    rates: Float[Array, " levels"]
    sampled: Float[Array, ""]
    own: Float[Array, "steps levels"]
    within: Float[Array, " within"]
    across: Across


@dataclass(frozen=True, eq=False)
class _Flow:
    """What one conditional says of the channels that change something up to it.

    `law` is P(m | r), `ratio` rho_<p, `arriving` the same times P(m - s | r - s), 0
    where m is not open after r. `before` is the law after r - s, `stopping` the same of
    counts that stop, times rho_<p, and `level` the count at n - s.
    """

    seen: Seen
    law: Float[Array, " levels"]
    channels: Int[np.ndarray, " here"]
    ratio: Float[Array, " here"]
    arriving: Float[Array, "here levels"]
    before: Float[Array, "here levels"]
    stopping: Float[Array, "here levels"]
    level: Int[Array, " here"]

    def surprises(
        self,
        some: Int[np.ndarray, " some"],
        comes: Float[Array, " some"],
        values: Float[Array, "#some levels functions"],
    ) -> Float[Array, "some functions"]:
        """Functions of the count at n - s less their means there, of some channels.

        Times `comes`, and of all counts that stop times rho and their chance.
        """
        row = np.searchsorted(self.channels, some)
        before = self.before[row][:, None]
        means = (before @ values)[:, 0]
        values = jnp.broadcast_to(values, (len(some), *values.shape[1:]))
        here = values[np.arange(len(some)), self.level[row]]
        stopping = self.stopping[row][:, None]
        stopped = (stopping @ values)[:, 0] - jnp.sum(stopping, axis=2) * means
        return (here - means) * comes[:, None] + stopped


def conditional_rates(
    model: ConditionalNetworks,
    generator: Generator,
    counts: Int[Array, " variables"],
    t: Float[Array, ""],
    means: Sequence[Float[Array, "_kinds _knots _later"]] = (),
) -> tuple[ConditionalRates, ...]:
    """The rates of every free position at one state.

    `means` are those of later counts at every free position: see `solve.outlook`.
    """
    mask, order = model.mask, np.asarray(model.order)
    if not mask.free:
        return ()
    ordered = counts[order]
    moves = generator.net_changes[:, order]
    known = known_from(model)
    latest = latest_read(model, generator)
    flows, ratios, lost = _follow(model, generator, counts, latest)
    # what the channel would bring to n if it stopped at no later count
    later_lost = jnp.cumsum(lost[::-1], axis=0)[::-1]
    later_lost = jnp.concatenate([later_lost[1:], jnp.zeros_like(lost[:1])])
    before = generator.propensities_before(counts, t)
    after = generator.propensities(counts, t)
    leaving = generator.outflux(counts, t)
    stays = is_in_box(ordered + moves, generator, order)
    lates = [late_channels(model, generator, number) for number in range(len(flows))]
    found = []
    for number, flow in enumerate(flows):
        law = flow.law
        is_direct = latest[flow.channels] <= number
        direct = flow.channels[is_direct]
        is_known = known <= number
        late = lates[number]
        steps = own_steps(model, generator, number, late)
        gain, own = _along_fibre(
            model, generator, ordered, number, t, flow, is_direct, law, steps
        )
        last = latest[late.across], late.across
        goes_on = stays[:, ~is_known]
        across = Across(
            arriving=flow.arriving[np.searchsorted(flow.channels, late.across)],
            whole=ratios[last] + later_lost[number, late.across] - later_lost[last],
            into=ratios[last] - later_lost[last],
            source=_at_source(flows, ratios, later_lost, latest, late, lates, means),
            before=before[late.across],
            after=leaving[late.across],
            free=_unless_stopped(after, goes_on, late.across),
        )
        sampled = jnp.zeros((), law.dtype)
        stopped = direct[np.any(moves[direct][:, ~is_known] != 0, axis=1)]
        if len(direct) and (len(stopped) or mask.groups):
            sampled -= jnp.sum(_times(before[direct], later_lost[number, direct]))
        if len(stopped):
            stops = _stopping(model, flows, moves[stopped], stays[stopped], is_known)
            sampled += jnp.sum(_times(after[stopped], stops))
        rates = gain - law * jnp.sum(gain)
        within = _unless_stopped(after, goes_on, late.within)
        found.append(ConditionalRates(law, rates, sampled, own, within, across))
    return tuple(found)


def _stopping(
    model: ConditionalNetworks,
    flows: list[_Flow],
    moves: Int[np.ndarray, "some variables"],
    stays: Bool[Array, "some variables"],
    is_known: Bool[np.ndarray, " variables"],
) -> Float[Array, " some"]:
    """Whether counts that are not known yet stop channels that the others do not.

    Every channel changes some of them. Of the last one, if it is free, the chance of
    stopping the channel stands for what it does: a cap that is hardly ever met would be
    noise.
    """
    free, found = list(model.mask.free), []
    for move, stay in zip(moves, stays, strict=True):
        changed = np.flatnonzero((move != 0) & ~is_known)
        last, stops_at_last = changed[-1], 0.0
        if last in free:
            law, cap = flows[free.index(last)].law, model.mask.caps[last]
            target = np.arange(len(law)) + move[last]
            stops_at_last = law @ jnp.asarray((target < 0) | (target > cap), law.dtype)
            changed = changed[:-1]
        goes_on = jnp.all(stay[changed])
        stops = jnp.where(goes_on, stops_at_last, 1.0)
        found.append(jnp.where(jnp.all(stay[is_known]), stops, 0.0))
    return jnp.stack(found)


def _unless_stopped(
    propensities: Float[Array, " channels"],
    goes_on: Bool[Array, "channels later"],
    some: Int[np.ndarray, " some"],
) -> Float[Array, " some"]:
    """Those of some channels, 0 where a later count does not let them go on."""
    return jnp.where(jnp.all(goes_on[some], axis=1), propensities[some], 0.0)


def _follow(
    model: ConditionalNetworks,
    generator: Generator,
    counts: Int[Array, " variables"],
    latest: Int[np.ndarray, " channels"],
) -> tuple[list[_Flow], Float[Array, "free channels"], Float[Array, "free channels"]]:
    """Every conditional in turn; rho after it; what it keeps from arriving.

    The last is rho_<p times the law, after r - s, of copy numbers from which the
    channel would lead to one that is not open after r.
    """
    moves = generator.net_changes[:, list(model.order)]
    vicinity = Vicinity(model, counts, -generator.net_changes)
    ratio = jnp.ones(len(moves), SUMS)
    flows, ratios, lost = [], [], []
    for number, position in enumerate(model.mask.free):
        goes_on = (latest >= number) | (moves[:, position + 1 :] != 0).any(axis=1)
        seen = vicinity.at(number, ratio > 0, goes_on)
        here = seen.evaluations.channels
        law = jnp.exp((seen.masked - seen.log_norm[:, None]).astype(SUMS))
        is_open = seen.masked[0] > -jnp.inf
        law_before = law[seen.evaluations.evaluation]
        step, levels = moves[here, position][:, None], np.arange(law.shape[1])
        is_level, source = _shifted(levels - step, len(levels))
        arriving = jnp.take_along_axis(law_before, source, axis=1)
        arriving = jnp.where(is_level & is_open, arriving, 0.0)
        arriving *= ratio[here][:, None]
        is_target, target = _shifted(levels + step, len(levels))
        stopping = jnp.where(is_target & is_open[target], 0.0, law_before)
        stopping *= ratio[here][:, None]
        whole = jnp.sum(stopping, axis=1)
        lost.append(jnp.zeros_like(ratio).at[here].set(whole))
        own = vicinity.ordered[position]
        level = jnp.clip(own - step[:, 0], 0, len(levels) - 1)
        flow = _Flow(
            seen, law[0], here, ratio[here], arriving, law_before, stopping, level
        )
        flows.append(flow)
        ratio = ratio.at[here].set(arriving[:, own] / law[0, own])
        ratios.append(ratio)
    return flows, jnp.stack(ratios), jnp.stack(lost)


def _at_source(
    flows: list[_Flow],
    ratios: Float[Array, "free channels"],
    later_lost: Float[Array, "free channels"],
    latest: Int[np.ndarray, " channels"],
    late: LateChannels,
    lates: Sequence[LateChannels],
    means: Sequence[Float[Array, "_kinds _knots _later"]],
) -> Float[Array, "across bumps"]:
    """The surprises at n - s of the channels that are across: see `Across`.

    Of a count q they average to 0 over all that a channel comes from, be it that it
    stops at no count (`ratios`), at one after q up to the last that it reads, or at q.
    """
    some, last = late.across, latest[late.across]
    hats, said = [jnp.zeros((len(last), 0), ratios.dtype)], []
    for number in late.later.tolist():
        flow = flows[number]
        comes = ratios[last, some] + later_lost[number, some] - later_lost[last, some]
        is_read = (number <= last)[:, None]
        levels = flow.before.shape[1]
        bumps = jnp.asarray(bumps_of(levels), ratios.dtype)[None]
        hats.append(jnp.where(is_read, flow.surprises(some, comes, bumps), 0.0))
        if len(means):
            kind = _kinds(lates[number], some)
            curves = jnp.asarray(curves_of(levels), ratios.dtype)
            ahead = max(int(late.later.max()) - number, 0)
            values = curves @ means[number][kind, :, :ahead].astype(ratios.dtype)
            said.append(jnp.where(is_read, flow.surprises(some, comes, values), 0.0))
    return jnp.concatenate([*hats, *said], axis=1)


def _kinds(late: LateChannels, some: Int[np.ndarray, " some"]) -> Int[np.ndarray, " _"]:
    """Which change of the prefix leads to where some channels come from.

    None where a channel is not across: then it does not read any later count.
    """
    place = np.minimum(np.searchsorted(late.across, some), len(late.across) - 1)
    if not len(late.across):
        return np.zeros(len(some), int)
    return np.where(late.across[place] == some, late.kind[place], 0)


def _along_fibre(
    model: ConditionalNetworks,
    generator: Generator,
    ordered: Int[Array, " variables"],
    number: int,
    t: Float[Array, ""],
    flow: _Flow,
    is_direct: Bool[np.ndarray, " here"],
    law: Float[Array, " levels"],
    steps: Int[np.ndarray, " steps"],
) -> tuple[Float[Array, " levels"], Float[Array, "steps levels"]]:
    """The sum of F_k over the channels that need no later count, for every m.

    With it, about the rates of each step of this count.
    """
    direct = flow.channels[is_direct]
    if not len(direct):
        return jnp.zeros_like(law), jnp.zeros((len(steps), len(law)), law.dtype)
    before, leaving = along_fibre(model, generator, ordered, number, t, direct)
    arriving = _times(before.T, flow.arriving[is_direct])
    ratio = jnp.minimum(flow.ratio[is_direct], MOST)
    is_open = flow.seen.masked[0] > -jnp.inf
    entering = jnp.where(is_open, _times(before.T, ratio[:, None]), 0.0)
    own, changes = [], own_moves(model, generator, number)[direct]
    for step in steps:
        entered = jnp.sum(entering[changes == step], axis=0)
        is_level, target = _shifted(np.arange(len(law)) + step, len(law))
        own.append(jnp.where(is_level, entered[target], 0.0))
    empty = jnp.zeros((0, len(law)), law.dtype)
    return (
        jnp.sum(arriving, axis=0) - law * jnp.sum(leaving, axis=1),
        jnp.stack(own) if own else empty,
    )


def _times(
    propensities: Float[Array, "*#some"], shares: Float[Array, "*#some"]
) -> Float[Array, "*some"]:
    """The product; 0 where the share is 0, whatever the propensity there."""
    return jnp.where(shares != 0, propensities * shares, 0.0)


def _shifted(
    levels: Int[np.ndarray, "*some"], size: int
) -> tuple[Bool[np.ndarray, "*some"], Int[np.ndarray, "*some"]]:
    """Which levels exist; the levels, the nearest one for those that do not."""
    return (levels >= 0) & (levels < size), np.clip(levels, 0, size - 1)
