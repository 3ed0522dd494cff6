"""Caps proposed from trajectories: what a model needs so that no cap is felt.

Trajectories without caps are followed, and the largest count M of each species in each
is noted. A cap c is to be passed by no more than a share `RISK` of trajectories. That
is far beyond what so few show, so the tail is extrapolated: above the level u that a
tenth of the trajectories pass, M - u is taken to be exponential with the mean excess
seen there,

    P(M > c) = P(M > u) exp(-(c - u) / mean excess),

with the mean excess raised by two of its standard errors. Laws of copy numbers have
tails that fall like this (bursts: geometric) or faster (Poisson), so that the cap errs
on the high side; what no trajectory shows, as a mode that is reached once in ten
thousand, it cannot know. Other trajectories then try the caps. Source of the method:
threshold exceedances, J. Pickands, Ann. Statist. 3 (1975) 119, with shape 0.
"""

import math
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Int

from crnlang.ir.expr import Expr, slots_of
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import MAX_CAP, LogpQuery, PassageQuery, ProbQuery
from crnlang.pipeline.pilot import Pilot, draw_pilot, with_caps
from crnlang.reference.refusals import WitnessError
from crnlang.reference.ssa import Simulator, build_simulator

#: The share of trajectories that may pass a proposed cap.
RISK = 1e-6
#: The share of trajectories whose largest counts make the tail.
TAIL = 0.1
#: Standard errors that the mean excess is raised by.
DOUBT = 2.0
#: Smaller caps are switches: that a firing stops there is their purpose.
SMALLEST = 2
#: Times of each part of a pilot at which counts are looked at.
LOOKS = 128
#: Caps are lifted by this factor, and again where trajectories come to them.
LIFT = 10
#: Trajectories that would take more seconds under higher caps are not drawn.
LONGEST = 60.0
#: Random numbers of the pilot and of the trial are apart by this many seeds.
OTHER_SEED = 7919


class CapsError(WitnessError):
    """No caps can be proposed; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A cap for one species, over all its sites.

    `present` is the cap in the file, `largest` the largest count of any trajectory;
    `why` says why the cap stays as it is, where it has to.
    """

    species: str
    present: int
    largest: int
    proposed: int
    why: str


@dataclass(frozen=True, slots=True)
class Caps:
    """Proposals, and what became of trajectories under present and proposed caps.

    `touched` is the share of trajectories that a present cap has stopped, `tried` the
    share that a proposed one has; `reached` is the time that they went to, of `until`.
    """

    proposals: tuple[Proposal, ...]
    trajectories: int
    touched: float
    tried: float
    reached: float
    until: float


def propose_caps(
    lowered: LoweredNetwork, until: float, trajectories: int, seed: int
) -> Caps:
    """Caps for every species of a network, for a run to the time `until`.

    Raises:
        CapsError: counts go on growing to the largest cap that there is.
        WitnessError: a propensity is wrong, or has no bound in time.
    """
    simulator = build_simulator(lowered)
    blocks = lowered.network.blocks()
    is_fixed = _fixed(lowered)
    stays = is_fixed | (lowered.space.caps < SMALLEST)
    pilot, lifted = _without_caps(simulator, until, trajectories, seed, stays)
    peaks = pilot.counts.max(axis=1)
    asked, rises = _asked(lowered), _rising(lowered)
    proposals: list[Proposal] = []
    caps = lowered.space.caps.copy()
    for species, block in zip(lowered.network.species, blocks, strict=True):
        own = list(block)
        present_cap, largest = int(caps[own[0]]), peaks[:, own].max(axis=1)
        why, found = "", max(1, *(_most_at_start(lowered, v) for v in own))
        if rises[own].any():
            found = max(found, cap_for(largest, RISK))
        if is_fixed[own].all():
            found, why = present_cap, "a conservation law limits it"
        elif present_cap < SMALLEST:
            found, why = present_cap, "it is a switch"
        elif found < present_cap and asked.intersection(own):
            found, why = present_cap, "a question asks for states of it"
        seen = int(largest.max())
        proposals.append(Proposal(species.name, present_cap, seen, found, why))
        caps[own] = found
    reached = float(pilot.times[-1])
    drawn = partial(_draw, simulator, until=reached, trajectories=trajectories)
    return Caps(
        tuple(proposals),
        trajectories,
        _stopped(drawn(lowered.space.caps, seed), drawn(lifted, seed)),
        _stopped(drawn(caps, seed + OTHER_SEED), drawn(lifted, seed + OTHER_SEED)),
        reached,
        until,
    )


