"""`crnc plot`: a picture of a run."""

from collections.abc import Sequence
from pathlib import Path

import click

from crnlang.cli.complete import RunDirectory, complete_species
from crnlang.cli.examples import examples
from crnlang.cli.outputs import check_output, output_options
from crnlang.pipeline.interface import open_run


@click.command(
    epilog=examples(
        "crnc plot runs/toggle_switch-fsp -o toggle.png",
        "crnc plot RUN -o toggle.pdf --species Px --species Py",
        "crnc plot RUN -o toggle.png --joint Px,Py --time 40",
    )
)
@click.argument("run", type=RunDirectory())
@output_options(help="The picture: png, pdf or svg, as it ends.")
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
    help="Draw this save time alone; may be repeated. Few laws are drawn as curves.",
)
@click.option(
    "--draw",
    type=click.Choice(["laws", "lattice", "answers"]),
    help="What to draw; default `lattice` with more than four sites, else `laws`.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="A second run whose answers are drawn beside those of this one.",
)
def plot(
    run: Path,
    out: Path,
    overwrite: bool,
    species: Sequence[str],
    joint: str | None,
    chosen: Sequence[float],
    draw: str | None,
    against: Path | None,
) -> None:
    """Draw a run: its laws, its lattice or its answers (png, pdf or svg).

    The marginals over time and one joint law (`laws`), up to six save times as curves,
    more as a heat map with the mean, and only means of a run that knows no more
    (`ode`); means over a lattice, single states and the joint law of neighbours
    (`lattice`); or the answers over time (`answers`), probabilities on a log axis,
    first passages as survival curves. As
    `crnc plot runs/a --draw answers --against runs/b -o answers.png`. It needs the
    extra `plot`.
    """
    if against is not None and draw not in (None, "answers"):
        raise click.UsageError("`--against` goes with `--draw answers`")
    pair = None if joint is None else tuple(name.strip() for name in joint.split(","))
    if pair is not None and len(pair) != 2:
        raise click.UsageError("`--joint` takes two species, as `A,B`")
    check_output(out, overwrite=overwrite)
    witness = None if against is None else open_run(against)
    what = draw or ("answers" if witness else "")
    open_run(run).plot(
        out, species=species, joint=pair, times=chosen, draw=what, against=witness
    )
    click.echo(str(out))
