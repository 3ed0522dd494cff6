"""Gillespie's direct method on a lowered network: exact trajectories.

Under propensities that read the time, candidates are thinned with rigorous bounds
(`intervals`), which is exact as well.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numba
import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.expr import Expr, depends_on_time, slots_of
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork
from crnlang.reference import intervals
from crnlang.reference.forms import Forms, find_forms
from crnlang.reference.jumps import jumped, stretches
from crnlang.reference.refusals import (
    EndlessEventsError,
    UnboundedPropensityError,
    WrongJumpError,
    WrongPropensityError,
)
from crnlang.reference.source import (
    bound_function_source,
    inside_source,
    propensity_source,
    settle_source,
    watch_source,
)
from crnlang.reference.trajectory import (
    DONE,
    ENDLESS_EVENTS,
    NO_BOUND,
    WRONG_EVENT,
    Generated,
    Start,
    Tables,
    steady_batch,
    varying_batch,
)
from crnlang.settings import SsaSettings

#: Trajectories are dealt to the threads in batches, this many a thread.
BATCHES_PER_THREAD = 8
#: The number of no set of states.
NO_TARGET = -1
#: The streams of random numbers of each target.
STREAMS = 2**40


@dataclass(frozen=True, eq=False)
class SsaTrajectories:
    """The states at the save times.

    `leak[i, k]` counts the firings of trajectory i until `times[k]` that an upper cap
    stopped. `compile_seconds` is the time that numba took before the run.
    """

    times: Float[np.ndarray, " times"]
    counts: Int[np.ndarray, "trajectories times variables"]
    leak: Int[np.ndarray, "trajectories times"]
    compile_seconds: float
    run_seconds: float


@dataclass(frozen=True, eq=False)
class Simulator:
    """The compiled method for one network and the sets that its trajectories enter."""

    lowered: LoweredNetwork
    batch: Callable[..., tuple[int, int, float]]
    compile_seconds: float


def build_simulator(lowered: LoweredNetwork, targets: Sequence[Expr] = ()) -> Simulator:
    """Compile the method; the slots of a target, a condition, are variables."""
    started = time.perf_counter()
    batch = _compile(lowered, targets)
    start = first_start(lowered, SsaSettings(trajectories=1))
    counts = np.zeros((1, 1, len(lowered.space.caps)), dtype=np.int32)
    leak = np.zeros((1, 1), dtype=np.int64)
    _run_batch(lowered, batch, start, np.zeros(1), counts, leak, (0, 0))
    return Simulator(lowered, batch, time.perf_counter() - started)


def sample_ssa(
    lowered: LoweredNetwork,
    settings: SsaSettings,
    *,
    threads: int | None = None,
    simulator: Simulator | None = None,
) -> SsaTrajectories:
    """Trajectories of the network; the same for any number of threads.

    A `simulator` of the network saves compiling it again.

    Raises:
        WrongPropensityError: a propensity is negative or not finite.
        UnboundedPropensityError: one that reads `t` has no finite bound.
        WrongJumpError: an event leads out of the box.
    """
    simulator = simulator or build_simulator(lowered)
    started = time.perf_counter()
    start = first_start(lowered, settings)
    counts, leak = _simulate(simulator, start, settings, threads)
    seconds = time.perf_counter() - started
    times = np.array(settings.save, dtype=float)
    return SsaTrajectories(times, counts, leak, simulator.compile_seconds, seconds)


def sample_passages(
    simulator: Simulator,
    settings: SsaSettings,
    target: int,
    states: Int[np.ndarray, "trajectories variables"] | None = None,
    *,
    threads: int | None = None,
) -> Float[np.ndarray, " trajectories"]:
    """When each trajectory first enters the target of this number; inf for not in time.

    They begin in `states`, or as the initial law says, and end with the run at the
    latest. Their random numbers are other ones than those of other targets.

    Raises:
        WitnessError: as in `sample_ssa`.
    """
    start = first_start(simulator.lowered, settings)
    start = start._replace(target=target, stream=(target + 1) * STREAMS)
    if states is not None:
        start = start._replace(is_drawn=False, states=states)
    at_end = replace(settings, save=(settings.until,))
    _simulate(simulator, start, at_end, threads)
    return start.entered


def _simulate(
    simulator: Simulator, start: Start, settings: SsaSettings, threads: int | None
) -> tuple[
    Int[np.ndarray, "trajectories times variables"],
    Int[np.ndarray, "trajectories times"],
]:
    """The states and leaks at the save times; fills in `start.entered`."""
    lowered = simulator.lowered
    times = np.array(settings.save, dtype=float)
    shape = (settings.trajectories, len(times))
    counts = np.zeros((*shape, len(lowered.space.caps)), dtype=np.int32)
    leak = np.zeros(shape, dtype=np.int64)
    for piece in stretches(lowered, settings.save, settings.until):
        if piece.start > 0:
            start = _after(lowered, piece.start, start)
        wanted = np.append(times[list(piece.save)], piece.end)
        found, stopped = advance(simulator, start, wanted, threads)
        counts[:, list(piece.save)] = found[:, :-1]
        leak[:, list(piece.save)] = stopped[:, :-1]
        start = start._replace(
            is_drawn=False,
            states=found[:, -1].astype(np.int64),
            leak=stopped[:, -1].copy(),
        )
    return counts, leak


def advance(
    simulator: Simulator,
    start: Start,
    times: Float[np.ndarray, " times"],
    threads: int | None = None,
) -> tuple[
    Int[np.ndarray, "trajectories times variables"],
    Int[np.ndarray, "trajectories times"],
]:
    """The states and leaks at ascending times, without events; fills `start.entered`.

    Raises:
        WitnessError: as in `sample_ssa`.
    """
    shape = (len(start.leak), len(times))
    variables = len(simulator.lowered.space.caps)
    counts = np.zeros((*shape, variables), dtype=np.int32)
    leak = np.zeros(shape, dtype=np.int64)
    run = partial(
        _run_batch, simulator.lowered, simulator.batch, start, times, counts, leak
    )
    workers = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(run, _batches(shape[0], workers)):
            pass
    return counts, leak


def first_start(lowered: LoweredNetwork, settings: SsaSettings) -> Start:
    """The start at time 0, drawn from the initial law, without a target."""
    size = settings.trajectories
    return Start(
        time=0.0,
        is_drawn=True,
        states=np.zeros((size, len(lowered.space.caps)), dtype=np.int64),
        leak=np.zeros(size, dtype=np.int64),
        entered=np.full(size, np.inf),
        target=NO_TARGET,
        seed=settings.seed,
        stream=0,
    )


def _after(lowered: LoweredNetwork, t: float, start: Start) -> Start:
    """The start after the events at a time; later random numbers are other ones.

    Raises:
        WrongJumpError: one of them leads out of the box.
    """
    states = jumped(lowered, t, start.states)
    stream = start.stream + len(states)
    return start._replace(time=t, states=states, stream=stream)


def _batches(trajectories: int, workers: int) -> list[tuple[int, int]]:
    """Consecutive ranges of trajectories."""
    edges = np.linspace(0, trajectories, workers * BATCHES_PER_THREAD + 1).astype(int)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _run_batch(
    lowered: LoweredNetwork,
    batch: Callable[..., tuple[int, int, float]],
    start: Start,
    times: Float[np.ndarray, " times"],
    counts: Int[np.ndarray, "trajectories times variables"],
    leak: Int[np.ndarray, "trajectories times"],
    range_: tuple[int, int],
) -> None:
    """Fill in one range of trajectories, or raise."""
    witness = np.zeros(counts.shape[2], dtype=np.int64)
    outcome, channel, t = batch(start, *range_, times, counts, leak, witness)
    if outcome == DONE:
        return
    if outcome in (WRONG_EVENT, ENDLESS_EVENTS):
        refusal = WrongJumpError if outcome == WRONG_EVENT else EndlessEventsError
        raise refusal(lowered.space.names, witness.tolist(), t)
    family = _families_by_channel(lowered)[channel]
    reaction = " + ".join(family.reactions)
    if outcome == NO_BOUND:
        raise UnboundedPropensityError(reaction, t)
    raise WrongPropensityError(reaction, None, lowered.space.names, witness.tolist(), t)


def _compile(
    lowered: LoweredNetwork, targets: Sequence[Expr]
) -> Callable[..., tuple[int, int, float]]:
    """The batch function of a network, compiled in memory only at its first call."""
    forms = find_forms(lowered)
    tables = build_tables(lowered, forms)
    propensity = _jit(propensity_source(lowered, forms), "propensity", lowered)
    inside = _jit(inside_source(lowered, targets), "inside", lowered)
    watch = _jit(watch_source(lowered), "watch", lowered)
    settle = _jit(settle_source(lowered), "settle", lowered)
    asked = Generated(propensity, inside, watch, settle)
    if not tables.is_varying.any():
        return partial(steady_batch, asked, tables)
    bound = _jit(bound_function_source(lowered, forms), "bound", lowered)
    return partial(varying_batch, asked, bound, tables)


def _jit(source: str, name: str, lowered: LoweredNetwork) -> Any:
    """The function `name` of a generated source."""
    scope: dict[str, Any] = {"math": math, "np": np, "iv": intervals}
    scope["site"] = np.concatenate([[0], *(f.sites for f in lowered.families)])[1:]
    for place, values in lowered.site_parameters.items():
        scope[f"site_values{place}"] = values
    exec(compile(source, f"<generated {name}>", "exec"), scope)
    return numba.njit(error_model="numpy", nogil=True)(scope[name])


def _families_by_channel(lowered: LoweredNetwork) -> list[ChannelFamily]:
    """The family of every channel: family by family, instance by instance."""
    return [family for family in lowered.families for _ in family.variables]


def build_tables(lowered: LoweredNetwork, forms: Forms) -> Tables:
    """The network as the arrays that the compiled batches read."""
    families = _families_by_channel(lowered)
    rows = [row for family in lowered.families for row in family.variables]
    width = max((len(row) for row in rows), default=0)
    changed = [
        [(int(v), int(c)) for v, c in zip(row, family.net_change, strict=True) if c]
        for row, family in zip(rows, families, strict=True)
    ]
    dependent = _dependents(families, rows, changed)
    numbers = {id(family): i for i, family in enumerate(lowered.families)}
    touched = np.zeros((len(rows), width), dtype=np.int64)
    for row, padded in zip(rows, touched, strict=True):
        padded[: len(row)] = row
    return Tables(
        form=forms.form[[numbers[id(family)] for family in families]],
        touched=touched,
        numbers=forms.numbers,
        triggers=len(lowered.network.triggers),
        is_varying=np.array(
            [depends_on_time(family.propensity) for family in families], dtype=bool
        ),
        caps=lowered.space.caps.astype(np.int64),
        cumulative=_cumulative(lowered),
        changed_start=_starts(changed),
        changed=_whole([variable for pairs in changed for variable, _ in pairs]),
        change=_whole([change for pairs in changed for _, change in pairs]),
        dependent_start=_starts(dependent),
        dependent=_whole([channel for channels in dependent for channel in channels]),
    )


def _dependents(
    families: Sequence[ChannelFamily],
    rows: Sequence[Int[np.ndarray, " _"]],
    changed: Sequence[Sequence[tuple[int, int]]],
) -> list[list[int]]:
    """For each channel, those whose propensity reads a variable that it changes.

    A channel also reads what it takes away, because it stops at 0.
    """
    readers: dict[int, list[int]] = {}
    for channel, (family, row) in enumerate(zip(families, rows, strict=True)):
        slots = slots_of(family.propensity) | set(np.flatnonzero(family.net_change < 0))
        for slot in slots:
            readers.setdefault(int(row[slot]), []).append(channel)
    return [
        sorted(
            {reader for variable, _ in pairs for reader in readers.get(variable, [])}
        )
        for pairs in changed
    ]


def _cumulative(lowered: LoweredNetwork) -> Float[np.ndarray, "variables levels"]:
    """The distribution function of each variable at the start, padded with 1."""
    levels = max((len(law) for law in lowered.initial), default=1)
    table = np.ones((len(lowered.initial), levels))
    for row, law in zip(table, lowered.initial, strict=True):
        sums = np.cumsum(law)
        row[: len(law)] = sums / sums[-1]
    return table


def _starts(rows: Sequence[Sequence[object]]) -> Int[np.ndarray, " starts"]:
    """Where each row starts in their concatenation, and where the last one ends."""
    return np.cumsum([0, *map(len, rows)]).astype(np.int64)


def _whole(values: Sequence[int]) -> Int[np.ndarray, " values"]:
    return np.array(values, dtype=np.int64)
