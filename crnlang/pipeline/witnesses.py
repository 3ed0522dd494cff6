"""The exact engines: finite state projection, and Gillespie trajectories.

For a first passage, `depart` says where it starts. Finite state projection makes the
states to be entered absorbing (`absorb`); trajectories end there.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.expr import Expr
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import PassageQuery
from crnlang.passes.absorb import absorb
from crnlang.pipeline.cost import Clock
from crnlang.pipeline.found import Found, Passages, Watcher
from crnlang.pipeline.ledgers import open_ledger
from crnlang.pipeline.passages import Numbers, UnfinishedError, answer_passages
from crnlang.reference.departure import depart, draw_departures, holds
from crnlang.reference.fsp import solve_fsp
from crnlang.reference.ledger import Arrays, Ledger
from crnlang.reference.passage import find_passage
from crnlang.reference.refusals import PassageError
from crnlang.reference.ssa import (
    TRAJECTORIES,
    Simulator,
    build_simulator,
    sample_passages,
    sample_ssa,
)
from crnlang.results.summary import Snapshot
from crnlang.settings import FspSettings, SsaSettings


def run_fsp(lowered: LoweredNetwork, settings: FspSettings) -> Found:
    """The exact law at the save times, and first passages.

    Raises:
        WitnessError: too many states, a wrong propensity, or a tolerance not reached.
    """
    found = solve_fsp(lowered, settings)
    snapshots = tuple(
        Snapshot(float(time), found.states, law, is_exact=True, bound=float(bound))
        for time, law, bound in zip(
            found.times, found.probabilities, found.bound, strict=True
        )
    )

    def ask(query: PassageQuery) -> tuple[Numbers, Numbers]:
        return _exact_passage(lowered, query, settings)

    passages = answer_passages(lowered, "fsp", settings, ask)
    return Found(snapshots, leak=found.leak, passages=passages)


def _exact_passage(
    lowered: LoweredNetwork, query: PassageQuery, settings: FspSettings
) -> tuple[Numbers, Numbers]:
    """The answer to one query, and a bound of its error.

    Raises:
        WitnessError: the passage has no start, or too many states, or no answer.
    """
    started = depart(lowered, query.start, settings.max_states)
    absorbing = absorb(started, query.target)
    if query.kind == "hit":
        return _arrived(absorbing, query, settings)
    passage = find_passage(absorbing, query.target, settings.max_states)
    value, error = passage.mean_time() if query.kind == "mfpt" else passage.rate()
    return np.array([value]), np.array([error])


def _arrived(
    absorbing: LoweredNetwork, query: PassageQuery, settings: FspSettings
) -> tuple[Numbers, Numbers]:
    """The probability of the absorbing states at each time, and bounds of the errors.

    Raises:
        WitnessError: too many states, or a tolerance not reached.
    """
    until = query.times[-1] or settings.until
    found = solve_fsp(absorbing, replace(settings, until=until, save=query.times))
    if found.stopped is not None:
        raise found.stopped
    laws = [law for law in found.laws if law.t in query.times]
    values = [
        law.probabilities[holds(absorbing, query.target, law.states)].sum()
        / law.probabilities.sum()
        for law in laws
    ]
    return np.array(values), np.array([law.bound for law in laws])


def run_ssa(
    lowered: LoweredNetwork,
    settings: SsaSettings,
    watcher: Watcher,
    clock: Clock,
    directory: Path | None = None,
) -> Found:
    """Exact trajectories at the save times, and first passages.

    numba's compilation goes to the clock. In a run directory that has begun it goes on
    from what was done, and writes down what is.

    Raises:
        RunError: what was done cannot be read.
        WitnessError: a wrong propensity, or one without a bound in time.
    """
    queries = lowered.network.queries
    targets = [query.target for query in queries if isinstance(query, PassageQuery)]
    simulator = build_simulator(lowered, targets)
    clock.add_compiling(simulator.compile_seconds)
    ledger = open_ledger(directory, settings.checkpoint, watcher)
    found = sample_ssa(lowered, settings, simulator=simulator, ledger=ledger)

    def ask(query: PassageQuery) -> tuple[Numbers, Numbers]:
        return _sampled_passage(simulator, targets, query, settings, ledger)

    passages = answer_passages(lowered, "ssa", settings, ask)
    return _found(settings, found.counts, found.leak, passages)


def read_ssa(
    lowered: LoweredNetwork, settings: SsaSettings, ledger: Ledger
) -> tuple[Found, list[str]]:
    """What the ledger of a run has, and how far each of its parts is, in words.

    It is the law of the trajectories that are done, which are exact, to the end of the
    run; with none of them there is no law.
    """
    told: list[str] = []

    def kept(part: str) -> Arrays | None:
        found = ledger.done(part)
        if found is not None:
            told.append(
                f"{part} {len(found['entered']):,} of {settings.trajectories:,}"
            )
        return found

    def ask(query: PassageQuery) -> tuple[Numbers, Numbers]:
        found = kept(_part(query))
        if found is None:
            raise UnfinishedError
        return _arrivals(found["entered"], query, settings)

    law = kept(TRAJECTORIES)
    passages = answer_passages(lowered, "ssa", settings, ask)
    if law is None:
        return Found((), passages=passages), told
    return _found(settings, law["counts"], law["leak"], passages), told


def _found(
    settings: SsaSettings,
    counts: Int[np.ndarray, "trajectories times variables"],
    leak: Int[np.ndarray, "trajectories times"],
    passages: Passages,
) -> Found:
    """The law that trajectories show at the save times."""
    snapshots = tuple(
        Snapshot(time, counts[:, place, :]) for place, time in enumerate(settings.save)
    )
    return Found(snapshots, leak=leak.mean(axis=0), passages=passages)


def _sampled_passage(
    simulator: Simulator,
    targets: list[Expr],
    query: PassageQuery,
    settings: SsaSettings,
    ledger: Ledger,
) -> tuple[Numbers, Numbers]:
    """The answer to one query, and its standard error.

    Raises:
        WitnessError: the passage has no start, or takes too long.
    """
    number, states = targets.index(query.target), None
    if query.start is not None:
        size, lowered = settings.trajectories, simulator.lowered
        states = draw_departures(lowered, query.start, size, settings.seed)
    until = _end(query, settings)
    run = replace(settings, until=until, save=(until,))
    part = _part(query)
    entered = sample_passages(simulator, run, number, states, ledger=ledger, part=part)
    return _arrivals(entered, query, settings)


def _part(query: PassageQuery) -> str:
    """What the ledger calls the trajectories of a query."""
    return f"{query.name}: {TRAJECTORIES}"


def _end(query: PassageQuery, settings: SsaSettings) -> float:
    return (query.times[-1] if query.times else 0.0) or settings.until


def _arrivals(
    entered: Float[np.ndarray, " trajectories"],
    query: PassageQuery,
    settings: SsaSettings,
) -> tuple[Numbers, Numbers]:
    """The answer to one query from the times of arrival, and its standard error.

    Raises:
        PassageError: some trajectory did not arrive in time.
    """
    if query.times:
        return _shares(entered, query)
    return _mean(entered, _end(query, settings))


def _shares(
    entered: Float[np.ndarray, " trajectories"], query: PassageQuery
) -> tuple[Numbers, Numbers]:
    """The shares of trajectories that arrived by each time, and standard errors.

    Where none arrived, or all did, one trajectory stands for the error.
    """
    size = len(entered)
    shares = np.array([(entered <= time).mean() for time in query.times])
    errors = np.sqrt(shares * (1 - shares) / size)
    return shares, np.maximum(errors, 1 / size)


def _mean(
    entered: Float[np.ndarray, " trajectories"], until: float
) -> tuple[Numbers, Numbers]:
    """The mean time of arrival, and its standard error.

    Raises:
        PassageError: some trajectory did not arrive in time.
    """
    size, late = len(entered), int(np.isinf(entered).sum())
    if late:
        least = float(np.minimum(entered, until).mean())
        raise PassageError(
            f"{late:,} of {size:,} trajectories have not arrived by the end of the "
            f"run, t = {until:g}; the mean time is above about {least:.4g}",
            "lengthen the run, or ask `fsp`",
        )
    error = float(entered.std()) / np.sqrt(size)
    return np.array([entered.mean()]), np.array([error])
