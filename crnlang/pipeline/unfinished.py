"""A run directory, finished or not -> what it holds so far."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crnlang.compiler import compile_text
from crnlang.ir.lowered import LoweredNetwork
from crnlang.pipeline import record_run
from crnlang.pipeline.choose import save_times
from crnlang.pipeline.cost import Clock
from crnlang.pipeline.found import Found
from crnlang.pipeline.interface import as_result, open_run
from crnlang.pipeline.ledgers import ReadLedger
from crnlang.pipeline.result import Result
from crnlang.pipeline.resume import read_choice, way_on
from crnlang.pipeline.watching import State, look_at
from crnlang.results import checkpoint
from crnlang.results.record import RunError
from crnlang.results.run_directory import MANIFEST, is_overtaken, read_files
from crnlang.settings import (
    KeptSettings,
    NeuralSettings,
    SsaSettings,
    WeSettings,
)
from crnlang.solve.outcome import Outcome


@dataclass(frozen=True, eq=False)
class Opened:
    """What a run directory holds; `status` is that of the record, or `unfinished`."""

    result: Result
    versions: Mapping[str, Any]
    status: str


def open_any(directory: Path) -> Opened:
    """The result of a run; of one that has not ended, or goes on, its last checkpoint.

    Raises:
        RunError: it is no run directory, or damaged, or nothing was kept so far.
    """
    if _has_newer_state(directory):
        return _open_unfinished(directory)
    result = open_run(directory)
    return Opened(result, read_files(directory).versions, result.data.status)


def _has_newer_state(directory: Path) -> bool:
    """Whether a run is under way there that has no result, or only an older one."""
    if not checkpoint.is_begun(directory):
        return False
    return not (directory / MANIFEST).is_file() or is_overtaken(directory)


def _open_unfinished(directory: Path) -> Opened:
    """What the last checkpoint holds: laws of networks, or of what was sampled so far.

    Raises:
        RunError: there is none so far, or it is damaged.
    """
    begun = checkpoint.read_begun(directory)
    choice = read_choice(directory, begun)
    state = look_at(directory).state
    if not isinstance(choice.settings, KeptSettings):
        raise RunError(
            f"{directory} has not ended, and `{choice.engine}` has no law before its "
            f"end; `crnc watch {directory}` tells whether it still runs"
        )
    compilation = compile_text(begun.model, begun.file)
    found, how_far = _read(compilation.lowered, choice.settings, directory)
    if found is None:
        raise RunError(_nothing_so_far(directory, state, choice.settings))
    found = replace(found, outcome=Outcome.INTERRUPTED)
    run = record_run(compilation, choice, found, Clock())
    seconds = float(run.data.health["seconds"].sum()) if run.data.health else 0.0
    sentence = f"{_how_it_is(directory, state)} {how_far}"
    data = replace(run.data, sentence=sentence, wall_seconds=seconds)
    result = as_result(replace(run, data=data))
    return Opened(result, begun.versions, "unfinished")


def _read(
    lowered: LoweredNetwork, settings: KeptSettings, directory: Path
) -> tuple[Found | None, str]:
    """What the checkpoint holds, `None` for nothing, and how far it is in a sentence.

    Raises:
        RunError: it is damaged.
    """
    if isinstance(settings, NeuralSettings):
        from crnlang.pipeline.neural import read_unfinished  # loads JAX

        found = read_unfinished(lowered, settings, directory)
        reached = f"{found.snapshots[-1].time:g}" if found else ""
        end = f"t = {reached} of {settings.until:g}"
        return found, f"This is its last checkpoint, at {end}."
    settings = replace(settings, save=save_times(lowered, settings))
    ledger = ReadLedger(directory)
    if isinstance(settings, SsaSettings):
        from crnlang.pipeline.witnesses import read_ssa  # loads numba

        found, told = read_ssa(lowered, settings, ledger)
    else:
        from crnlang.pipeline.ensembles import read_we  # loads numba

        assert isinstance(settings, WeSettings)
        found, told = read_we(lowered, settings, ledger)
    words = f"What its last checkpoint has is shown: {'; '.join(told)} done."
    return (found if told else None), words


def _how_it_is(directory: Path, state: State) -> str:
    """Whether somebody works on the run, and what to do, in sentences."""
    if state is State.RUNNING:
        name = shlex.join(["crnc", "watch", str(directory)])
        return f"The run has not ended and goes on; it can be followed with: {name}."
    return (
        "The run has not ended and was broken off: no process works on it any more; "
        f"{way_on(directory)}."
    )


def _nothing_so_far(directory: Path, state: State, settings: KeptSettings) -> str:
    """What is told where nothing was kept."""
    if state is State.RUNNING:
        return (
            f"{directory} has not ended and has no checkpoint so far; wait for its "
            f"first, at most {settings.checkpoint:g} s after the first piece of its "
            "work"
        )
    return (
        f"{directory} has not ended and has no checkpoint so far: it was broken off "
        f"before its first; {way_on(directory)}"
    )
