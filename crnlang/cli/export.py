"""`crnc export`: a `.crn` file as a model of another format."""

import sys
from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.cli.outputs import check_output, output_options, write_output
from crnlang.interop.files import write_model
from crnlang.interop.refused import NotRepresentedError


@click.command(
    epilog=examples(
        "crnc export examples/dimerisation.crn -o dimerisation.xml",
        "crnc export examples/dimerisation.crn -o dimerisation.net",
    )
)
@file_argument
@output_options(help="The file to write: its end names the format.")
def export(file: Path, out: Path, overwrite: bool) -> None:
    """Write a file as SBML, Antimony or BioNetGen, as OUT ends.

    `.xml` is SBML level 3, `.ant` Antimony, `.net` a network of BioNetGen. What the
    format cannot hold is refused, all at once; what it lacks beside the physics is left
    out with a note.
    """
    check_output(out, overwrite=overwrite)
    network = compile_and_warn(file).network
    try:
        text, notes = write_model(network, file, out)
    except NotRepresentedError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    write_output(out, text, overwrite=overwrite)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(str(out))
