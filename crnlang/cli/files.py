"""What the commands share: the FILE argument, and compiling it with its warnings."""

from pathlib import Path

import click

from crnlang.compiler import Compilation, compile_file
from crnlang.diagnostics import render_all

file_argument = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


def compile_and_warn(file: Path) -> Compilation:
    """Compile a file; its warnings go to stderr.

    Raises:
        CrnError: the file is no valid network.
    """
    compilation = compile_file(file)
    if compilation.warnings:
        click.echo(render_all(compilation.warnings), err=True)
    return compilation
