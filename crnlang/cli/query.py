"""`crnc query`: ask a finished run what its file did not ask."""

import json
import re
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from crnlang.cli.closing import query_object, query_table
from crnlang.cli.complete import RunDirectory, complete_species
from crnlang.cli.examples import examples
from crnlang.pipeline.interface import open_run

#: A question with a name of its own.
NAMED = re.compile(r"\s*\w+\s*=\s*\w+\s*\(")


@click.command(
    epilog=examples(
        "crnc query runs/toggle_switch-fsp 'prob(Px > 40, at=[10, 40])'",
        "crnc query RUN 'expect(Px + Py)' --json",
    )
)
@click.argument("run", type=RunDirectory())
@click.argument("question", shell_complete=complete_species)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def query(run: Path, question: str, as_json: bool) -> None:
    """Ask a finished run what its file did not ask.

    As `crnc query runs/toggle 'prob(X > 10, at=5)'`: any `prob`, `dist`, `expect` or
    `logp` at times that the run has saved, all of them without `at`, with the names of
    its file; the run stays as it is. Exit codes: 0 done, 1 the question is wrong, 2 no
    such run, or none that has kept its law.
    """
    found = open_run(run).ask(question)
    if as_json:
        answers = {one.name: query_object(one) for one in found.answers}
        whole = {"question": question, "queries": answers, "notes": list(found.notes)}
        click.echo(json.dumps(whole, allow_nan=False))
        return
    console = Console()
    is_named = len(found.answers) > 1 or NAMED.match(question)
    names = () if is_named else (question.strip(),)
    console.print(query_table(found.answers, found.samples, names))
    for note in found.notes:
        console.print(Text(f"note: {note}"))
