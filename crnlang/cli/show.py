"""`crnc show`: every stage of the compiler, as text."""

from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.frontend.outline import outline
from crnlang.ir.printer import print_lowered, print_network


@click.command(
    epilog=examples(
        "crnc show examples/toggle_switch.crn",
        "crnc show examples/toggle_switch.crn --stage kernel",
    )
)
@file_argument
@click.option(
    "--stage",
    type=click.Choice(["ast", "network", "lowered", "kernel"]),
    default="lowered",
    show_default=True,
    help="Surface tree, network, what the engines see, or the JAX kernel.",
)
def show(file: Path, stage: str) -> None:
    """Print what the compiler makes of a file at one stage.

    For those who want to know what happens to a file: `ast` as it was written,
    `network` with all names resolved, `lowered` as every engine sees it, `kernel` as
    JAX runs it.
    """
    compilation = compile_and_warn(file)
    if stage == "ast":
        text = outline(compilation.program)
    elif stage == "network":
        text = print_network(compilation.network)
    elif stage == "lowered":
        text = print_lowered(compilation.lowered)
    else:
        # imported here because it loads JAX, which the other stages do without
        from crnlang.pipeline.kernel import show_kernel

        text = show_kernel(compilation.lowered)
    click.echo(text, nl=False)
