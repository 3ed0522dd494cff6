"""`crnc bounds`: caps for every species, from trajectories."""

from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from crnlang.cli.examples import examples
from crnlang.cli.files import file_argument
from crnlang.cli.options import solve_option
from crnlang.cli.outputs import check_output, output_options, write_output
from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError, listing
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.uncapped import (
    Uncapped,
    compile_uncapped,
    declarations,
    declared,
    with_declarations,
)
from crnlang.settings import SettingError

#: Exit code where the trial has felt the proposed caps.
FELT = 3


@click.command(
    epilog=examples(
        "crnc bounds examples/toggle_switch.crn",
        "crnc bounds examples/repressilator.crn --t 20 --trajectories 4000",
        "crnc bounds examples/toggle_switch.crn --write wider.crn",
    )
)
@file_argument
@solve_option
@click.option(
    "--t", "end", type=click.FloatRange(0, min_open=True), help="End of the run."
)
@click.option(
    "--trajectories", type=click.IntRange(100), default=1000, show_default=True
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@output_options(
    "--write", "target", help="Write the file with these caps.", required=False
)
def bounds(
    file: Path,
    solve_name: str | None,
    end: float | None,
    trajectories: int,
    seed: int,
    target: Path | None,
    overwrite: bool,
) -> None:
    """Propose a cap for every species, from trajectories without caps.

    The file may lack caps. Each is to be passed by one trajectory in a million, which
    is extrapolated from the largest counts of a thousand; as many others then try the
    caps. Caps of switches (0..1), of species with a conserved total, and of species
    that a question asks for states of are not lowered. Exit codes: 0 done, 1 the model
    is wrong, 2 wrong usage, 3 no caps can be proposed, or the trial has felt them.
    """
    # imported here because it loads numba
    from crnlang.pipeline.caps import propose_caps

    if target is not None:
        check_output(target, overwrite=overwrite)
    found = compile_uncapped(file)
    until = _until(found, solve_name, end)
    caps = propose_caps(found.lowered, until, trajectories, seed)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("species")
    for title in ("cap in the file", "largest seen", "proposed"):
        table.add_column(title, justify="right")
    table.add_column("")
    for one in caps.proposals:
        present = "none" if one.species in found.missing else str(one.present)
        table.add_row(
            one.species, present, str(one.largest), str(one.proposed), one.why
        )
    Console().print(table)
    number = caps.trajectories
    lines = [f"proposed caps: {_share(caps.tried, number)} other trajectories felt one"]
    if not found.missing:
        told = _share(caps.touched, number)
        lines.insert(0, f"caps of the file: {told} trajectories felt one")
    if caps.reached < caps.until * (1 - 1e-9):
        lines.append(
            f"followed to t = {caps.reached:g} of {caps.until:g} only, for they take "
            "long: what comes later is not in these caps"
        )
    for line in lines:
        click.echo(line)
    wanted = {one.species: one.proposed for one in caps.proposals}
    text = _tell(found, wanted, target)
    if target is not None:
        write_output(target, text, overwrite=overwrite)
        click.echo(f"\nwritten to {target}")
    if caps.tried > 0:
        click.get_current_context().exit(FELT)


def _share(share: float, number: int) -> str:
    """A share of trajectories in words."""
    felt = round(share * number)
    return f"{felt or 'none'} of {number:,}"


def _until(found: Uncapped, solve: str | None, end: float | None) -> float:
    """The end of the run, or wrong usage."""
    if end is not None:
        return end
    try:
        return resolve_solve(found.lowered.network, solve).settings.until
    except SettingError as error:
        context = click.get_current_context()
        raise click.UsageError(str(error), context) from error


def _tell(found: Uncapped, caps: dict[str, int], target: Path | None) -> str:
    """Print the declarations with the new caps; the text of the file with them.

    Raises:
        CrnError: the file is not sound with these caps.
    """
    new = declarations(found.program, caps)
    if new:
        click.echo("\nput into the file:")
    for _, lines in new:
        click.echo("\n".join(f"  {' '.join(line.split())}" for line in lines))
    inside = [name for name in caps if name not in declared(found.program)]
    if inside:
        needed = listing((f"{name} in 0..{caps[name]}" for name in inside), 30)
        click.echo(f"\ndeclared in modules, change them there: {needed}")
    text = with_declarations(found.program, caps)
    try:
        compile_text(text, str(target or found.program.source.path))
    except CrnError:
        click.echo("\nwith these caps the file is not sound any more:", err=True)
        raise
    return text
