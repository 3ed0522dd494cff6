"""A `.crn` file -> the record of a run: compile, choose, run an engine, summarise.

| step             | from                    | to                         |
|------------------|-------------------------|----------------------------|
| `compile_file`   | text                    | `Compilation`              |
| `choose`         | network, command line   | `Choice`: engine, settings |
| an engine        | `LoweredNetwork`        | `Found`: laws at times     |
| `summarise`      | laws                    | `RunData`                  |
| `store_run`      | `Run`                   | a run directory            |

Each engine is imported where it runs: JAX and numba take a second to load.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from crnlang.compiler import Compilation, compile_file
from crnlang.ir.network import SettingValue
from crnlang.pipeline.auto import choose
from crnlang.pipeline.choose import Choice, answerable, save_times
from crnlang.pipeline.cost import Clock
from crnlang.pipeline.found import Found, Run, Silent, Watcher, health_of
from crnlang.pipeline.passages import answer_passages
from crnlang.results import checkpoint
from crnlang.results.law_file import pack_laws
from crnlang.results.record import RunData
from crnlang.results.run_directory import write_run
from crnlang.results.summary import summarise
from crnlang.settings import (
    FspSettings,
    NeuralSettings,
    OdeSettings,
    SsaSettings,
    WeSettings,
    as_plain,
)
from crnlang.solve.outcome import Outcome


def run_file(
    path: Path | str,
    *,
    solve: str | None = None,
    engine: str | None = None,
    overrides: Mapping[str, SettingValue] | None = None,
    seed: int | None = None,
) -> Run:
    """Compile a file and run the engine that it, or the arguments, ask for.

    Raises:
        CrnError: the file is no valid network.
        SettingError: an unknown block, engine or setting, or a value out of range.
        Refusal: the engine has no answer.
    """
    compilation = compile_file(path)
    choice = choose(compilation, solve, engine, overrides, seed)
    return run_compiled(compilation, choice, Silent())


def run_compiled(
    compilation: Compilation,
    choice: Choice,
    watcher: Watcher,
    directory: Path | None = None,
) -> Run:
    """Run an engine on a compiled file.

    A run that stops early is no exception: its record ends at the last good time. In a
    `directory` that has begun (`pipeline.resume`) engines other than `fsp` and `ode` go
    on from the last checkpoint, if there is one, and leave others.

    Raises:
        Refusal: the engine has no answer.
    """
    lowered = compilation.lowered
    save = save_times(lowered, choice.settings)
    settings = dataclasses.replace(choice.settings, save=save)
    clock = Clock()
    match settings:
        case OdeSettings():
            from crnlang.pipeline.mean_field import run_ode

            data = run_ode(lowered, settings, clock)
            return _finished(compilation, choice, data, clock)
        case FspSettings():
            from crnlang.pipeline.witnesses import run_fsp

            found = run_fsp(lowered, settings)
        case SsaSettings():
            from crnlang.pipeline.witnesses import run_ssa

            found = run_ssa(lowered, settings, watcher, clock, directory)
        case WeSettings():
            from crnlang.pipeline.ensembles import run_we

            found = run_we(lowered, settings, watcher, clock, directory)
        case NeuralSettings():
            from crnlang.pipeline.neural import run_neural

            found = run_neural(lowered, settings, watcher, clock, directory)
            passages = answer_passages(lowered, choice.engine, settings)
            found = dataclasses.replace(found, passages=passages)
        case _:
            raise TypeError(f"no engine runs {type(settings).__name__}")
    return record_run(compilation, choice, found, clock)


def record_run(
    compilation: Compilation, choice: Choice, found: Found, clock: Clock
) -> Run:
    """The record of what an engine found, its questions answered."""
    times = [snapshot.time for snapshot in found.snapshots]
    own = {name: [one.time for one in laws] for name, laws in found.own.items()}
    lowered, unanswered = answerable(compilation.lowered, times, own)
    data = summarise(
        lowered,
        found.snapshots,
        engine=choice.engine,
        seed=choice.settings.seed,
        leak=found.leak,
        passages=found.passages.answers,
        own=found.own,
    )
    is_complete = found.outcome is Outcome.SUCCESSFUL
    last_good = f" The last good time is t = {times[-1]:g}." if times else ""
    data = dataclasses.replace(
        data,
        health=health_of(found.infos),
        status="complete" if is_complete else "stopped",
        sentence=found.outcome.sentence + last_good * (not is_complete),
        notes=(*unanswered, *found.notes, *found.passages.notes),
    )
    return _finished(compilation, choice, data, clock, found)


def _finished(
    compilation: Compilation,
    choice: Choice,
    data: RunData,
    clock: Clock,
    found: Found | None = None,
) -> Run:
    """The run of a record, with what it cost; of means only there is no law `found`."""
    cost = clock.cost()
    data = dataclasses.replace(
        data,
        wall_seconds=cost.compile_seconds + cost.run_seconds,
        notes=(*choice.notes, *data.notes),
    )
    found = found or Found(())
    return Run(
        data=data,
        source=compilation.network.source.text,
        path=compilation.network.source.path,
        settings=as_plain(choice.engine, choice.settings),
        outcome=found.outcome,
        cost=cost,
        weights=found.weights,
        snapshots=() if found.weights else found.snapshots,
    )


def store_run(run: Run, directory: Path) -> Path:
    """Write a run into its directory, new, empty or begun; hand back its path.

    Beside the usual files: `cost.json`, and the law at every time: the weights of a
    network, or the states with their weights where they are not too many.
    The checkpoint stays where the run was interrupted, and goes otherwise.

    Raises:
        RunError: the directory holds something else, or cannot be written.
    """
    cost = json.dumps(run.cost.as_plain(), indent=2) + "\n"
    files = {"cost.json": cost.encode(), **run.weights, **pack_laws(run.snapshots)}
    file = run.path if Path(run.path).is_file() else ""  # none where it was a text
    write_run(directory, run.data, run.source, run.settings, files, file)
    if run.outcome is not Outcome.INTERRUPTED:
        checkpoint.end(directory)
    return directory
