"""`crnc graph`: which species take part in which reactions, as a picture."""

from pathlib import Path

import click

from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.report.graph import build_graph, format_dot
from crnlang.report.picture import draw_graph

#: Endings that are drawn here; `.dot` is text for graphviz.
PICTURES = (".svg", ".png", ".pdf")


@click.command()
@file_argument
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
def graph(file: Path, out: Path) -> None:
    """Draw the species-reaction graph of a file (svg, png, pdf, or dot)."""
    if out.suffix not in (*PICTURES, ".dot"):
        raise click.UsageError(f"{out} must end in {', '.join((*PICTURES, '.dot'))}")
    found = build_graph(compile_and_warn(file).network)
    if out.suffix == ".dot":
        out.write_text(format_dot(found), encoding="utf-8")
    else:
        draw_graph(found, out)
    click.echo(str(out))
