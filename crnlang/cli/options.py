"""Options that several commands share."""

import click

from crnlang.pipeline.auto import AUTO
from crnlang.settings import ENGINES

engine_option = click.option(
    "--engine",
    type=click.Choice([*ENGINES, AUTO]),
    help="Engine: the first block with it, else `t` and `save` of another block; "
    "`auto` picks one and says why.",
)
set_option = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Override a setting, as `t=0..40`, `save=0:40:0.5`; repeatable.",
)
