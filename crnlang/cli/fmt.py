"""`crnc fmt`: `.crn` files in their canonical layout."""

import difflib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.files import instead_of
from crnlang.compiler import decode
from crnlang.diagnostics import CrnError, SourceText
from crnlang.frontend.formatter import format_source

#: Exit code where a file has errors, or would change under `--check`.
NOT_RIGHT = 1
#: How the standard input is called in messages.
STDIN = "<stdin>"


@click.command(
    epilog=examples(
        "crnc fmt examples/toggle_switch.crn",
        "crnc fmt --check examples/toggle_switch.crn examples/cascade.crn",
        "crnc fmt --diff examples/toggle_switch.crn",
    )
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--check", is_flag=True, help="Write nothing; exit 1 if one would change."
)
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
def fmt(files: Sequence[str], check: bool, diff: bool) -> None:
    """Rewrite files in the canonical layout; `-` reads stdin and writes stdout.

    Comments, numbers and the meaning stay. A file with a syntax error is left as it
    is. With `--check` the files that would change are listed.
    """
    is_right = True
    for file in files:
        try:
            changes = _format(file, check=check, diff=diff)
        except CrnError as error:
            click.echo(str(error), err=True)
            is_right = False
        else:
            is_right = is_right and not (check and changes)
    if not is_right:
        click.get_current_context().exit(NOT_RIGHT)


def _format(file: str, *, check: bool, diff: bool) -> bool:
    """Format one file as the options say; whether it changes."""
    name = STDIN if file == "-" else file
    old = sys.stdin.buffer.read() if file == "-" else _read(Path(file))
    text = decode(old, name)
    result = format_source(SourceText(name, text))
    new = result.encode("utf-8")
    if diff:
        click.echo(_difference(old.decode("utf-8"), result, name), nl=False)
    if check and new != old:
        click.echo(f"{name}: would be reformatted", err=True)
    if not check and not diff:
        if file == "-":
            sys.stdout.buffer.write(new)
        elif new != old:
            _write(Path(file), new)
            click.echo(f"{name}: reformatted", err=True)
    return new != old


def _read(path: Path) -> bytes:
    """The bytes of a file; wrong usage where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        fix = "" if path.exists() else f".{instead_of(path)}"
        raise click.UsageError(f"cannot read {path}: {error.strerror}{fix}") from None


def _write(path: Path, content: bytes) -> None:
    """Replace a file; wrong usage where that is not allowed."""
    try:
        _replace(path, content)
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from None


def _difference(old: str, new: str, name: str) -> str:
    """A unified diff; empty for equal texts."""
    lines = difflib.unified_diff(_lines(old), _lines(new), name, f"{name} (formatted)")
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in lines
    )


def _lines(text: str) -> list[str]:
    """The lines with their ends; the separators of Unicode do not end a line."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def _replace(path: Path, content: bytes) -> None:
    """Put new content in the place of a file, in one step, its permissions kept."""
    target = path.resolve()
    mode = target.stat().st_mode
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(mode & 0o7777)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
