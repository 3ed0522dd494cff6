"""`crnc sweep`: a model at many values of its parameters."""

from collections.abc import Sequence
from pathlib import Path

import click

from crnlang.cli.complete import complete_parameter
from crnlang.cli.examples import examples
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.cli.options import engine_option, set_option, solve_option
from crnlang.pipeline.auto import is_auto
from crnlang.pipeline.axes import parse_axes
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.overrides import parse_overrides
from crnlang.pipeline.sweep import Done, Sweep, begin, run_points
from crnlang.pipeline.sweep_table import write_tables
from crnlang.settings import SettingError

#: Exit code where some points have no complete run.
FAILED = 3
#: Exit code after Ctrl-C.
INTERRUPTED = 130


@click.command(
    epilog=examples(
        "crnc sweep examples/birth_death.crn --param k=0.01:0.3:log:7 --out scan",
        "crnc sweep examples/toggle_switch.crn --param b=1e-5,1e-4 "
        "--param u=0.05:0.2:lin:3 --engine fsp --out switch --processes 2",
    )
)
@file_argument
@click.option(
    "--param",
    "params",
    metavar="NAME=VALUES",
    multiple=True,
    required=True,
    shell_complete=complete_parameter,
    help="Values of a parameter: `k=1,2,5`, `k=0.1:10:log:7`, `k=0:1:lin:5`, "
    "`k=0:1:0.25` (start:end:step), or `k=range:7` over its range in the file; "
    "repeatable.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Directory of the sweep; the same command goes on in it.",
)
@solve_option
@engine_option
@set_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Points at a time, each in one thread.",
)
@click.option("--quiet", is_flag=True, help="No line for each point.")
def sweep(
    file: Path,
    params: Sequence[str],
    out: Path,
    solve_name: str | None,
    engine: str | None,
    overrides: Sequence[str],
    seed: int,
    processes: int,
    quiet: bool,
) -> None:
    """Solve a model at many values of its parameters, and write a table.

    Every combination of values is one point, and an ordinary run in its own directory
    below OUT, with a seed of its own. After a kill the same command skips the points
    that are finished; a changed model is refused. One failed point does not end the
    others. Exit codes: 0 done, 1 the model is wrong, 2 wrong usage, 3 some point has no
    complete run, 130 interrupted.
    """
    compilation = compile_and_warn(file)
    try:
        axes = parse_axes(params, compilation)
        settings = parse_overrides(overrides)
        if not is_auto(compilation.network, solve_name, engine):
            resolve_solve(compilation.network, solve_name, engine, settings, seed)
    except SettingError as error:
        raise click.UsageError(str(error), click.get_current_context()) from error
    found = Sweep(compilation, axes, out, solve_name, engine, settings, seed)
    begin(found)
    points = found.points()
    count = sum(map(found.is_done, points))
    if count and not quiet:
        click.echo(f"{count} of {len(points)} points are done already", err=True)

    def report(done: Done) -> None:
        nonlocal count
        count += 1
        if not quiet:
            how = f": {done.trouble}" if done.trouble else ""
            click.echo(f"{count} of {len(points)}: {done.point}{how}", err=True)

    try:
        failed = [one for one in run_points(found, processes, report) if one.trouble]
    except KeyboardInterrupt:
        click.echo(
            f"interrupted: {sum(map(found.is_done, points))} of {len(points)} points "
            "are done; the same command goes on",
            err=True,
        )
        click.get_current_context().exit(INTERRUPTED)
    table, why = write_tables(found, failed)
    click.echo(str(table))
    if why:
        click.echo(f"no table.zarr: {why}", err=True)
    for one in failed:
        click.echo(f"failed: {one.point}: {one.trouble}", err=True)
    if failed:
        text = f"{len(failed)} of {len(points)} points failed or stopped early"
        if not all(found.is_done(one.point) for one in failed):
            text += "; the same command tries again those that have no run"
        click.echo(text, err=True)
        click.get_current_context().exit(FAILED)
