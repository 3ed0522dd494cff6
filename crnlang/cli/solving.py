"""What `crnc run` and `crnc resume` share: solve in a directory, then tell of it."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from crnlang.cli.closing import as_json_object, print_summary
from crnlang.cli.progress import watching
from crnlang.cli.signals import Interrupted, StoppableWatcher, Stopping, stopping
from crnlang.compiler import Compilation
from crnlang.pipeline import run_compiled, store_run
from crnlang.pipeline.choose import Choice
from crnlang.pipeline.found import Run
from crnlang.pipeline.progress_writer import ProgressWriter
from crnlang.results import checkpoint
from crnlang.results.checkpoint import WriteError
from crnlang.settings import KeptSettings
from crnlang.solve.outcome import Outcome

#: Exit code of a run that stopped early by itself.
STOPPED = 3


def solve(
    compilation: Compilation,
    choice: Choice,
    directory: Path,
    overrides: Sequence[str],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run an engine in a directory that has begun, write the run, and tell of it.

    Raises:
        Refusal: the engine has no answer, or it cannot be written.
        Interrupted: a signal came before anything was written.
    """
    is_kept = isinstance(choice.settings, KeptSettings)
    with checkpoint.held(directory), stopping(is_patient=is_kept) as signals:
        try:
            with watching(choice, is_quiet=quiet) as watcher:
                model = compilation.network.name
                written = ProgressWriter(watcher, directory, model, choice)
                watched = StoppableWatcher(written, signals)
                found = run_compiled(compilation, choice, watched, directory)
            store_run(found, directory)
        except KeyboardInterrupt as error:
            raise _interrupted(directory, signals, is_kept=is_kept) from error
        except WriteError as error:
            if not is_kept:
                raise
            text = f"{error}; make room, then {how_to_continue(directory)}"
            raise WriteError(text) from error
    if as_json:
        click.echo(json.dumps(as_json_object(found, directory), allow_nan=False))
    elif quiet:
        click.echo(str(directory))
    else:
        save = choice.settings.save
        print_summary(Console(), found, compilation, save, directory, overrides)
    _exit(found, directory, signals)


def _interrupted(directory: Path, signals: Stopping, *, is_kept: bool) -> Interrupted:
    """What to tell of a run that was ended before it was written."""
    if not is_kept:
        return Interrupted("interrupted: nothing was written", signals.exit_code)
    text = f"interrupted; {how_to_continue(directory)}"
    return Interrupted(text, signals.exit_code)


def _exit(found: Run, directory: Path, signals: Stopping) -> None:
    """End with the exit code of a run that stopped early, if it did."""
    if found.outcome is Outcome.SUCCESSFUL:
        return
    click.echo(f"stopped early: {found.data.sentence}", err=True)
    code = STOPPED
    if found.outcome is Outcome.INTERRUPTED:
        click.echo(how_to_continue(directory), err=True)
        code = signals.exit_code
    click.get_current_context().exit(code)


def how_to_continue(directory: Path) -> str:
    """The command that continues a run, worth copying."""
    return f"continue with: {shlex.join(['crnc', 'resume', str(directory)])}"
