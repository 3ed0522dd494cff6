"""A run directory that has begun -> what to compile and run, to go on there."""

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crnlang.compiler import Compilation, compile_text
from crnlang.diagnostics import listing
from crnlang.ir.printer import print_lowered
from crnlang.pipeline.choose import Choice
from crnlang.results import checkpoint
from crnlang.results.checkpoint import Begun, read_begun
from crnlang.results.record import RunError
from crnlang.results.run_directory import library_versions, read_files, read_run
from crnlang.settings import KeptSettings, SettingError, as_plain, resolve_settings

#: What a sweep was asked for, in its directory; its points lie beside this file.
PLAN = "sweep.json"


@dataclass(frozen=True, eq=False)
class Resumed:
    """What to go on with; `doubts` say why it may not be what it would have been."""

    compilation: Compilation
    choice: Choice
    overrides: tuple[str, ...]
    doubts: tuple[str, ...]


def begin_run(
    directory: Path,
    compilation: Compilation,
    choice: Choice,
    overrides: Sequence[str] = (),
) -> None:
    """Write down in a new directory what is asked for, so that it can be continued.

    `overrides` are the settings of the command line, as they were typed.

    Raises:
        WriteError: it cannot be written.
    """
    source = compilation.network.source
    begun = Begun(
        file=str(Path(source.path).absolute()),
        model=source.text,
        lowered=sum_of(compilation),
        settings=as_plain(choice.engine, choice.settings),
        block=choice.block.name if choice.block else None,
        overrides=tuple(overrides),
        notes=choice.notes,
        versions=library_versions(),
    )
    checkpoint.begin(directory, begun)


def resume_run(directory: Path) -> Resumed:
    """What to go on with in a directory, where nothing has changed since it was left.

    Raises:
        RunError: there is no run that can be continued, or something has changed.
    """
    if not checkpoint.is_begun(directory):
        raise RunError(_why_not(directory))
    if (directory.absolute().parent / PLAN).is_file():
        raise RunError(f"{directory} is a point of a sweep: {way_on(directory)}")
    begun = read_begun(directory)
    choice = read_choice(directory, begun)
    again = f"run the model again: {_command(begun)}"
    if not isinstance(choice.settings, KeptSettings):
        raise RunError(
            f"{directory} cannot be continued: `{choice.engine}` keeps no checkpoints; "
            f"{again}"
        )
    compilation = _compiled(directory, begun)
    blocks = {block.name: block for block in compilation.network.solves}
    choice = Choice(
        choice.engine, choice.settings, blocks.get(begun.block or ""), begun.notes
    )
    present = library_versions()
    changed = [
        f"{name} was {was}, is {present.get(name, 'not installed')}"
        for name, was in begun.versions.items()
        if present.get(name) != was
    ]
    doubts = (
        f"{listing(changed, 20)}: the last digits of what comes may differ from those "
        "of a run that was not interrupted",
    )
    return Resumed(compilation, choice, begun.overrides, doubts if changed else ())


def way_on(directory: Path) -> str:
    """How people go on with a run that has not ended, as an advice."""
    if (directory.absolute().parent / PLAN).is_file():
        return "go on with the `crnc sweep` command that began it"
    return f"go on with: {shlex.join(['crnc', 'resume', str(directory)])}"


def _why_not(directory: Path) -> str:
    """Why a directory without a checkpoint cannot be continued, and what to do.

    Raises:
        RunError: it is no run directory.
    """
    data = read_run(directory)
    end = f"t = {data.times[-1]:g}"
    if data.status == "complete":
        return f"{directory} is finished: {end} was reached"
    return (
        f"{directory} stopped by itself at {end}, and would stop there again. "
        f"{data.sentence} Then run the model anew."
    )


def read_choice(directory: Path, begun: Begun) -> Choice:
    """The engine and its settings, as they were resolved.

    Raises:
        RunError: they were changed, or cannot be read.
    """
    values = dict(begun.settings)
    try:
        engine = values.pop("engine")
        values["save"] = tuple(values["save"])
        settings = resolve_settings(engine, values)
    except (SettingError, KeyError, TypeError) as error:
        raise RunError(
            f"{directory} cannot be continued: its settings cannot be used ({error}); "
            "run the model again"
        ) from error
    written = directory / "settings.json"
    if written.is_file():
        changed = _changes(as_plain(engine, settings), read_files(directory).settings)
        if changed:
            raise RunError(_refused(directory, f"settings changed: {changed}"))
    return Choice(engine, settings, None, begun.notes)


def _changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which settings differ, in words."""
    was, now = json.loads(json.dumps(was)), json.loads(json.dumps(now))
    keys = sorted(was.keys() | now.keys())
    changed = [
        f"`{key}` was {was.get(key)} and is {now.get(key)}"
        for key in keys
        if was.get(key) != now.get(key)
    ]
    return listing(changed, 30) if changed else ""


def _compiled(directory: Path, begun: Begun) -> Compilation:
    """The model, from the text that was run.

    Raises:
        RunError: its file, or one that it reads, has changed since.
    """
    file = Path(begun.file)
    if file.is_file():
        line = _first_change(
            begun.model, file.read_bytes().decode("utf-8-sig", "replace")
        )
        if line:
            raise RunError(
                _refused(directory, f"{file} has changed since, in line {line}")
            )
    compilation = compile_text(begun.model, begun.file)
    if sum_of(compilation) != begun.lowered:
        what = f"what {file} means has changed since: a file that it reads, or crnlang"
        raise RunError(_refused(directory, what))
    return compilation


def _refused(directory: Path, what: str) -> str:
    return (
        f"{directory} cannot be continued: {what}. Change it back, or run the model "
        "again in a new directory."
    )


def _first_change(was: str, now: str) -> int:
    """The number of the first line that differs; 0 where none does."""
    if was == now:
        return 0
    old, new = was.splitlines(), now.splitlines()
    pairs = zip(old, new, strict=False)
    differing = (number for number, (a, b) in enumerate(pairs, 1) if a != b)
    return next(differing, min(len(old), len(new)) + 1)


def sum_of(compilation: Compilation) -> str:
    """A sum of all that the engines see of a model."""
    return hashlib.sha256(print_lowered(compilation.lowered).encode()).hexdigest()


def _command(begun: Begun) -> str:
    """The command that runs the model again, as far as the record tells."""
    words = ["crnc", "run", begun.file]
    words += ["--solve", begun.block] if begun.block else []
    words += ["--engine", str(begun.settings["engine"])]
    words += [word for text in begun.overrides for word in ("--set", text)]
    return shlex.join([*words, "--seed", str(begun.settings["seed"])])
