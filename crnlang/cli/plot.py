"""`crnc plot`: a picture of a run."""

from collections.abc import Sequence
from pathlib import Path

import click

from crnlang.cli.complete import RunDirectory, complete_species
from crnlang.cli.examples import examples
from crnlang.pipeline.interface import open_run


@click.command(
    epilog=examples(
        "crnc plot runs/toggle_switch-fsp -o toggle.png",
        "crnc plot RUN -o toggle.pdf --species Px --species Py",
        "crnc plot RUN -o toggle.png --joint Px,Py --time 40",
    )
)
@click.argument("run", type=RunDirectory())
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option(
    "--species",
    multiple=True,
    shell_complete=complete_species,
    help="Draw only this one; may be repeated.",
)
@click.option(
    "--joint",
    shell_complete=complete_species,
    help="Two species `A,B`; default the first joint stored.",
)
@click.option(
    "--time",
    "chosen",
    type=float,
    multiple=True,
    help="Draw the laws at this save time as a curve; may be repeated.",
)
def plot(
    run: Path,
    out: Path,
    species: Sequence[str],
    joint: str | None,
    chosen: Sequence[float],
) -> None:
    """Draw a run: the marginals over time and one joint law (png, pdf or svg).

    Up to six save times are drawn as curves, more as a heat map with the mean. Of a run
    that knows means only (`ode`) these are drawn. It needs the extra `plot`.
    """
    pair = None if joint is None else tuple(name.strip() for name in joint.split(","))
    if pair is not None and len(pair) != 2:
        raise click.UsageError("`--joint` takes two species, as `A,B`")
    open_run(run).plot(out, species=species, joint=pair, times=chosen)
    click.echo(str(out))
