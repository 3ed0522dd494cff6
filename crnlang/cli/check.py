"""`crnc check`: is this file a network that the engines can run?"""

from pathlib import Path

import click

from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.ir.printer import format_size


@click.command()
@file_argument
def check(file: Path) -> None:
    """Check a file: say OK, or everything that is wrong with it."""
    lowered = compile_and_warn(file).lowered
    network, space = lowered.network, lowered.space
    parts = [
        f"species: {len(space.names)}",
        f"channels: {len(network.reactions)}",
        f"conservation laws: {len(space.totals)}",
        f"states in the box: {format_size(space.box_size())}",
    ]
    click.echo(f"{file}: OK: {network.name}: {', '.join(parts)}")
