"""The command `crnc`: the only place that prints and exits.

One file a command, imported when it is called, so that none waits for the libraries of
another. Exit codes: 0 done, 1 the model is wrong, 2 wrong usage, 3 an engine refused or
stopped early, 70 a bug in crnlang, 130 interrupted, 143 ended by SIGTERM.
"""

import platform
import sys
import traceback
from importlib import import_module
from importlib.metadata import version
from keyword import iskeyword
from typing import Any

import click
from click.shell_completion import CompletionItem

from crnlang.diagnostics import CrnError, Refusal, suggest

#: Every command and what it does; it stands in the module of its name.
COMMANDS = {
    "bounds": "Propose a cap for every species, from trajectories without caps.",
    "check": "Check a file: say OK, or everything that is wrong with it.",
    "compare": "Compare two run directories at their common times.",
    "completion": "Print what bash, zsh or fish needs to complete `crnc` commands.",
    "doctor": "Say whether this installation is fit to run models, and what to do.",
    "explain": "Show the propensities, the conserved pools, the states, the engines.",
    "export": "Write a file as SBML, Antimony or BioNetGen, as OUT ends.",
    "fmt": "Rewrite files in the canonical layout; `-` reads stdin and writes stdout.",
    "graph": "Draw the species-reaction graph of a file (svg, png, pdf, or dot).",
    "import": "Read a model in SBML, Antimony or BioNetGen `.net` into a file.",
    "lsp": "Serve an editor on stdin and stdout: faults, hover, completion, layout.",
    "plot": "Draw a run: its laws, its lattice or its answers (png, pdf or svg).",
    "query": "Ask a finished run what its file did not ask.",
    "report": "Write a run as one web page that needs no network.",
    "resume": "Continue a run that was stopped, killed or crashed, in its directory.",
    "run": "Solve a model and write a run directory, which is never overwritten.",
    "selftest": "Check the invariants of compiler and engines on generated networks.",
    "show": "Print what the compiler makes of a file at one stage.",
    "sweep": "Solve a model at many values of its parameters, and write a table.",
    "watch": "Follow a run that another process works on, until it ends.",
}
BUG_EXIT_CODE = 70
INTERRUPTED_EXIT_CODE = 130


class CrncGroup(click.Group):
    """Imports a command on its first use; turns exceptions into text and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, if there is one."""
        if cmd_name not in COMMANDS:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        return getattr(import_module(f"crnlang.cli.{name}"), name)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        """The commands that begin like this, without importing them."""
        commands = [
            CompletionItem(name, help=line)
            for name, line in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names, or wrong usage."""
        if args[0] not in COMMANDS and (near := suggest(args[0], COMMANDS)):
            ctx.fail(f"No such command '{args[0]}': {near}")
        return super().resolve_command(ctx, args)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

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
                f"the lines above and the file.\n{_versions()}",
                err=True,
            )
            sys.exit(BUG_EXIT_CODE)


def _versions() -> str:
    """What a report of a bug needs."""
    python = f"Python {platform.python_version()}"
    return f"crnc {version('crnlang')} ({python}, {platform.platform()})"


def _print_version(ctx: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if is_wanted:
        click.echo(_versions())
        ctx.exit()


@click.group(
    cls=CrncGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the versions of crnc and Python, and the platform.",
)
@click.pass_context
def main(ctx: click.Context) -> None:
    """Describe a stochastic reaction network in a `.crn` file; solve it.

    Exit codes: 0 done, 1 the model is wrong, 2 wrong usage, 3 an engine refused or
    stopped early, 70 a bug in crnlang, 130 interrupted, 143 ended by SIGTERM.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
