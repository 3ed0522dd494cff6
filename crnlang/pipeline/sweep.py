"""A model at many values of its parameters: ordinary runs in one directory.

    sweep.json      what was asked for: the model, parameters, engine, settings
    0001, 0002, ... the run directory of each point, as `crnc run` writes it
    table.csv       means and answers against the parameters, a row each
    table.zarr      the same as a grid
    failures.csv    points that have no run, and why; only where there are any

A point is done once its run is whole, so that after a kill the same command goes on
with those that are missing, and within each from its last checkpoint. Each point has a
seed of its own.
"""

import itertools
import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crnlang.compiler import Compilation, compile_text
from crnlang.diagnostics import CrnError
from crnlang.ir.network import SettingValue
from crnlang.pipeline import run_compiled, store_run
from crnlang.pipeline.auto import choose
from crnlang.pipeline.axes import Axis, spelled, with_values
from crnlang.pipeline.choose import Choice
from crnlang.pipeline.found import Silent
from crnlang.pipeline.progress_writer import ProgressWriter
from crnlang.pipeline.resume import PLAN, begin_run, read_choice, sum_of
from crnlang.reference.refusals import WitnessError
from crnlang.results import checkpoint
from crnlang.results.checkpoint import read_state
from crnlang.results.record import RunData, RunError
from crnlang.results.run_directory import MANIFEST, create_run_directory, read_run
from crnlang.solve.outcome import Outcome
from crnlang.threads import ONE_THREAD, environment

#: Raised when the layout of a sweep changes.
FORMAT = 1


