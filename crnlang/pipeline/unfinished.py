"""A run directory, finished or not -> what it holds so far."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from crnlang.compiler import compile_text
from crnlang.pipeline import record_run
from crnlang.pipeline.cost import Clock
from crnlang.pipeline.interface import as_result, open_run
from crnlang.pipeline.result import Result
from crnlang.pipeline.resume import read_choice
from crnlang.results import checkpoint
from crnlang.results.record import RunError
from crnlang.results.run_directory import MANIFEST, is_overtaken, read_files
from crnlang.settings import NeuralSettings


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
    """What the last checkpoint holds, its laws read from the networks in it.

    Raises:
        RunError: there is none so far, or it is damaged.
    """
    begun = checkpoint.read_begun(directory)
    choice = read_choice(directory, begun)
    if not isinstance(choice.settings, NeuralSettings):
        raise RunError(
            f"{directory} has not ended, and `{choice.engine}` has no law before its "
            f"end; `crnc watch {directory}` tells whether it still runs"
        )
    from crnlang.pipeline.neural import read_unfinished  # loads JAX

    compilation = compile_text(begun.model, begun.file)
    found = read_unfinished(compilation.lowered, choice.settings, directory)
    if found is None:
        raise RunError(
            f"{directory} has not ended and has no checkpoint so far; wait for its "
            f"first, at most {choice.settings.checkpoint:g} s after its first step"
        )
    run = record_run(compilation, choice, found, Clock())
    sentence = (
        "The run has not ended: this is its last checkpoint, at "
        f"t = {found.snapshots[-1].time:g} of {choice.settings.until:g}."
    )
    seconds = float(run.data.health["seconds"].sum()) if run.data.health else 0.0
    data = replace(run.data, sentence=sentence, wall_seconds=seconds)
    result = as_result(replace(run, data=data))
    return Opened(result, begun.versions, "unfinished")
