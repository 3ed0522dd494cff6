"""The command `crnc`: the only place that prints and exits.

One file a command; a new one is imported and added at the end of this file. Exit
codes: 0 done, 1 the model is wrong, 2 wrong usage, 3 an engine refused or stopped
early, 70 a bug in crnlang, 130 interrupted.
"""

import sys
import traceback
from typing import Any

import click

from crnlang.cli.check import check
from crnlang.cli.compare import compare
from crnlang.cli.explain import explain
from crnlang.cli.plot import plot
from crnlang.cli.run import run
from crnlang.cli.show import show
from crnlang.diagnostics import CrnError, Refusal

BUG_EXIT_CODE = 70
INTERRUPTED_EXIT_CODE = 130


class CrncGroup(click.Group):
    """Turns exceptions of every command into text on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except CrnError as error:
            click.echo(str(error), err=True)
            sys.exit(error.exit_code)
        except Refusal as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("Interrupted: nothing was written.", err=True)
            sys.exit(INTERRUPTED_EXIT_CODE)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception:  # noqa: BLE001 - the last resort before the user
            click.echo(traceback.format_exc(), err=True)
            click.echo(
                "This is a bug in crnlang, not in your file: please report it with "
                "the lines above and the file.",
                err=True,
            )
            sys.exit(BUG_EXIT_CODE)


@click.group(cls=CrncGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Describe a stochastic reaction network in a `.crn` file; solve it.

    Exit codes: 0 done, 1 the model is wrong, 2 wrong usage, 3 an engine refused or
    stopped early, 70 a bug in crnlang, 130 interrupted.
    """


main.add_command(check)
main.add_command(compare)
main.add_command(explain)
main.add_command(plot)
main.add_command(run)
main.add_command(show)
