"""The file that a command writes: one that exists stays without `--overwrite`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from crnlang.results.checkpoint import replace_file

Command = Callable[..., Any]


def output_options(
    *names: str, help: str = "The file to write.", required: bool = True
) -> Callable[[Command], Command]:
    """The option for the file, `-o FILE` where no other names are given; `--overwrite`.

    The command calls `check_output` before it works, `write_output` or a library after.
    """

    def decorate(command: Command) -> Command:
        command = click.option(
            "--overwrite", is_flag=True, help="Replace the file if there is one."
        )(command)
        return click.option(
            *(names or ("-o", "--out")),
            type=click.Path(path_type=Path),
            metavar="FILE",
            required=required,
            help=f"{help} One that exists is kept.",
        )(command)

    return decorate


def check_output(path: Path, *, overwrite: bool) -> None:
    """Wrong usage where the file cannot be written, or must not be."""
    if path.is_dir():
        raise click.UsageError(f"{path} is a directory; name a file in it")
    if path.exists() and not overwrite:
        raise click.UsageError(
            f"{path} exists and is not overwritten; name another file, or add "
            "--overwrite"
        )
    folder = path.absolute().parent
    if not folder.is_dir():
        raise click.UsageError(f"cannot write {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise click.UsageError(f"cannot write {path}: {folder} is not writable")


def write_output(path: Path, text: str, *, overwrite: bool) -> None:
    """Write the whole file or leave what is there; wrong usage where that fails."""
    check_output(path, overwrite=overwrite)
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from error
