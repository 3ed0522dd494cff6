"""Surface tree -> text: one node a line, indented; for `crnc show --stage ast`."""

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import cast

from crnlang.diagnostics import Span
from crnlang.frontend.ast import Name, Program


def outline(program: Program) -> str:
    """The tree, places left out."""
    lines = [line for s in program.statements for line in _node("", s, 0)]
    return "\n".join(lines) + "\n"


def _node(label: str, value: object, depth: int) -> list[str]:
    head = "  " * depth + label
    if isinstance(value, Name):
        return [f"{head}`{value.text}`"]
    if isinstance(value, Enum):
        return [f"{head}{value.value}"]
    if isinstance(value, tuple):
        items = cast(tuple[object, ...], value)
        return [line for item in items for line in _node(label, item, depth)]
    if not is_dataclass(value):
        return [f"{head}{value!r}"]
    lines = [f"{head}{type(value).__name__}"]
    for part in fields(value):
        inner = getattr(value, part.name)
        if inner is not None and not isinstance(inner, Span):
            lines += _node(f"{part.name}: ", inner, depth + 1)
    return lines
