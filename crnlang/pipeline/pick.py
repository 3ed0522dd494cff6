"""`--engine auto`: the engine that suits a model and its questions, and why.

The rule, first match; `docs/day.md` tells it to users.

1. `fsp` on the box, where at most `BOX_STATES` states can be reached.
2. `ssa` where an event changes copy numbers: a moving set and networks cannot follow;
   `fsp` where no trajectories can be drawn either.
3. `fsp` on a set that follows the law, where a pilot of trajectories says that at most
   `SET_STATES` states hold all but `truncation` of it.
4. `ssa` where a first passage is asked for.
5. `tdvp` where a probability is asked for that no trajectory of the pilot shows, or
   where trajectories cannot be drawn or would take longer than `LONGEST`.
6. `ssa` else.

An engine that lacks a setting that was asked for is passed over.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from crnlang.diagnostics import listing
from crnlang.ir.evaluate import evaluate
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import LogpQuery, PassageQuery, ProbQuery, SettingValue
from crnlang.ir.printer import format_size
from crnlang.passes.order import follow_path
from crnlang.passes.totals import TOTALS
from crnlang.pipeline.memory import check_weights
from crnlang.pipeline.occupancy import states_needed
from crnlang.pipeline.pilot import Pilot, draw_pilot
from crnlang.reference.refusals import TooManyStatesError, UnboundedPropensityError
from crnlang.reference.ssa import build_simulator
from crnlang.reference.states import reachable_states
from crnlang.settings import FspSettings, NeuralSettings, Settings, SsaSettings
from crnlang.solve.outcome import EngineError

#: So many states are a small box, ...
BOX_STATES = 100_000
#: ... and so many a small moving set.
SET_STATES = 150_000
#: Work that counting the reachable states may take: states times channels.
MOST_WORK = 20_000_000
#: Trajectories that would take longer than this, in seconds, are too dear.
LONGEST = 1800.0


@dataclass(frozen=True, slots=True)
class Pick:
    """An engine, why in one sentence, and settings that go with it."""

    engine: str
    reason: str
    settings: tuple[tuple[str, SettingValue], ...] = ()


def pick_engine(lowered: LoweredNetwork, candidates: Mapping[str, Settings]) -> Pick:
    """The first engine that the rule finds among the candidates.

    Raises:
        WitnessError: a propensity is wrong, so that no engine can run.
    """
    if len(candidates) == 1:
        (engine,) = candidates
        return Pick(engine, f"engine {engine}: the only one with these settings")
    if (pick := _small_box(lowered, candidates)) is not None:
        return pick
    size = _size(lowered)
    settings = next(iter(candidates.values()))
    jumps = bool(lowered.jumps or lowered.network.triggers)
    try:
        pilot = draw_pilot(
            build_simulator(lowered),
            settings.until,
            settings.seed,
            also=_times_asked(lowered),
        )
    except UnboundedPropensityError:
        reason = (
            f"{size} are too many for `fsp`, and a rate that changes with time has no "
            "bound that trajectories could be drawn with"
        )
        return _picked(lowered, "fsp" if jumps else "tdvp", reason, candidates)
    if jumps:
        reason = f"events change copy numbers, and {size} are too many for `fsp`"
        return _picked(lowered, "ssa", reason, candidates)
    return _by_pilot(lowered, candidates, pilot)


def _small_box(
    lowered: LoweredNetwork, candidates: Mapping[str, Settings]
) -> Pick | None:
    """`fsp`, where few states can be reached."""
    settings = candidates.get("fsp")
    if not isinstance(settings, FspSettings) or settings.states == "adaptive":
        return None
    most = min(BOX_STATES, settings.max_states)
    states = count_reachable(lowered, most)
    if states is None:
        return None
    reason = f"engine fsp: the exact law, on all {states:,} states that can be reached"
    return Pick("fsp", reason, (("states", "box"),))


def count_reachable(lowered: LoweredNetwork, most: int) -> int | None:
    """How many states can be reached, or a bound of it; `None` for more than `most`.

    Caps and conservation laws bound it; where that is too many the states are searched,
    as long as that is cheap, for reactions that never fire may leave few of them.
    """
    bound = lowered.space.number_of_states()
    if bound <= most:
        return bound
    channels = sum(len(family.variables) for family in lowered.families)
    few = min(most, MOST_WORK // max(channels, 1))
    try:
        return len(reachable_states(lowered, few).codes)
    except TooManyStatesError:
        return None


def _by_pilot(
    lowered: LoweredNetwork, candidates: Mapping[str, Settings], pilot: Pilot
) -> Pick:
    """Rules 3 to 6."""
    fsp = candidates.get("fsp")
    needed = math.inf
    is_whole = pilot.times[-1] >= next(iter(candidates.values())).until * (1 - 1e-9)
    if isinstance(fsp, FspSettings) and fsp.states != "box" and is_whole:
        bound = min(lowered.space.number_of_states(), 10**300)
        needed = min(_needed(pilot, fsp.truncation), float(bound))
        if needed <= min(SET_STATES, fsp.max_states / 10):
            reason = (
                f"engine fsp: about {_rounded(needed)} of {_size(lowered)} hold all "
                f"but {fsp.truncation:g} of the law"
            )
            return Pick("fsp", reason, (("states", "adaptive"),))
    size = _size(lowered) if math.isinf(needed) else f"about {_rounded(needed)} states"
    too_many = f"{size} are too many for `fsp`"
    queries = lowered.network.queries
    passages = [f"`{q.name}`" for q in queries if isinstance(q, PassageQuery)]
    if passages:
        reason = f"{too_many}, and {listing(passages)} asks for a first passage"
        return _picked(lowered, "ssa", reason, candidates)
    if (rare := _rare(lowered, pilot)) is not None:
        size_ = len(pilot.counts)
        reason = (
            f"{too_many}, and none of {size_} trajectories shows what `{rare}` asks"
        )
        return _picked(lowered, "tdvp", reason, candidates)
    if (seconds := _dearness(candidates, pilot)) > LONGEST:
        reason = f"{too_many}, and trajectories would take about {seconds / 3600:.1f} h"
        return _picked(lowered, "tdvp", reason, candidates)
    return _picked(
        lowered,
        "ssa",
        f"{too_many}, and trajectories show all that is asked",
        candidates,
    )


def _picked(
    lowered: LoweredNetwork,
    engine: str,
    reason: str,
    candidates: Mapping[str, Settings],
) -> Pick:
    """The engine, or another where it lacks the settings or cannot run the model."""
    settings = candidates.get(engine)
    if settings is None:
        engine = next(iter(candidates))
        return Pick(engine, f"engine {engine}: {reason}; others lack the settings")
    if isinstance(settings, NeuralSettings) and (fault := _fault(lowered, settings)):
        engine = next(one for one in ("ssa", "fsp", engine) if one in candidates)
        reason += f"; {fault}"
    return Pick(engine, f"engine {engine}: {reason}")


def _fault(lowered: LoweredNetwork, settings: NeuralSettings) -> str:
    """Why no network can be built; empty where one can."""
    from crnlang.nn.mask import build_mask  # loads JAX

    followed = follow_path(lowered, settings.order)
    totalled = TOTALS[settings.totals](followed).lowered
    space, order = totalled.space, totalled.space.order
    try:
        check_weights(totalled, settings)
        build_mask(space.caps[order], space.laws[:, order], space.totals)
    except EngineError:
        return "a neural network for so many species would be too large"
    except ValueError:
        return "no network obeys conservation laws as entangled as these"
    return ""


def _needed(pilot: Pilot, truncation: float) -> float:
    """The states that hold the law at the time when it is widest."""
    return max(
        states_needed(pilot.counts[:, place], truncation)
        for place in range(len(pilot.times))
    )


def _dearness(candidates: Mapping[str, Settings], pilot: Pilot) -> float:
    """About how many seconds the trajectories of `ssa` would take."""
    settings = candidates.get("ssa", SsaSettings())
    number = getattr(settings, "trajectories", SsaSettings.trajectories)
    return pilot.cost * settings.until * number


def _times_asked(lowered: LoweredNetwork) -> tuple[float, ...]:
    return tuple(time for query in lowered.network.queries for time in query.times)


def _rare(lowered: LoweredNetwork, pilot: Pilot) -> str | None:
    """A query for a probability that no trajectory shows at any of its times."""
    for query in lowered.network.queries:
        if not isinstance(query, ProbQuery | LogpQuery):
            continue
        if not any(_shows(lowered, query, pilot, k) for k in _places(query, pilot)):
            return query.name
    return None


def _places(query: ProbQuery | LogpQuery, pilot: Pilot) -> list[int]:
    """The times of the pilot that a query is about; all where it names none of them."""
    asked = [
        place
        for place, time in enumerate(pilot.times.tolist())
        if any(math.isclose(time, one, rel_tol=1e-9) for one in query.times)
    ]
    return asked or list(range(len(pilot.times)))


def _shows(
    lowered: LoweredNetwork, query: ProbQuery | LogpQuery, pilot: Pilot, place: int
) -> bool:
    """Whether some trajectory is, at that time, in a state that a query asks for."""
    states = pilot.counts[:, place]
    if isinstance(query, LogpQuery):
        found = (states[:, list(query.variables)] == np.array(query.counts)).all(axis=1)
        return bool(found.any())
    counts = [column.astype(float) for column in states.T]
    with np.errstate(all="ignore"):
        time = float(pilot.times[place])
        values = evaluate(query.condition, counts, lowered.parameters, time, np)
    return bool(np.any(np.asarray(values) != 0))


def _size(lowered: LoweredNetwork) -> str:
    return f"{format_size(lowered.space.number_of_states())} states"


def _rounded(number: float) -> str:
    """Two digits of an estimate."""
    return f"{float(f'{number:.1e}'):,.0f}" if number < 1e7 else f"{number:.1g}"
