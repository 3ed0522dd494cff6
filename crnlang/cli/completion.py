"""`crnc completion`: what a shell needs so that Tab completes `crnc` commands."""

import click
from click.shell_completion import get_completion_class

from crnlang.cli.examples import examples

#: The variable by which the shell asks `crnc` what would fit.
VARIABLE = "_CRNC_COMPLETE"


@click.command(
    epilog=examples(
        "crnc completion bash >> ~/.bashrc",
        "crnc completion zsh >> ~/.zshrc",
        "crnc completion fish > ~/.config/fish/completions/crnc.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what bash, zsh or fish needs to complete `crnc` commands.

    Tab then completes commands, options, engines, settings behind `--set`, solve blocks
    and parameters of a file, run directories, and the species of a run in a question.
    Open a new shell after adding it. bash 4.4 or newer is needed; it takes `=` for the
    end of a word, so there only the names of settings are completed.
    """
    found = get_completion_class(shell)
    assert found is not None
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, "crnc", VARIABLE).source())
