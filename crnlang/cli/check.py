"""`crnc check`: is this file a network that the engines can run?"""

from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.ir.printer import format_size
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.memory import batch_memory, told_memory


@click.command(
    epilog=examples(
        "crnc check examples/toggle_switch.crn",
    )
)
@file_argument
def check(file: Path) -> None:
    """Check a file: say OK, or everything that is wrong with it.

    Every mistake is told at once, with its place, the reason and a way out; warnings
    go to stderr and are no mistakes. Nothing is solved, and no engine is loaded. Of a
    right file also how much memory the batch of a solve block takes on each device,
    where that is known: `natgrad`, `adam`, and Galerkin steps of `tdvp`. Exit codes: 0
    the file is right, 1 it is not.
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
