"""Text -> tokens: the terminals of the grammar as one regular expression.

Lark's own lexer gives the same tokens, but counts lines and columns as well, which
takes most of its time; here a token knows the offsets where it starts and ends.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from lark import Token
from lark.lexer import TerminalDef

from crnlang.frontend.grammar import load_parser, reserved_words

_make = cast(Any, Token)._future_new  # `Token(...)` without its search of keywords


def lex(text: str) -> Iterator[Token]:
    """The tokens of a text; blanks and comments are left out."""
    words = {word: terminal for terminal, word in reserved_words().items()}
    for found in _pattern().finditer(text):
        kind: Any = found.lastgroup
        if kind in _IGNORED:
            continue
        value = found[kind]
        start, end = found.span(kind)
        if kind == "NAME":
            kind = words.get(value, kind)
        yield _make(kind, value, start, None, None, None, None, end)


#: Terminals that leave no token; `%ignore` in the grammar.
_IGNORED = frozenset({"BLANK", "COMMENT"})


@cache
def _pattern() -> re.Pattern[str]:
    """Every terminal but the words, which are names; the first that fits is taken.

    A blank before it is taken along: most are single ones.
    """
    terminals = [t for t in load_parser().terminals if t.name not in reserved_words()]
    terminals.sort(key=_rank)
    groups = [f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in terminals]
    return re.compile(f" ?(?:{'|'.join(groups)})")


def _rank(terminal: TerminalDef) -> tuple[int, int, int, str]:
    """Lark's order: by priority, then the longest."""
    pattern = terminal.pattern
    width = pattern.max_width
    return (-terminal.priority, -width, -len(pattern.value), terminal.name)