@dataclass(frozen=True, eq=False)
class Sweep:
    """A model, the axes, how each point is solved, and the directory for it all."""

    compilation: Compilation
    axes: tuple[Axis, ...]
    directory: Path
    solve: str | None = None
    engine: str | None = None
    overrides: Mapping[str, SettingValue] | None = None
    seed: int = 0

    def points(self) -> "list[Point]":
        """Every combination of values; the last parameter varies fastest."""
        names = [axis.name for axis in self.axes]
        grids = itertools.product(*(axis.values for axis in self.axes))
        return [
            Point(number, dict(zip(names, values, strict=True)))
            for number, values in enumerate(grids, 1)
        ]

    def place(self, point: "Point") -> Path:
        """The run directory of a point."""
        return self.directory / f"{point.number:04d}"

    def is_done(self, point: "Point") -> bool:
        """Whether the run of a point is whole."""
        return (self.place(point) / MANIFEST).is_file()

    def task(self, point: "Point") -> "Task":
        """What a process needs to run a point."""
        program = self.compilation.program
        return Task(
            with_values(program, point.values),
            program.source.path,
            self.place(point),
            self.solve,
            self.engine,
            dict(self.overrides or {}),
            self.seed + point.number - 1,
        )

    def plan(self) -> dict[str, Any]:
        """What was asked for, as JSON has it."""
        plan = {
            "format": FORMAT,
            "file": str(Path(self.compilation.program.source.path).absolute()),
            "model": self.compilation.program.source.text,
            "lowered": sum_of(self.compilation),
            "parameters": {axis.name: list(axis.values) for axis in self.axes},
            "solve": self.solve,
            "engine": self.engine,
            "settings": dict(self.overrides or {}),
            "seed": self.seed,
        }
        return json.loads(json.dumps(plan))


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of values; `number` counts from 1."""

    number: int
    values: dict[str, float]

    def __str__(self) -> str:
        return ", ".join(f"{k} = {spelled(v)}" for k, v in self.values.items())


@dataclass(frozen=True, slots=True)
class Task:
    """The text of a point and how to solve it; it goes to another process."""

    text: str
    path: str
    directory: Path
    solve: str | None
    engine: str | None
    overrides: dict[str, SettingValue]
    seed: int


@dataclass(frozen=True, slots=True)
class Done:
    """How a point went: `trouble` is empty where its run is complete."""

    point: Point
    trouble: str


def begin(sweep: Sweep) -> None:
    """Make the directory, or go on in it where it holds the same sweep.

    Raises:
        RunError: it holds something else, or another sweep.
    """
    directory, plan = sweep.directory, sweep.plan()
    path = directory / PLAN
    if path.is_file():
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunError(
                f"{path} cannot be read; sweep into a new `--out`"
            ) from error
        changed = [key for key in plan if plan[key] != found.get(key)]
        # the file may have moved; what it says counts
        if changed := [key for key in changed if key != "file"]:
            raise RunError(_refused(directory, changed, plan, found))
        return
    if directory.is_file() or (directory.is_dir() and any(directory.iterdir())):
        raise RunError(
            f"{directory} holds something that is no sweep; choose a new `--out`"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(plan, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"cannot make {directory}: {error.strerror}; choose another `--out`"
        ) from error


#: What each part of a plan is called.
WORDS = {
    "model": "the text of the model",
    "lowered": "what the model means (a file that it reads, or crnlang)",
    "parameters": "what `--param` says",
    "solve": "the solve block",
    "engine": "the engine",
    "settings": "what `--set` says",
    "seed": "the seed",
    "format": "the layout of sweeps",
}


def _refused(
    directory: Path,
    changed: Sequence[str],
    plan: Mapping[str, Any],
    found: Mapping[str, Any],
) -> str:
    """Why a sweep cannot go on."""
    first = next(key for key in WORDS if key in changed)
    shown = ""
    if first not in ("model", "lowered"):
        shown = f" (was {json.dumps(found.get(first))}, is {json.dumps(plan[first])})"
    return (
        f"{directory} holds another sweep: {WORDS[first]} changed{shown}. Change it "
        "back to go on there, or choose a new `--out`"
    )


def run_points(
    sweep: Sweep, processes: int, report: Callable[[Done], None]
) -> list[Done]:
    """Run every point that has no run yet; `report` hears of each as it ends.

    A point that fails does not end the others. One process is the calling one. Points
    that stopped early before come first, and would stop there again.

    Raises:
        RunError: a run is damaged.
    """
    waiting = [point for point in sweep.points() if not sweep.is_done(point)]
    runs = (
        _in_turn(sweep, waiting)
        if processes == 1
        else _in_processes(sweep, waiting, processes)
    )
    ended = [point for point in sweep.points() if sweep.is_done(point)]
    before = [Done(point, _trouble(read_run(sweep.place(point)))) for point in ended]
    found = [done for done in before if done.trouble]
    for done in runs:
        report(done)
        found.append(done)
    return found


def _in_turn(sweep: Sweep, points: Sequence[Point]) -> Iterator[Done]:
    for point in points:
        yield Done(point, run_task(sweep.task(point)))


def _in_processes(
    sweep: Sweep, points: Sequence[Point], processes: int
) -> Iterator[Done]:
    """As many points at a time as there are processes; a dead one is replaced."""
    waiting = list(reversed(points))
    context = multiprocessing.get_context("spawn")
    while waiting:
        running: dict[Future[str], Point] = {}
        with (
            environment(ONE_THREAD),
            ProcessPoolExecutor(processes, mp_context=context) as pool,
        ):
            while waiting or running:
                while waiting and len(running) < processes:
                    point = waiting.pop()
                    running[pool.submit(run_task, sweep.task(point))] = point
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                dead = [one for one in done if _is_dead(one)]
                for one in done:
                    if one not in dead:
                        yield Done(running.pop(one), one.result())
                if dead:
                    break
        for point in running.values():
            yield Done(point, "its process died, perhaps for lack of memory")


def _is_dead(future: "Future[str]") -> bool:
    return isinstance(future.exception(), BrokenProcessPool)


def run_task(task: Task) -> str:
    """Run one point and keep its run; why it failed or stopped, or nothing.

    Raises:
        KeyboardInterrupt: it was interrupted; its last checkpoint is kept.
    """
    try:
        compilation = compile_text(task.text, task.path)
        choice = _begin_point(task, compilation)
        with checkpoint.held(task.directory), _kept_if_worth(task.directory):
            model = compilation.network.name
            watcher = ProgressWriter(Silent(), task.directory, model, choice)
            run = run_compiled(compilation, choice, watcher, task.directory)
            if run.outcome is Outcome.INTERRUPTED:
                raise KeyboardInterrupt
            store_run(run, task.directory)
    except CrnError as error:
        return str(error).splitlines()[0]
    except Exception as error:  # noqa: BLE001 - the other points go on
        lines = str(error).splitlines() or [""]
        is_told = hasattr(error, "exit_code")
        return lines[0] if is_told else f"{type(error).__name__}: {lines[0]}"
    return _trouble(run.data)


def _trouble(data: RunData) -> str:
    is_whole = data.status == "complete"
    return "" if is_whole else f"stopped early: {data.sentence}"


def _begin_point(task: Task, compilation: Compilation) -> Choice:
    """The engine and settings of a point, those that it began with if it has.

    Raises:
        SettingError: an unknown block, engine or setting, or a value out of range.
        RunError: what was begun was changed, or the directory cannot be written.
    """
    if checkpoint.is_begun(task.directory):
        return read_choice(task.directory, checkpoint.read_begun(task.directory))
    choice = choose(compilation, task.solve, task.engine, task.overrides, task.seed)
    checkpoint.end(task.directory)  # of a process that was killed as it began
    begin_run(create_run_directory(task.directory, "", ""), compilation, choice)
    return choice


@contextmanager
def _kept_if_worth(directory: Path) -> Iterator[None]:
    """Take the directory away where the point breaks off and nothing can go on."""
    try:
        yield
    except BaseException as error:
        if not read_state(directory) or isinstance(error, WitnessError):
            checkpoint.end(directory)
            if not any(directory.iterdir()):
                directory.rmdir()
        raise
