"""Run directories on the command line: opened, or refused with a sentence."""

from pathlib import Path

import click

from crnlang.results.record import RunData, RunError
from crnlang.results.run_directory import read_run


class RunProblem(click.ClickException):
    """A run that cannot be used: wrong usage."""

    exit_code = RunError.exit_code


def open_run(path: Path) -> RunData:
    """The record of a run.

    Raises:
        RunProblem: there is none, or it is damaged.
    """
    try:
        return read_run(path)
    except RunError as error:
        raise RunProblem(str(error)) from error
