"""`crnc check`: is this file a network that the engines can run?"""

from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.ir.printer import format_size


@click.command(
    epilog=examples(
        "crnc check examples/toggle_switch.crn",
    )
)
@file_argument
def check(file: Path) -> None:
    """Check a file: say OK, or everything that is wrong with it.

    Every mistake is told at once, with its place, the reason and a way out; warnings
    go to stderr and are no mistakes. Nothing is solved, and no engine is loaded. Exit
    codes: 0 the file is right, 1 it is not.
    """
    lowered = compile_and_warn(file).lowered
    network, space = lowered.network, lowered.space
    parts = [
        f"species: {len(space.names)}",
        f"channels: {len(network.reactions)}",
        f"conservation laws: {len(space.totals)}",
        f"states in the box: {format_size(space.box_size())}",
    ]
    click.echo(f"{file}: OK: {network.name}: {', '.join(parts)}")
