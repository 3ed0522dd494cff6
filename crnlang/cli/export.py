"""`crnc export`: a `.crn` file as a model of another format."""

import sys
from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.interop.files import write_model
from crnlang.interop.refused import NotRepresentedError


@click.command(
    epilog=examples(
        "crnc export examples/dimerisation.crn -o dimerisation.xml",
        "crnc export examples/dimerisation.crn -o dimerisation.net",
    )
)
@file_argument
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
def export(file: Path, out: Path) -> None:
    """Write a file as SBML, Antimony or BioNetGen, as OUT ends.

    `.xml` is SBML level 3, `.ant` Antimony, `.net` a network of BioNetGen. What the
    format cannot hold is refused, all at once; what it lacks beside the physics is left
    out with a note.
    """
    if out.exists():
        raise click.UsageError(f"{out} exists and is not overwritten")
    network = compile_and_warn(file).network
    try:
        text, notes = write_model(network, file, out)
    except NotRepresentedError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    out.write_text(text, encoding="utf-8")
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(str(out))
