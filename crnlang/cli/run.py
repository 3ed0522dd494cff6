"""`crnc run`: solve a model, and leave a run directory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.cli.options import engine_option, set_option, solve_option
from crnlang.cli.signals import Interrupted
from crnlang.cli.solving import solve
from crnlang.compiler import Compilation
from crnlang.pipeline.auto import choose
from crnlang.pipeline.choose import Choice
from crnlang.pipeline.memory import batch_memory, told_memory
from crnlang.pipeline.overrides import parse_overrides
from crnlang.pipeline.resume import begin_run
from crnlang.reference.refusals import WitnessError
from crnlang.results import checkpoint
from crnlang.results.checkpoint import WriteError, read_state
from crnlang.results.run_directory import create_run_directory
from crnlang.settings import KeptSettings, SettingError


@click.command(
    epilog=examples(
        "crnc run examples/toggle_switch.crn",
        "crnc run examples/toggle_switch.crn --solve check --out runs/exact",
        "crnc run examples/toggle_switch.crn --engine auto",
        "crnc run examples/toggle_switch.crn --engine ssa --set trajectories=1000",
    )
)
@file_argument
@solve_option
@engine_option
@set_option
@click.option("--seed", type=int, help="Seed of all random numbers; default 0.")
@click.option(
    "--devices",
    type=int,
    metavar="N",
    help="Devices that share every batch of a neural engine; as `--set devices=N`.",
)
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
    solve_name: str | None,
    engine: str | None,
    overrides: Sequence[str],
    seed: int | None,
    devices: int | None,
    out: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Solve a model and write a run directory, which is never overwritten.

    Ctrl-C or SIGTERM ends a run after its step, twice at once; what was reached
    is written, and `crnc resume` continues it. Exit codes: 0 done, 1 the model is
    wrong, 2 wrong usage, 3 the engine stopped early or refused, or the run cannot be
    written, 130 interrupted, 143 ended by SIGTERM.
    """
    compilation = compile_and_warn(file)
    if devices is not None:
        overrides = (*overrides, f"devices={devices}")
    choice = _choose(compilation, solve_name, engine, overrides, seed)
    with _new_directory(out, compilation, choice, overrides) as directory:
        if not quiet:
            for line in [_headline(compilation, choice), *choice.notes]:
                click.echo(line, err=True)
        solve(compilation, choice, directory, overrides, as_json=as_json, quiet=quiet)


def _choose(
    compilation: Compilation,
    solve: str | None,
    engine: str | None,
    overrides: Sequence[str],
    seed: int | None,
) -> Choice:
    """The engine and settings that the file and the options ask for, or wrong usage."""
    try:
        return choose(compilation, solve, engine, parse_overrides(overrides), seed)
    except SettingError as error:
        context = click.get_current_context()
        raise click.UsageError(str(error), context) from error


@contextmanager
def _new_directory(
    out: Path | None,
    compilation: Compilation,
    choice: Choice,
    overrides: Sequence[str],
) -> Iterator[Path]:
    """The directory of the run; it goes again where nothing is worth keeping in it."""
    is_new = out is None or not out.exists()
    directory = create_run_directory(out, compilation.network.name, choice.engine)
    is_kept = isinstance(choice.settings, KeptSettings)
    try:
        begin_run(directory, compilation, choice, overrides)
        yield directory
    except Exception as error:
        is_ended = isinstance(error, WriteError | Interrupted | click.exceptions.Exit)
        has_state = bool(read_state(directory)) and not isinstance(error, WitnessError)
        if not (is_kept and (is_ended or has_state)):
            checkpoint.end(directory)
        raise
    finally:
        if is_new and directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()


def _headline(compilation: Compilation, choice: Choice) -> str:
    """What is about to run, in a line, and what memory its batch takes, where known."""
    settings = choice.settings
    block = f"block {choice.block.name}" if choice.block else "no solve block"
    line = (
        f"{compilation.network.name}: {choice.engine} ({block}), "
        f"t = 0..{settings.until:g}, save times: {len(settings.save)}, "
        f"seed {settings.seed}"
    )
    needed = batch_memory(compilation.lowered, settings)
    return line if needed is None else f"{line}\n{told_memory(needed)}"
