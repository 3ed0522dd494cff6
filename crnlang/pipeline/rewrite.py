"""A file with other texts at some places, all else as it was."""

from collections.abc import Iterable, Iterator

from crnlang.diagnostics import Span
from crnlang.frontend.ast import ModuleEnd, ModuleStatement, Program, Statement


def rewrite(program: Program, changes: Iterable[tuple[Span, str]]) -> str:
    """The text of the file with what stands at each span replaced."""
    text, last = program.source.text, 0
    pieces: list[str] = []
    for span, new in sorted(changes, key=lambda change: change[0].start):
        pieces += [text[last : span.start], new]
        last = span.end
    return "".join([*pieces, text[last:]])


def outside_modules(program: Program) -> Iterator[Statement]:
    """The statements that stand for themselves, not for uses of a module."""
    is_inside = False
    for statement in program.statements:
        if isinstance(statement, ModuleStatement):
            is_inside = True
        elif isinstance(statement, ModuleEnd):
            is_inside = False
        elif not is_inside:
            yield statement