def _draw(
    simulator: Simulator,
    caps: Int[np.ndarray, " variables"],
    seed: int,
    *,
    until: float,
    trajectories: int,
) -> Pilot:
    return draw_pilot(
        with_caps(simulator, caps), until, seed, size=trajectories, saved=1
    )


def _stopped(capped: Pilot, free: Pilot) -> float:
    """The share of trajectories that caps have stopped.

    Those under other caps with the same random numbers: they are alike until then, and
    what stops both, as a switch does, does not count.
    """
    common = np.intersect1d(capped.times, free.times)[-1]
    one, other = (int(np.searchsorted(p.times, common)) for p in (capped, free))
    differs = capped.leak[:, one] != free.leak[:, other]
    differs |= (capped.counts[:, one] != free.counts[:, other]).any(axis=1)
    return float(differs.mean())


def cap_for(peaks: Int[np.ndarray, " trajectories"], risk: float) -> int:
    """The cap that a share `risk` of trajectories passes, from their largest counts."""
    level = float(np.quantile(peaks, 1 - TAIL))
    above = peaks[peaks > level]
    if not len(above):
        # more than a tenth of the trajectories are at the largest count seen
        above, level = peaks[peaks == level], level - 1
    excess = above - level
    # whole numbers: the excess is at least 1, and half of that is the grid's
    mean = float(excess.mean())
    mean *= 1 + DOUBT / math.sqrt(len(above))
    share = len(above) / len(peaks)
    return math.ceil(level + mean * math.log(share / risk))


def _fixed(lowered: LoweredNetwork) -> Bool[np.ndarray, " variables"]:
    """Whether a conservation law without negative parts limits each variable."""
    space = lowered.space
    positive = (space.laws >= 0).all(axis=1)
    negative = (space.laws <= 0).all(axis=1)
    return (space.laws[positive | negative] != 0).any(axis=0)


def _rising(lowered: LoweredNetwork) -> Bool[np.ndarray, " variables"]:
    """Whether a reaction or an event can raise each variable."""
    found = np.zeros(len(lowered.space.caps), dtype=bool)
    for family in lowered.families:
        found[family.variables[:, family.net_change > 0]] = True
    for jump in lowered.jumps:
        found[jump.targets] = True
    return found


def _without_caps(
    simulator: Simulator,
    until: float,
    trajectories: int,
    seed: int,
    stays: Bool[np.ndarray, " variables"],
) -> tuple[Pilot, Int[np.ndarray, " variables"]]:
    """Trajectories under caps so high that none comes near, where these may move.

    Raises:
        CapsError: counts go on growing.
    """
    caps, lifted = simulator.lowered.space.caps, simulator.lowered.space.caps
    while True:
        higher = np.minimum(np.maximum(lifted, 1) * LIFT, MAX_CAP)
        lifted = np.where(stays, caps, higher)
        started = time.perf_counter()
        pilot = draw_pilot(
            with_caps(simulator, lifted),
            until,
            seed,
            size=trajectories,
            saved=LOOKS,
            ends_at=np.where(stays, MAX_CAP, lifted // 2),
        )
        peaks = pilot.counts.max(axis=(0, 1))
        if stays.all() or (peaks < lifted // 2)[~stays].all():
            return pilot, lifted
        seconds = time.perf_counter() - started
        if (higher == MAX_CAP)[~stays].all() or seconds * LIFT > LONGEST:
            place = int(peaks.argmax())
            name = simulator.lowered.space.names[place]
            raise CapsError(
                f"counts of {name} go on growing: trajectories come to "
                f"{int(peaks[place]):,} copies by t = {pilot.times[-1]:g}; end the "
                "run earlier, give a time with `--t`, or add what takes copies away"
            )


def _most_at_start(lowered: LoweredNetwork, variable: int) -> int:
    """The count that the start passes with less than a tenth of `RISK`."""
    above = 1 - np.cumsum(lowered.initial[variable])
    return int(np.flatnonzero(above <= RISK / 10)[0])


def _asked(lowered: LoweredNetwork) -> frozenset[int]:
    """The variables of states that questions ask for: perhaps rare ones."""
    found: set[int] = set()
    for query in lowered.network.queries:
        conditions: list[Expr | None] = []
        if isinstance(query, LogpQuery):
            found.update(query.variables)
        elif isinstance(query, ProbQuery):
            conditions = [query.condition, query.given]
        elif isinstance(query, PassageQuery):
            conditions = [query.target, query.start]
        for condition in conditions:
            found |= slots_of(condition) if condition is not None else set()
    return frozenset(found)
