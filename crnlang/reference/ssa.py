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

from crnlang.ir.expr import Expr
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference import intervals
from crnlang.reference.forms import find_forms
from crnlang.reference.jumps import jumped, stretches
from crnlang.reference.ledger import NO_LEDGER, Arrays, Ledger
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
from crnlang.reference.tables import build_tables, families_by_channel
from crnlang.reference.trajectory import (
    DONE,
    ENDLESS_EVENTS,
    NO_BOUND,
    WRONG_EVENT,
    Generated,
    Start,
    steady_batch,
    varying_batch,
)
from crnlang.settings import SsaSettings

#: Trajectories are done in pieces, each twice as large as the one before it as long as
#: that took less than so many seconds.
PIECE_SECONDS = 1.0
#: Trajectories are dealt to the threads in batches, this many a thread.
BATCHES_PER_THREAD = 8
#: What the ledger calls the trajectories of a run.
TRAJECTORIES = "trajectories"
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
    ledger: Ledger = NO_LEDGER,
) -> SsaTrajectories:
    """Trajectories of the network; the same for any number of threads.

    A `simulator` of the network saves compiling it again. What the `ledger` has of the
    part `trajectories` is not done again.

    Raises:
        WrongPropensityError: a propensity is negative or not finite.
        UnboundedPropensityError: one that reads `t` has no finite bound.
        WrongJumpError: an event leads out of the box.
    """
    simulator = simulator or build_simulator(lowered)
    started = time.perf_counter()
    start = first_start(lowered, settings)
    counts, leak = _simulate(simulator, start, settings, threads, ledger, TRAJECTORIES)
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
    ledger: Ledger = NO_LEDGER,
    part: str = "",
) -> Float[np.ndarray, " trajectories"]:
    """When each trajectory first enters the target of this number; inf for not in time.

    They begin in `states`, or as the initial law says, and end with the run at the
    latest. Their random numbers are other ones than those of other targets. What the
    `ledger` has of the `part` is not done again.

    Raises:
        WitnessError: as in `sample_ssa`.
    """
    start = first_start(simulator.lowered, settings)
    start = start._replace(target=target, stream=(target + 1) * STREAMS)
    if states is not None:
        start = start._replace(is_drawn=False, states=states)
    at_end = replace(settings, save=(settings.until,))
    _simulate(simulator, start, at_end, threads, ledger, part)
    return start.entered


def _simulate(
    simulator: Simulator,
    start: Start,
    settings: SsaSettings,
    threads: int | None,
    ledger: Ledger,
    part: str,
) -> tuple[
    Int[np.ndarray, "trajectories times variables"],
    Int[np.ndarray, "trajectories times"],
]:
    """The states and leaks at the save times; fills in `start.entered`."""
    total, variables = start.states.shape
    shape = (total, len(settings.save))
    counts = np.zeros((*shape, variables), dtype=np.int32)
    leak = np.zeros(shape, dtype=np.int64)
    done, size = 0, threads or os.cpu_count() or 1
    if (before := ledger.done(part)) is not None:
        done = len(before["entered"])
        counts[:done], leak[:done] = before["counts"], before["leak"]
        start.entered[:done] = before["entered"]
    while done < total:
        began, last = time.perf_counter(), min(done + size, total)
        some = start._replace(
            states=start.states[done:last],
            leak=start.leak[done:last],
            entered=start.entered[done:last],
            stream=start.stream + done,
        )
        found = _follow(simulator, some, settings, threads)
        counts[done:last], leak[done:last] = found
        done = last
        pack = partial(_packed, counts, leak, start.entered, done)
        ledger.note(part, pack, done, total)
        size *= 2 if time.perf_counter() - began < PIECE_SECONDS else 1
    return counts, leak


def _packed(
    counts: Int[np.ndarray, "trajectories times variables"],
    leak: Int[np.ndarray, "trajectories times"],
    entered: Float[np.ndarray, " trajectories"],
    done: int,
) -> Arrays:
    """The first trajectories, as `_simulate` takes them up again."""
    return {"counts": counts[:done], "leak": leak[:done], "entered": entered[:done]}


def _follow(
    simulator: Simulator, start: Start, settings: SsaSettings, threads: int | None
) -> tuple[
    Int[np.ndarray, "trajectories times variables"],
    Int[np.ndarray, "trajectories times"],
]:
    """The states and leaks of some trajectories at the save times."""
    lowered = simulator.lowered
    times = np.array(settings.save, dtype=float)
    shape = (len(start.states), len(times))
    counts = np.zeros((*shape, len(lowered.space.caps)), dtype=np.int32)
    leak = np.zeros(shape, dtype=np.int64)
    for piece in stretches(lowered, settings.save, settings.until):
        if piece.start > 0:
            # later random numbers are other ones
            stream = start.stream + settings.trajectories
            states = jumped(lowered, piece.start, start.states)
            start = start._replace(time=piece.start, states=states, stream=stream)
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
    family = families_by_channel(lowered)[channel]
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
