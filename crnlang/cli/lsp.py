"""`crnc lsp`: the language server that editors start."""

import click

from crnlang.cli.examples import examples
from crnlang.diagnostics import Refusal


class MissingPyglsError(Refusal):
    """pygls is not installed."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__(
            "the language server needs pygls, which is not installed: "
            "run `pip install 'crnlang[lsp]'`"
        )


@click.command(
    epilog=examples(
        "crnc lsp",
    )
)
def lsp() -> None:
    """Serve an editor on stdin and stdout: faults, hover, completion, layout.

    The editor starts it; by hand it waits for messages. It needs the extra `lsp`. How
    to set up VS Code, Vim, Neovim and Emacs stands in docs/editors.md.
    """
    try:
        from crnlang.editor.server import build_server
    except ModuleNotFoundError as error:
        if error.name not in ("pygls", "lsprotocol"):
            raise
        raise MissingPyglsError from error
    build_server().start_io()
