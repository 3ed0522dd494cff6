"""`crnc report`: a run as one page for people."""

from collections.abc import Sequence
from pathlib import Path

import click

from crnlang.cli.complete import RunDirectory
from crnlang.cli.examples import examples
from crnlang.cli.outputs import check_output, output_options, write_output
from crnlang.pipeline.interface import open_run


@click.command(
    epilog=examples(
        "crnc report runs/toggle-fsp",
        "crnc report runs/toggle-ssa --against runs/toggle-fsp -o toggle.html",
    )
)
@click.argument("run", type=RunDirectory())
@output_options(help="The page; default RUN.html.", required=False)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="A second run of the same model, to be shown and compared beside it.",
)
@click.option(
    "--joint",
    "joints",
    metavar="A,B",
    multiple=True,
    help="Two species whose joint law is shown, too; may be repeated.",
)
def report(
    run: Path,
    out: Path | None,
    overwrite: bool,
    against: Path | None,
    joints: Sequence[str],
) -> None:
    """Write a run as one web page that needs no network.

    As `crnc report runs/toggle --against runs/toggle-fsp`. On it: the answers to the
    questions of the file, the law over time with a slider, lattices as images, the
    health of the run quantity by quantity, a comparison with a second run, the model
    with its equations, settings, versions. Of a run that has not ended it shows what
    its last checkpoint holds, how far that is, and how to go on.
    """
    from crnlang.pipeline.reporting import report_run  # jinja2 and latex2mathml
    from crnlang.pipeline.unfinished import open_any

    pairs = [tuple(name.strip() for name in one.split(",")) for one in joints]
    wrong = [one for one, pair in zip(joints, pairs, strict=True) if len(pair) != 2]
    if wrong:
        raise click.UsageError(f"`--joint {wrong[0]}`: write two species, as `A,B`")
    target = out or run.with_name(f"{run.absolute().name}.html")
    check_output(target, overwrite=overwrite)
    witness = None if against is None else open_run(against)
    opened = open_any(run)
    text = report_run(
        opened.result,
        opened.versions,
        status=opened.status,
        witness=witness,
        joints=[(pair[0], pair[1]) for pair in pairs],
    )
    write_output(target, text, overwrite=overwrite)
    if opened.status == "unfinished":
        click.echo(opened.result.data.sentence, err=True)
    click.echo(str(target))
