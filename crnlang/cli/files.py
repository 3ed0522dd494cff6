"""What the commands share: the FILE argument, and compiling it with its warnings."""

from pathlib import Path

import click

from crnlang.compiler import Compilation, compile_file
from crnlang.diagnostics import listing, nearest, render_all


class ModelFile(click.Path):
    """A file that exists; else the user is told of models that do."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """The path, or wrong usage."""
        path = Path(str(value))
        if path.is_dir():
            names = sorted(f"'{child}'" for child in path.glob("*.crn"))
            self.fail(f"'{path}' is a directory; models in it: {listing(names)}.")
        if not path.exists():
            self.fail(f"File '{path}' does not exist.{instead_of(path)}")
        super().convert(path, param, ctx)
        return path


def instead_of(path: Path) -> str:
    """A sentence about a file that does exist and may be meant; else empty."""
    folder = path.parent if path.parent.is_dir() else Path()
    near = nearest(path.stem, (file.stem for file in folder.glob("*.crn")))
    why = "" if path.parent.is_dir() else f" There is no folder '{path.parent}'."
    return f"{why} Did you mean '{folder / near}.crn'?" if near else why


file_argument = click.argument("file", type=ModelFile())


def compile_and_warn(file: Path) -> Compilation:
    """Compile a file; its warnings go to stderr.

    Raises:
        CrnError: the file is no valid network.
    """
    compilation = compile_file(file)
    if compilation.warnings:
        click.echo(render_all(compilation.warnings), err=True)
    return compilation
