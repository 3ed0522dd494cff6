"""The Python interface: run a compiled model, open what a run left behind.

It goes the way of `crnc run`: `resolve_solve`, `run_compiled`, `store_run`.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from crnlang.compiler import Compilation, compile_text
from crnlang.ir.network import SettingValue
from crnlang.pipeline import run_compiled
from crnlang.pipeline.auto import choose
from crnlang.pipeline.found import Run, Silent
from crnlang.pipeline.laws import Laws, NoLaws, StatedLaws
from crnlang.pipeline.overrides import read_value
from crnlang.pipeline.result import Result
from crnlang.results.law_file import read_laws
from crnlang.results.run_directory import MODEL, read_whole
from crnlang.results.summary import Snapshot
from crnlang.settings import ENGINES, NeuralSettings


def run(
    model: Compilation,
    *,
    solve: str | None = None,
    engine: str | None = None,
    **settings: Any,
) -> Result:
    """Solve a compiled model, as `crnc run` does; nothing is written.

    `solve` names a block of the file; `engine` takes the first block of that engine,
    else `t` and `save` of another; `auto` picks one and says why in `notes`. Settings
    are those of `--set`, as numbers, words, sequences of times, or in the spelling of
    the language: `t="0..40"`, `save=[1, 5]`, `seed=3`. Neural engines set JAX to 64
    bits. Ctrl-C ends a neural run after its step; what was reached is handed back, with
    `data.status` `stopped`.

    Raises:
        SettingError: an unknown block, engine or setting, or a value out of range.
        Refusal: the engine has no answer; the text says why.
    """
    values = {key: _setting(key, value) for key, value in settings.items()}
    choice = choose(model, solve, engine, values)
    return as_result(run_compiled(model, choice, Silent()))


def as_result(found: Run) -> Result:
    """A run that has just been made, for people who write Python."""
    weights = list(found.weights.values())
    return Result(
        found.data,
        found.source,
        found.path,
        found.settings,
        _laws(lambda: found.snapshots, lambda place: weights[place]),
        found,
    )


def open_run(path: Path | str) -> Result:
    """Open a run directory, after its files were checked against their sums.

    Raises:
        RunError: the directory is missing, foreign or damaged.
    """
    directory = Path(path)
    data, files = read_whole(directory)

    def weights(place: int) -> bytes:
        from crnlang.pipeline.weights import read_weights  # loads JAX

        return read_weights(directory, place)

    laws = _laws(lambda: read_laws(directory, data.times), weights)
    path, origin = str(directory / MODEL), str(files.versions.get("file", ""))
    return Result(data, files.model, path, files.settings, laws, origin=origin)


def _laws(
    snapshots: Callable[[], Sequence[Snapshot]], weights: Callable[[int], bytes]
) -> Callable[[Result], Laws]:
    """What makes the laws of a result, of whichever kind its engine is."""

    def make(result: Result) -> Laws:
        data = result.data
        if not data.has_law:
            return NoLaws(data.engine)
        if not issubclass(ENGINES[data.engine], NeuralSettings):
            return StatedLaws(data.engine, snapshots())
        # here, because they load JAX, which takes a second or two
        from crnlang.pipeline.network_laws import NetworkLaws
        from crnlang.pipeline.weights import neural_settings

        settings = neural_settings(result.settings)
        lowered = compile_text(result.model, result.path).lowered
        return NetworkLaws(lowered, settings, data.times, weights)

    return make


def _setting(key: str, value: Any) -> SettingValue:
    """A setting as solve blocks have it, from what Python users write."""
    if isinstance(value, str):
        return read_value(key, value)
    if np.ndim(value) > 0:
        return tuple(float(one) for one in np.ravel(value))
    return value.item() if isinstance(value, np.generic) else value
