"""Offsets in a text <-> lines and columns as editors count them."""

from collections.abc import Callable, Mapping

from crnlang.diagnostics import SourceText

#: How many columns a text takes, by the encoding that client and server agree on.
WIDTHS: Mapping[str, Callable[[str], int]] = {
    "utf-8": lambda text: len(text.encode("utf-8", "surrogatepass")),
    "utf-16": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    "utf-32": len,
}


def position_at(source: SourceText, offset: int, encoding: str) -> tuple[int, int]:
    """Line and column, both from 0, of an offset."""
    line, column = source.locate(offset)
    before = source.text[offset - column + 1 : offset]
    return line - 1, WIDTHS[encoding](before)


def offset_at(source: SourceText, line: int, column: int, encoding: str) -> int:
    """The offset of a line and a column, both from 0.

    A column beyond the end of the line is its end, one inside a character its start,
    and a line beyond the last is the end of the text.
    """
    if line >= len(source.line_starts):
        return len(source.text)
    width, start = WIDTHS[encoding], source.line_starts[line]
    used = 0
    for place, character in enumerate(source.line(line + 1)):
        used += width(character)
        if used > column:
            return start + place
    return start + len(source.line(line + 1))
