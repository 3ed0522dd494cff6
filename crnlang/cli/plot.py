"""`crnc plot`: a picture of a run."""

from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from crnlang.diagnostics import listing, suggest
from crnlang.report.plot import Joint, Marginal, draw_run
from crnlang.results.record import RunData
from crnlang.results.run_directory import read_run

#: Endings that matplotlib can write here.
FORMATS = (".png", ".pdf", ".svg")


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
    help="Draw the laws at this save time as a curve; may be repeated.",
)
def plot(
    run: Path,
    out: Path,
    species: Sequence[str],
    joint: str | None,
    chosen: Sequence[float],
) -> None:
    """Draw a run: the marginals over time and one joint law (png, pdf or svg)."""
    if out.suffix not in FORMATS:
        raise click.UsageError(f"{out} must end in {', '.join(FORMATS)}")
    data = read_run(run)
    places = [_place(data, t) for t in chosen] or list(range(len(data.times)))
    names = [_known(data, name) for name in species] or list(data.names)
    marginals = [
        Marginal(
            name,
            data.marginal(name)[places],
            data.means[places, data.names.index(name)],
        )
        for name in names
    ]
    title = f"{data.model} ({data.engine})"
    draw_run(title, data.times[places], marginals, _joint(data, joint, places[-1]), out)
    click.echo(str(out))


def _known(data: RunData, name: str) -> str:
    """A species of the run, or a usage error with the nearest name."""
    if name in data.names:
        return name
    near = suggest(name, data.names)
    raise click.UsageError(
        f"the run has no species `{name}`; {near} known: {listing(data.names)}"
    )


def _place(data: RunData, time: float) -> int:
    """The position of a save time."""
    place = int(np.abs(data.times - time).argmin())
    if not np.isclose(data.times[place], time, rtol=1e-9, atol=0):
        known = listing(f"{t:g}" for t in data.times)
        raise click.UsageError(f"the run has not saved t = {time:g}; it has {known}")
    return place


def _joint(data: RunData, wanted: str | None, place: int) -> Joint | None:
    """The joint law to draw: the one asked for, else the first stored, else none."""
    if wanted is None:
        pair = next(iter(data.joints), None)
    else:
        parts = [_known(data, name.strip()) for name in wanted.split(",")]
        if len(parts) != 2:
            raise click.UsageError("`--joint` takes two species, as `A,B`")
        pair = (parts[0], parts[1])
    if pair is None:
        return None
    law = data.joint(pair)
    if law is None:
        stored = listing(",".join(one) for one in data.joints)
        raise click.UsageError(
            f"the run has no joint law of {pair[0]} and {pair[1]}; it has {stored}; "
            "add `query dist(A, B)` to the file and run again"
        )
    return Joint(pair, float(data.times[place]), law[place])
