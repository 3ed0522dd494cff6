"""Weighted ensembles: trajectories with weights that are split and merged.

Walkers run for a while, then those in one bin are drawn anew with equal weights, so
that as many are in rare bins as in others. Every walker stays on average with its
weight, whatever the bins: all means are unbiased. Source: G. A. Huber and S. Kim,
Biophys. J. 70 (1996) 97; that any bins will do: B. W. Zhang, D. Jasnow, D. M.
Zuckerman, J. Chem. Phys. 132 (2010) 054107. Within a bin walkers are drawn
systematically, in the order of the coordinate: G. Kitagawa, J. Comput. Graph. Stat. 5
(1996) 1.
"""

import json
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Expr
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.jumps import Stretch, jumped, stretches
from crnlang.reference.ledger import NO_LEDGER, Arrays, Ledger
from crnlang.reference.ssa import NO_TARGET, STREAMS, Simulator, advance, first_start
from crnlang.reference.trajectory import Start
from crnlang.reference.walkers import (
    Arrivals,
    EnsembleRun,
    Walkers,
    arrivals_in,
    named,
    saved_in,
    walkers_in,
)
from crnlang.settings import SsaSettings, WeSettings


@dataclass(frozen=True)
class Lane:
    """What bins lie along: one number a state, read at time 0.

    They are equally wide between the ends of what occurs; of what occurs below the
    median where it `is_distance`, from states that are to be reached.
    """

    value: Expr
    is_distance: bool

    def place(
        self, lowered: LoweredNetwork, states: Int[np.ndarray, "walkers variables"]
    ) -> Float[np.ndarray, " walkers"]:
        """Where each walker is; 0 where the value is no number."""
        counts = [column.astype(float) for column in states.T]
        found = evaluate_float64(self.value, counts, lowered.parameters, 0.0)
        return np.nan_to_num(np.broadcast_to(found, len(states)))


def sample_ensembles(
    simulator: Simulator,
    settings: WeSettings,
    lane: Lane,
    *,
    stream: int,
    target: int = NO_TARGET,
    states: Int[np.ndarray, "walkers variables"] | None = None,
    threads: int | None = None,
    ledger: Ledger = NO_LEDGER,
) -> EnsembleRun:
    """Independent ensembles side by side, to the end of the run.

    **Arguments:**

    - `stream`: the number of this call: calls of other numbers are independent.
    - `target`: the set of the simulator that takes walkers out of the ensemble.
    - `states`: where walkers start, as many for each ensemble; drawn from the initial
      law where there are none.
    - `ledger`: what it has of the ensembles of this number is not done again.

    The result does not depend on the number of threads.

    Raises:
        WitnessError: as in `sample_ssa`.
    """
    runner = _Runner(simulator, settings, lane, stream, target)
    return runner.run(states, threads, ledger)


def read_ensembles(
    lowered: LoweredNetwork, settings: WeSettings, stream: int, ledger: Ledger
) -> tuple[EnsembleRun, str]:
    """What the ledger has of the ensembles of a number, and how far that is, in words.

    The `times` of it are the save times that were passed, of which nothing changes any
    more; none where the ensembles have not begun.
    """
    rounds = _rounds(lowered, settings)
    kept = ledger.done(_part(stream))
    if kept is None:
        none = Arrivals(np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))
        return EnsembleRun((), (), none, settings.repeats), ""
    done = int(kept["position"][0])
    saved = saved_in(kept)
    for later in rounds[done : done + 1]:
        if later.is_first and later.start in settings.save:  # an event is to come
            saved.pop(settings.save.index(later.start), None)
    run = EnsembleRun(
        tuple(settings.save[place] for place in saved),
        tuple(saved.values()),
        arrivals_in(kept),
        settings.repeats,
    )
    return run, f"{_part(stream)} {done:,} of {len(rounds):,}"


def starts_needed(settings: WeSettings) -> int:
    """The number of walkers that the ensembles start with."""
    return settings.walkers * settings.bins * settings.repeats


class _Round(NamedTuple):
    """The walkers run from one time to a later one and are drawn anew.

    `is_first` of its stretch: before it come the events at `start`. Nobody runs where
    both times are the same.
    """

    start: float
    end: float
    is_first: bool


def _rounds(lowered: LoweredNetwork, settings: WeSettings) -> list[_Round]:
    found: list[_Round] = []
    for piece in stretches(lowered, settings.save, settings.until):
        edges = [piece.start, *(_edges(settings, piece) or [piece.end])]
        found += [
            _Round(start, end, place == 0)
            for place, (start, end) in enumerate(pairwise(edges))
        ]
    return found


