"""`crnc run`: solve a model, and leave a run directory."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from crnlang.cli.closing import as_json_object, print_summary
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.cli.progress import watching
from crnlang.compiler import Compilation
from crnlang.pipeline import run_compiled, store_run
from crnlang.pipeline.choose import Choice, resolve_solve
from crnlang.pipeline.overrides import parse_overrides
from crnlang.results.run_directory import create_run_directory
from crnlang.settings import ENGINES, SettingError
from crnlang.solve.outcome import Outcome

#: Exit codes of a run that stopped early: by itself, by Ctrl-C.
STOPPED, INTERRUPTED = 3, 130


@click.command()
@file_argument
@click.option(
    "--solve", metavar="NAME", help="Solve block; default `main`, else the first."
)
@click.option(
    "--engine",
    type=click.Choice(list(ENGINES)),
    help="Engine: the first block with it, else `t` and `save` of another block.",
)
@click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a setting, as `t=0..40`, `save=0:40:0.5`; repeatable.",
)
@click.option("--seed", type=int, help="Seed of all random numbers; default 0.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="New directory of the run; default a new one below runs/.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout."
)
@click.option("--quiet", is_flag=True, help="No progress; print only the directory.")
def run(
    file: Path,
    solve: str | None,
    engine: str | None,
    overrides: Sequence[str],
    seed: int | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Solve a model and write a run directory, which is never overwritten.

    Ctrl-C ends a neural run after its step; what was reached is written. Exit codes: 0
    done, 1 the model is wrong, 2 wrong usage, 3 the engine stopped early or refused,
    130 interrupted.
    """
    compilation = compile_and_warn(file)
    choice = _choose(compilation, solve, engine, overrides, seed)
    save = choice.settings.save
    with _new_directory(out, compilation, choice) as directory:
        if not quiet:
            click.echo(_headline(compilation, choice), err=True)
        with watching(choice, is_quiet=quiet) as watcher:
            found = run_compiled(compilation, choice, watcher)
        store_run(found, directory)
    if as_json:
        click.echo(json.dumps(as_json_object(found, directory), allow_nan=False))
    elif quiet:
        click.echo(str(directory))
    else:
        print_summary(Console(), found, compilation, save, directory, overrides)
    if found.outcome is not Outcome.SUCCESSFUL:
        click.echo(f"stopped early: {found.data.sentence}", err=True)
        is_interrupted = found.outcome is Outcome.INTERRUPTED
        click.get_current_context().exit(INTERRUPTED if is_interrupted else STOPPED)


def _choose(
    compilation: Compilation,
    solve: str | None,
    engine: str | None,
    overrides: Sequence[str],
    seed: int | None,
) -> Choice:
    """The engine and settings that the file and the options ask for, or wrong usage."""
    try:
        return resolve_solve(
            compilation.network, solve, engine, parse_overrides(overrides), seed
        )
    except SettingError as error:
        context = click.get_current_context()
        raise click.UsageError(str(error), context) from error


@contextmanager
def _new_directory(
    out: Path | None, compilation: Compilation, choice: Choice
) -> Iterator[Path]:
    """The directory of the run; it goes again where nothing was written into it."""
    is_new = out is None or not out.exists()
    directory = create_run_directory(out, compilation.network.name, choice.engine)
    try:
        yield directory
    finally:
        if is_new and directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


def _headline(compilation: Compilation, choice: Choice) -> str:
    """What is about to run, in one line."""
    settings = choice.settings
    block = f"block {choice.block.name}" if choice.block else "no solve block"
    return (
        f"{compilation.network.name}: {choice.engine} ({block}), "
        f"t = 0..{settings.until:g}, save times: {len(settings.save)}, "
        f"seed {settings.seed}"
    )
