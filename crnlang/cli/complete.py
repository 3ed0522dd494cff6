"""What the shell is told when the user presses Tab: values that would fit.

Nothing here may fail: what cannot be read offers nothing.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from crnlang.compiler import Compilation, compile_file
from crnlang.diagnostics import Refusal
from crnlang.editor.options import settings_of
from crnlang.results.checkpoint import FOLDER
from crnlang.results.run_directory import MANIFEST, MODEL
from crnlang.settings import ENGINES, SOLVERS

#: The species or the start of one at the end of a question.
LAST_NAME = re.compile(r"(.*?)([A-Za-z_]\w*)?$", re.DOTALL)


class RunDirectory(click.Path):
    """A run directory; Tab offers those that there are."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Runs whose path begins like this, and folders that may hold some."""
        folder = (
            Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
        )
        try:
            children = sorted(child for child in folder.iterdir() if child.is_dir())
        except OSError:
            return []
        found: list[CompletionItem] = []
        for child in children:
            is_run = (child / MANIFEST).is_file() or (child / FOLDER).is_dir()
            if str(child).startswith(incomplete) and not child.name.startswith("."):
                found.append(CompletionItem(str(child) if is_run else f"{child}/"))
        return found


def complete_set(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """`key=` of the engine's settings, or of all; behind `=` the words it takes."""
    engine = ctx.params.get("engine")
    engines = [engine] if engine in SOLVERS else list(ENGINES)
    options = {
        name: option for one in engines for name, option in settings_of(one).items()
    }
    key, equals, word = incomplete.partition("=")
    if not equals:
        return _items((f"{name}=" for name in options), incomplete)
    words = options[key].metadata["choices"] if key in options else ()
    return [CompletionItem(f"{key}={one}") for one in words if one.startswith(word)]


def complete_block(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The solve blocks of the file."""
    model = _model(_given(ctx, "file"))
    return _items((b.name for b in model.network.solves) if model else (), incomplete)


def complete_parameter(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """`name=` of the parameters of the file."""
    model = _model(_given(ctx, "file"))
    names = (p.name for p in model.network.parameters) if model else ()
    return _items((f"{name}=" for name in names), incomplete)


def complete_species(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The species of a run, at the end of whatever is typed already."""
    run = _given(ctx, "run")
    model = _model(Path(str(run)) / MODEL if run else None)
    found = LAST_NAME.match(incomplete)
    if model is None or found is None:
        return []
    before, start = found[1], found[2] or ""
    names = [name for name in model.lowered.space.names if name.startswith(start)]
    return [CompletionItem(f"{before}{name}") for name in names]


def _given(ctx: click.Context, name: str) -> object:
    """The first argument; click leaves it apart where the last option lacks a value."""
    return ctx.params.get(name) or next(iter(ctx.args), None)


def _model(path: object) -> Compilation | None:
    """A compiled file, if there is one that is right."""
    if path is None:
        return None
    try:
        return compile_file(str(path))
    except (Refusal, OSError):
        return None


def _items(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(incomplete)]
