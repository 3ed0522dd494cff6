"""`crnc doctor`: is this installation fit to run models?"""

import json

import click
from rich.console import Console
from rich.text import Text

from crnlang.cli.examples import examples
from crnlang.pipeline.doctor import Finding, Level, examine

#: Exit code where something is wrong.
WRONG = 1
STYLES = {"ok": "green", "note": "yellow", "WRONG": "bold red"}


@click.command(
    epilog=examples(
        "crnc doctor",
        "crnc doctor --limit 60",
        "crnc doctor --json",
    )
)
@click.option(
    "--limit",
    type=click.FloatRange(0, min_open=True),
    default=20.0,
    show_default=True,
    help="Seconds that the check of the engines may take.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor(limit: float, as_json: bool) -> None:
    """Say whether this installation is fit to run models, and what to do.

    Looks at versions, devices, precision, threads, memory, directories and known traps;
    then solves a model with a known answer by `fsp`, `ssa` and `tdvp`. A note is
    something that costs time, is missing or was not checked; what is wrong costs right
    numbers. Exit
    codes: 0 nothing is wrong, 1 something is.
    """
    found = examine(limit)
    is_wrong = any(one.level is Level.WRONG for one in found)
    if as_json:
        rows = [
            {"topic": f.topic, "level": f.level.value, "text": f.sentence, "fix": f.fix}
            for f in found
        ]
        click.echo(json.dumps({"is_fit": not is_wrong, "findings": rows}))
    else:
        _print(found, len([f for f in found if f.level is Level.WRONG]))
    if is_wrong:
        click.get_current_context().exit(WRONG)


def _print(found: list[Finding], wrong: int) -> None:
    console = Console()
    width = max(len(one.topic) for one in found)
    for one in found:
        level = one.level.value
        line = Text(f"{level:5}  ", style=STYLES[level])
        line.append(f"{one.topic.ljust(width)}  {one.sentence}", style="default")
        console.print(line, soft_wrap=True)
        if one.fix:
            console.print(f"{'':9}{' ' * width}to do: {one.fix}", soft_wrap=True)
    unknown = [one for one in found if one.topic.startswith("engine") and one.fix]
    verdict = "Fit to run models" + (", as far as was checked." if unknown else ".")
    if wrong:
        verdict = f"{wrong} to mend."
    console.print(Text(verdict, style="bold"))
