"""`crnc plot`: a picture of a run."""

from collections.abc import Sequence
from pathlib import Path

import click

from crnlang.pipeline.interface import open_run


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option("--species", multiple=True, help="Draw only this one; may be repeated.")
@click.option("--joint", help="Two species `A,B`; default the first joint stored.")
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
    species: Sequence[str],
    joint: str | None,
    chosen: Sequence[float],
    draw: str | None,
    against: Path | None,
) -> None:
    """Draw a run: its laws, its lattice or its answers (png, pdf or svg).

    The marginals over time and one joint law (`laws`); means over a lattice, single
    states and the joint law of neighbours (`lattice`); or the answers over time
    (`answers`), probabilities on a log axis, first passages as survival curves. As
    `crnc plot runs/a --draw answers --against runs/b -o answers.png`.
    """
    if against is not None and draw not in (None, "answers"):
        raise click.UsageError("`--against` goes with `--draw answers`")
    pair = None if joint is None else tuple(name.strip() for name in joint.split(","))
    if pair is not None and len(pair) != 2:
        raise click.UsageError("`--joint` takes two species, as `A,B`")
    witness = None if against is None else open_run(against)
    what = draw or ("answers" if witness else "")
    open_run(run).plot(
        out, species=species, joint=pair, times=chosen, draw=what, against=witness
    )
    click.echo(str(out))
