"""`crnc check`: is this file a network that the engines can run?"""

from pathlib import Path

import click

from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.ir.printer import format_size
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.memory import batch_memory, told_memory


@click.command()
@file_argument
def check(file: Path) -> None:
    """Check a file: say OK, or everything that is wrong with it.

    And how much memory the batch of a solve block takes on each device, where that is
    known: `natgrad`, `adam`, and Galerkin steps of `tdvp`.
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
    for block in network.solves:
        settings = resolve_solve(network, block.name).settings
        if (needed := batch_memory(lowered, settings)) is not None:
            click.echo(f"{file}: block {block.name}: {told_memory(needed)}")
