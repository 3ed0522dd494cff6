"""`crnc resume`: continue a run that was stopped, killed or crashed."""

from pathlib import Path

import click

from crnlang.cli.complete import RunDirectory
from crnlang.cli.examples import examples
from crnlang.cli.solving import solve
from crnlang.pipeline.resume import resume_run


@click.command(
    epilog=examples(
        "crnc resume runs/toggle_switch-tdvp",
        "crnc resume RUN --json --quiet",
    )
)
@click.argument("run", type=RunDirectory())
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on stdout."
)
@click.option("--quiet", is_flag=True, help="No progress; print only the directory.")
def resume(run: Path, as_json: bool, quiet: bool) -> None:
    """Continue a run that was stopped, killed or crashed, in its directory.

    It goes on from its last checkpoint to the numbers, to the last bit, of a run that
    was never interrupted. Its model and settings must be those that it began with. Runs
    of `fsp` and `ode` have no checkpoints, and start again. Exit codes: those of
    `crnc run`, and 2 where the run cannot be continued.
    """
    resumed = resume_run(run)
    for doubt in resumed.doubts:
        click.echo(f"note: {doubt}", err=True)
    solve(
        resumed.compilation,
        resumed.choice,
        run,
        resumed.overrides,
        as_json=as_json,
        quiet=quiet,
    )
