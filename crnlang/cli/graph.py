"""`crnc graph`: which species take part in which reactions, as a picture."""

from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.cli.outputs import check_output, output_options, write_output
from crnlang.report.graph import build_graph, format_dot
from crnlang.report.picture import draw_graph

#: Endings that are drawn here; `.dot` is text for graphviz.
PICTURES = (".svg", ".png", ".pdf")


@click.command(
    epilog=examples(
        "crnc graph examples/toggle_switch.crn -o toggle.svg",
        "crnc graph examples/mapk_cascade.crn -o mapk.dot",
    )
)
@file_argument
@output_options(help="The picture, or DOT text, as it ends.")
def graph(file: Path, out: Path, overwrite: bool) -> None:
    """Draw the species-reaction graph of a file (svg, png, pdf, or dot).

    Species are round, reactions square; a line leads from what is consumed, an arrow to
    what is made. Catalysts are dashed, species that only the propensity reads dotted.
    Pictures need the extra `plot`; `dot` is text for graphviz and needs nothing.
    """
    if out.suffix not in (*PICTURES, ".dot"):
        raise click.UsageError(f"{out} must end in {', '.join((*PICTURES, '.dot'))}")
    check_output(out, overwrite=overwrite)
    found = build_graph(compile_and_warn(file).network)
    if out.suffix == ".dot":
        write_output(out, format_dot(found), overwrite=overwrite)
    else:
        draw_graph(found, out)
    click.echo(str(out))
