"""Options that several commands share."""

import click

from crnlang.cli.complete import complete_block, complete_set
from crnlang.settings import SOLVERS

engine_option = click.option(
    "--engine",
    type=click.Choice(list(SOLVERS)),
    help="Engine: the first block with it, else `t` and `save` of another block; "
    "`auto` picks one and says why.",
)
set_option = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    shell_complete=complete_set,
    help="Override a setting, as `t=0..40`, `save=0:40:0.5`; repeatable.",
)
solve_option = click.option(
    "--solve",
    "solve_name",
    metavar="NAME",
    shell_complete=complete_block,
    help="Solve block; default `main`, else the first.",
)