def _edges(settings: WeSettings, piece: Stretch) -> list[float]:
    """Where walkers stop between the start of a piece and its end, ascending."""
    grid = np.linspace(0, settings.until, settings.resamplings + 1)
    save = [settings.save[place] for place in piece.save]
    times = np.unique([*grid, *save, piece.end])
    return times[(times > piece.start) & (times <= piece.end)].tolist()


def _part(stream: int) -> str:
    """What the ledger calls the ensembles of this number."""
    return f"ensemble {stream}: round"


class _Runner:
    """One call of `sample_ensembles`; what it holds changes with every round."""

    walkers: Walkers

    def __init__(
        self,
        simulator: Simulator,
        settings: WeSettings,
        lane: Lane,
        stream: int,
        target: int,
    ) -> None:
        self.simulator = simulator
        self.settings = settings
        self.lane = lane
        self.target = target
        self.part = _part(stream)
        self.stream = (1 + stream) * STREAMS
        self.random = np.random.default_rng([settings.seed, stream])
        self.arrivals: list[Arrivals] = []
        self.saved: dict[int, Walkers] = {}

    def run(
        self,
        states: Int[np.ndarray, "walkers variables"] | None,
        threads: int | None,
        ledger: Ledger,
    ) -> EnsembleRun:
        settings = self.settings
        rounds = _rounds(self.simulator.lowered, settings)
        before = ledger.done(self.part)
        if before is None:
            self._begin(states, threads)
        done = 0 if before is None else self._unpack(before)
        for number, one in enumerate(rounds[done:], done + 1):
            self._play(one, threads)
            pack = partial(self._packed, number)
            ledger.note(self.part, pack, number, len(rounds))
        ordered = tuple(self.saved[place] for place in range(len(settings.save)))
        return EnsembleRun(
            settings.save, ordered, self._all_arrivals(), settings.repeats
        )

    def _play(self, one: _Round, threads: int | None) -> None:
        if one.is_first:
            if one.start > 0:
                lowered = self.simulator.lowered
                states = jumped(lowered, one.start, self.walkers.states)
                self.walkers = self.walkers._replace(states=states)
            self._save(one.start)
        if one.end > one.start:
            self._propagate(one.start, one.end, threads)
            self._save(one.end)
            self._resample()

    def _save(self, time: float) -> None:
        """Keep the walkers for a save time; after an event those after it."""
        for place in np.flatnonzero(np.array(self.settings.save) == time).tolist():
            self.saved[place] = self.walkers

    def _all_arrivals(self) -> Arrivals:
        parts = [(one.times, one.weights, one.repeat) for one in self.arrivals]
        times, weights, repeat = map(np.concatenate, zip(*parts, strict=True))
        return Arrivals(times, weights, repeat)

    def _packed(self, done: int) -> Arrays:
        """All that the rounds after `done` need, and what there is to show."""
        arrivals = self._all_arrivals()
        random = json.dumps(self.random.bit_generator.state).encode()
        found = {
            "position": np.array([done, self.stream], dtype=np.int64),
            "random": np.frombuffer(random, dtype=np.uint8),
            "times": arrivals.times,
            "weights": arrivals.weights,
            "repeat": arrivals.repeat,
            **named("walkers", self.walkers),
        }
        for place, walkers in self.saved.items():
            found |= named(f"saved{place}", walkers)
        return found

    def _unpack(self, found: Arrays) -> int:
        """Take up what was packed; how many rounds were done."""
        done, self.stream = found["position"].tolist()
        state = json.loads(found["random"].tobytes())
        self.random.bit_generator.state = state
        self.walkers = walkers_in(found, "walkers")
        self.saved = saved_in(found)
        self.arrivals = [arrivals_in(found)]
        return done

    def _begin(
        self, states: Int[np.ndarray, "walkers variables"] | None, threads: int | None
    ) -> None:
        """As many walkers as there can be, drawn anew bin by bin."""
        settings, size = self.settings, starts_needed(self.settings)
        drawn = SsaSettings(trajectories=size, seed=settings.seed)
        start = first_start(self.simulator.lowered, drawn)
        start = start._replace(target=self.target, stream=self.stream)
        if states is not None:
            start = start._replace(is_drawn=False, states=states)
        self.stream += size
        repeat = np.repeat(np.arange(settings.repeats), size // settings.repeats)
        weights = np.full(size, settings.repeats / size)
        none = np.zeros(size, dtype=np.int64)
        self.walkers = Walkers(start.states, weights, repeat, none)
        self._move(start, 0.0, threads)
        self._resample()

    def _propagate(self, time: float, end: float, threads: int | None) -> None:
        """Take the walkers to a later time; those that enter the target leave."""
        walkers, size = self.walkers, len(self.walkers.weights)
        start = Start(
            time=time,
            is_drawn=False,
            states=walkers.states,
            leak=walkers.leak,
            entered=np.full(size, np.inf),
            target=self.target,
            seed=self.settings.seed,
            stream=self.stream,
        )
        self.stream += size
        self._move(start, end, threads)

    def _move(self, start: Start, end: float, threads: int | None) -> None:
        """Run from a start to a time, and note who arrived."""
        counts, leak = advance(self.simulator, start, np.array([end]), threads)
        states = counts[:, 0].astype(np.int64)
        walkers = self.walkers._replace(states=states, leak=leak[:, 0].copy())
        is_in = start.entered < np.inf
        left = walkers.take(is_in)
        self.arrivals.append(Arrivals(start.entered[is_in], left.weights, left.repeat))
        self.walkers = walkers.take(~is_in)

    def _resample(self) -> None:
        """Draw the walkers of each bin of each ensemble anew, with equal weights.

        Weights that are not known to add up to 1 in an ensemble, as they do at first,
        only change how many are drawn.
        """
        walkers = self.walkers
        if not len(walkers.weights):
            return
        place = self.lane.place(self.simulator.lowered, walkers.states)
        bins = self._bins(place, walkers)
        group = walkers.repeat * (bins.max() + 1) + bins
        order = np.lexsort((place, group))
        ordered = walkers.weights[order]
        first, _ = _runs(group[order])
        # in likely bins as many as plain trajectories would put there
        likely = self.settings.bins * np.add.reduceat(ordered, first)
        sizes = np.ceil(self.settings.walkers * (1 + likely)).astype(np.int64)
        copies, weights = systematic(group[order], ordered, sizes, self.random)
        chosen = walkers.take(np.repeat(order, copies))
        self.walkers = chosen._replace(weights=np.repeat(weights, copies))

    def _bins(
        self, place: Float[np.ndarray, " walkers"], walkers: Walkers
    ) -> Int[np.ndarray, " walkers"]:
        """The bin of each walker, between the ends of its own ensemble."""
        bins = np.zeros(len(place), dtype=np.int64)
        for repeat in np.unique(walkers.repeat):
            own = walkers.repeat == repeat
            low, high = place[own].min(), place[own].max()
            if self.lane.is_distance:
                high = _median(place[own], walkers.weights[own])
            if high > low:
                share = np.clip((place[own] - low) / (high - low), 0, 1)
                bins[own] = np.ceil(share * (self.settings.bins - 1))
        return bins


def systematic(
    group: Int[np.ndarray, " walkers"],
    weights: Float[np.ndarray, " walkers"],
    sizes: Int[np.ndarray, " groups"],
    random: np.random.Generator,
) -> tuple[Int[np.ndarray, " walkers"], Float[np.ndarray, " walkers"]]:
    """How often each walker is taken, and the weight of each of its copies.

    `group` ascends; of each group that occurs as many are taken as `sizes` says, each
    on average in proportion to its weight and never more than one away from it; the
    weight of the group stays.
    """
    first, number = _runs(group)
    size = np.repeat(sizes, number)
    total = np.repeat(np.add.reduceat(weights, first), number)
    edges = np.cumsum(weights / total) - np.repeat(np.arange(len(first)), number)
    edges[first + number - 1] = 1.0
    shift = np.repeat(random.random(len(first)), number)
    upper = np.floor(np.clip(edges, 0, 1) * size + shift)
    lower = np.concatenate([[0.0], upper[:-1]])
    lower[first] = 0.0
    return (upper - lower).astype(np.int64), total / size


def _runs(
    group: Int[np.ndarray, " walkers"],
) -> tuple[Int[np.ndarray, " groups"], Int[np.ndarray, " groups"]]:
    """Where each group begins, and how many walkers it has."""
    first = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
    return first, np.diff(np.append(first, len(group)))


def _median(
    values: Float[np.ndarray, " walkers"], weights: Float[np.ndarray, " walkers"]
) -> float:
    """The value below which half of the weight lies."""
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])
