"""`crnc compare`: how far apart are two runs?"""

import json
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from crnlang.cli.complete import RunDirectory
from crnlang.cli.examples import examples
from crnlang.results.compare import Comparison, compare_runs, label
from crnlang.results.record import RunData
from crnlang.results.run_directory import read_run

#: Exit code where a distance is above `--fail-above`.
TOO_FAR = 3


@click.command(
    epilog=examples(
        "crnc compare runs/toggle_switch-tdvp runs/toggle_switch-fsp",
        "crnc compare RUN_A RUN_B --tolerance 0.01 --fail-above 0.01",
        "crnc compare RUN_A RUN_B --json",
    )
)
@click.argument("run_a", type=RunDirectory())
@click.argument("run_b", type=RunDirectory())
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    default=0.05,
    show_default=True,
    help="Hellinger distance up to which the verdict is that the runs agree.",
)
@click.option(
    "--fail-above",
    type=click.FloatRange(0, 1),
    help="Exit with code 3 where a Hellinger distance is above this.",
)
def compare(
    run_a: Path,
    run_b: Path,
    as_json: bool,
    tolerance: float,
    fail_above: float | None,
) -> None:
    """Compare two run directories at their common times.

    Prints the Hellinger distance of every marginal and of every joint law that both
    can give: 0 for equal laws, 1 for laws without a common state.
    """
    a, b = read_run(run_a), read_run(run_b)
    comparison = compare_runs(a, b)
    if as_json:
        click.echo(json.dumps(comparison.as_json()))
    else:
        _print(comparison, a, b, tolerance)
    if fail_above is not None and comparison.max_hellinger > fail_above:
        click.get_current_context().exit(TOO_FAR)


def _print(comparison: Comparison, a: RunData, b: RunData, tolerance: float) -> None:
    """A row a law, its worst time; then what is missing, then the verdict."""
    table = Table(title=f"{a.model}: {a.engine} against {b.model}: {b.engine}")
    table.add_column("law")
    for title in ("Hellinger", "noise", "at t", "mean b - a", "sd b - a"):
        table.add_column(title, justify="right")
    for key, distances in comparison.distances.items():
        worst = int(np.argmax(distances))
        differences = (
            [
                f"{comparison.means[key][worst]:+.3g}",
                f"{comparison.sds[key][worst]:+.3g}",
            ]
            if isinstance(key, str)
            else ["", ""]
        )
        table.add_row(
            label(key),
            f"{distances[worst]:.2e}",
            f"{comparison.noise[key][worst]:.2e}",
            f"{comparison.times[worst]:g}",
            *differences,
        )
    console = Console()
    console.print(table)
    for only, name in ((comparison.only_a, "first"), (comparison.only_b, "second")):
        if only:
            console.print(f"only in the {name} run: {', '.join(only)}")
    click.echo(comparison.verdict(tolerance))
