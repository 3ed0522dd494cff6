"""Weighted ensembles for the questions of a file: an ensemble for each set of states.

The probability of a set comes from walkers spread towards it (`passes/distance.py`). A
first passage ends where walkers enter its target. By the end of the run its rate must
have settled: from then on the survival probability falls as an exponential, whose
integral is the rest of the mean time.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.expr import (
    Count,
    Expr,
    Function,
    OverSites,
    SiteCounts,
    call,
    number,
)
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import LawQuery, LogpQuery, PassageQuery, ProbQuery
from crnlang.passes.distance import distance
from crnlang.pipeline.cost import Clock
from crnlang.pipeline.found import Found, Watcher
from crnlang.pipeline.ledgers import open_ledger
from crnlang.pipeline.passages import Numbers, UnfinishedError, answer_passages
from crnlang.reference.departure import draw_departures
from crnlang.reference.ensemble import (
    Lane,
    read_ensembles,
    sample_ensembles,
    starts_needed,
)
from crnlang.reference.ledger import Ledger
from crnlang.reference.refusals import PassageError
from crnlang.reference.ssa import NO_TARGET, build_simulator
from crnlang.reference.walkers import EnsembleRun
from crnlang.results.summary import Snapshot
from crnlang.settings import SettingError, WeSettings, fix_name

#: The rates of the third and the last quarter of a run may be so many errors apart,
#: and the error of their difference may be such a share of the rate.
SETTLED, CLEAR = 4.0, 0.2


def run_we(
    lowered: LoweredNetwork,
    settings: WeSettings,
    watcher: Watcher,
    clock: Clock,
    directory: Path | None = None,
) -> Found:
    """Weighted ensembles at the save times, one for each question about a set.

    The record shows the law of the first. numba's compilation goes to the clock. In a
    run directory that has begun it goes on from what was done, and writes down what is.

    Raises:
        RunError: what was done cannot be read.
        WitnessError: a wrong propensity, or one without a bound in time.
        SettingError: there is no observable as `along` says.
    """
    ledger = open_ledger(directory, settings.checkpoint, watcher)
    simulator = build_simulator(lowered, _targets(lowered))
    clock.add_compiling(simulator.compile_seconds)
    sample = partial(sample_ensembles, simulator, ledger=ledger)
    return _answer(_Ensembles(lowered, settings, sample))


def read_we(
    lowered: LoweredNetwork, settings: WeSettings, ledger: Ledger
) -> tuple[Found, list[str]]:
    """What the ledger of a run has, and how far each of its ensembles is, in words.

    Laws and answers end at the last save time that their own ensembles have passed.

    Raises:
        SettingError: there is no observable as `along` says.
    """
    told: list[str] = []

    def read(
        asked: WeSettings, lane: Lane, *, stream: int, **others: object
    ) -> EnsembleRun:
        run, progress = read_ensembles(lowered, asked, stream, ledger)
        told.extend(filter(None, [progress]))
        return run

    return _answer(_Ensembles(lowered, settings, read)), told


def _answer(ensembles: "_Ensembles") -> Found:
    """All that is asked for."""
    lowered, settings = ensembles.lowered, ensembles.settings
    asked: dict[Lane, set[float]] = {}
    lanes: dict[str, Lane] = {}
    for query in lowered.network.queries:
        if isinstance(query, PassageQuery):
            continue
        if (condition := _condition(query)) is not None:
            lanes[query.name] = lane = ensembles.lane(condition)
            asked.setdefault(lane, set()).update(query.times or settings.save)
    main = next(iter(asked), ensembles.lane(None))
    asked[main] = set(settings.save)
    runs = {lane: ensembles.run(lane, times) for lane, times in asked.items()}
    snapshots = {lane: _snapshots(run) for lane, run in runs.items()}
    own = {name: snapshots[lane] for name, lane in lanes.items()}
    return Found(
        snapshots[main],
        leak=np.array([walkers.mean_leak() for walkers in runs[main].walkers]),
        passages=answer_passages(lowered, "we", settings, ensembles.passage),
        own=own,
    )


def _targets(lowered: LoweredNetwork) -> list[Expr]:
    queries = lowered.network.queries
    return [query.target for query in queries if isinstance(query, PassageQuery)]


class _Ensembles:
    """Has ensembles of a network sampled, each with random numbers of its own."""

    def __init__(
        self,
        lowered: LoweredNetwork,
        settings: WeSettings,
        sample: Callable[..., EnsembleRun],
    ) -> None:
        self.lowered = lowered
        self.settings = settings
        self.sample = sample
        self.along = _along(lowered, settings)
        self.targets = _targets(lowered)
        self.runs = 0

    def lane(self, condition: Expr | None) -> Lane:
        """What the bins of an ensemble lie along that is to reach some states."""
        if self.along is not None:
            return Lane(self.along, is_distance=False)
        if condition is None:
            number_of = len(self.lowered.space.caps)
            counts = SiteCounts(range(number_of))
            everything = OverSites(Function.SUM, counts, number_of)
            return Lane(everything, is_distance=False)
        return Lane(distance(condition), is_distance=True)

    def run(
        self,
        lane: Lane,
        times: Iterable[float],
        target: int = NO_TARGET,
        states: Int[np.ndarray, "walkers variables"] | None = None,
    ) -> EnsembleRun:
        """The next ensembles, to the last of some times within the run."""
        self.runs += 1
        within = [time for time in times if time <= self.settings.until]
        return self.sample(
            replace(self.settings, until=self._end(within), save=tuple(within)),
            lane,
            stream=self.runs,
            target=target,
            states=states,
        )

    def _end(self, times: Sequence[float]) -> float:
        return max(times, default=0.0) or self.settings.until

    def passage(self, query: PassageQuery) -> tuple[Numbers, Numbers]:
        """The answer to a question about a first passage, and its standard error.

        Raises:
            WitnessError: the passage has no start, or has not settled by the end, or
            the run has not come so far.
        """
        states = None
        if query.start is not None:
            size, seed = starts_needed(self.settings), self.settings.seed
            states = draw_departures(self.lowered, query.start, size, seed)
        target = self.targets.index(query.target)
        run = self.run(self.lane(query.target), query.times, target, states)
        reached = run.times[-1] if run.times else -1.0
        if query.times and query.times[0] <= reached:
            passed = takewhile(lambda time: time <= reached, query.times)
            shares = [run.arrived(0.0, time) for time in passed]
            return _over_repeats(np.stack(shares, axis=1))
        until = self._end(query.times)
        if reached < until:
            raise UnfinishedError
        rates, drift = _settled_rate(run, until)
        if query.kind == "rate":
            value, error = _over_repeats(rates[:, None])
            return value, np.hypot(error, drift * value)
        rest = (1 - run.arrived(0.0, until)) / rates
        value, error = _over_repeats((run.exposure(0.0, until) + rest)[:, None])
        return value, np.hypot(error, drift * rest.mean())


def _settled_rate(
    run: EnsembleRun, until: float
) -> tuple[Float[np.ndarray, " repeats"], float]:
    """Arrivals per time and survivor in the last half of a run, in each ensemble.

    With the change from the first to the second half of it, as a share.

    Raises:
        PassageError: there are none, or the rate may still change.
    """
    edges = until * np.array([0.5, 0.75, 1.0])
    pieces = [edges[:2], edges[1:], edges[[0, 2]]]
    with np.errstate(divide="ignore", invalid="ignore"):
        third, last, both = (
            run.arrived(*piece) / run.exposure(*piece) for piece in pieces
        )
    if not (np.isfinite(both).all() and (both > 0).all()):
        raise PassageError(
            "between the middle and the end of the run some ensembles have no "
            "arrivals, or no survivors",
            "change the end of the run, or raise `walkers`",
        )
    change, error = _over_repeats((last - third)[:, None])
    if not error[0] <= CLEAR * both.mean():
        raise PassageError(
            "too few walkers arrive to tell whether the rate has settled",
            "raise `walkers` or `repeats`, or lengthen the run",
        )
    if not abs(change[0]) <= SETTLED * error[0]:
        raise PassageError(
            f"its rate still changes: {third.mean():.4g} in the third quarter of the "
            f"run, {last.mean():.4g} in the last",
            "lengthen the run",
        )
    return both, abs(change[0]) / both.mean()


def _over_repeats(values: Float[np.ndarray, "repeats _"]) -> tuple[Numbers, Numbers]:
    """The mean over ensembles and its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def _snapshots(run: EnsembleRun) -> tuple[Snapshot, ...]:
    return tuple(
        Snapshot(time, walkers.states, walkers.weights, groups=walkers.repeat)
        for time, walkers in zip(run.times, run.walkers, strict=True)
    )


def _condition(query: LawQuery) -> Expr | None:
    """The states that a question is about, where it is about some."""
    match query:
        case ProbQuery(condition=found):
            pass
        case LogpQuery(variables=variables, counts=counts):
            found = number(1)
            for variable, count in zip(variables, counts, strict=True):
                is_there = call(Function.EQ, Count(variable), number(count))
                found = call(Function.AND, found, is_there)
        case _:
            return query.given
    return found if query.given is None else call(Function.AND, found, query.given)


def _along(lowered: LoweredNetwork, settings: WeSettings) -> Expr | None:
    """The observable that the bins lie along; `None` for `auto`.

    Raises:
        SettingError: there is none of this name.
    """
    if settings.along == "auto":
        return None
    known = {one.name: one.value for one in lowered.network.observables}
    if settings.along not in known:
        reason = f"the file has no observable `{settings.along}`"
        raise SettingError("along", reason, fix_name(settings.along, ["auto", *known]))
    return known[settings.along]
