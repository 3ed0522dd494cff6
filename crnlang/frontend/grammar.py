"""Grammar -> parser, its tables kept between runs.

Lark needs most of the time of a short run to compute the tables. They are kept in the
user's cache folder, under a name that tells grammar, Lark and Python apart; a file that
is damaged, or cannot be read or written, costs no more than the computation.
"""

import contextlib
import hashlib
import io
import os
import platform
from collections.abc import Iterator
from functools import cache
from importlib import resources
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

import lark
from lark import Lark, Token

from crnlang.cache import cache_directory


class _KeepTerminals:
    """Makes Lark keep the terminals that no rule accepts: errors name them."""

    always_accept = ("FOREIGN_ARROW", "UNKNOWN")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


@cache
def load_parser() -> Lark:
    """The parser of one statement."""
    grammar = _grammar_text()
    file = _tables_file(grammar)
    if file is not None and (tables := _read(file)) is not None:
        return _shortened(cast(Any, Lark).load(io.BytesIO(tables)))
    parser = Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        start="statement",
        propagate_positions=True,
        maybe_placeholders=True,
        postlex=_KeepTerminals(),
    )
    if file is not None:
        stream = io.BytesIO()
        cast(Any, parser).save(stream)
        _write(file, stream.getvalue())
    return _shortened(parser)


def _shortened(parser: Lark) -> Lark:
    """The parser; rules that hand on their one child, like `?sum: product`, do just so.

    Lark would work out the positions of the child again: a fifth of all its time.
    """
    callbacks = cast(dict[Any, Any], cast(Any, parser)._callbacks)
    for rule in parser.rules:
        is_single = len(rule.expansion) == 1 and not rule.expansion[0].is_term
        if is_single and rule.options.expand1 and not rule.alias:
            callbacks[rule] = itemgetter(0)
    return parser


@cache
def reserved_words() -> dict[str, str]:
    """The words that cannot be names, by their terminals."""
    return {
        terminal.name: terminal.pattern.value
        for terminal in load_parser().terminals
        if terminal.pattern.type == "str" and terminal.pattern.value.isalpha()
    }


def _grammar_text() -> str:
    """The grammar: from the installed package, else from the source checkout."""
    packaged = resources.files("crnlang") / "grammar" / "crn.lark"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    checkout = Path(__file__).parents[2] / "grammar" / "crn.lark"
    return checkout.read_text(encoding="utf-8")


def _tables_file(grammar: str) -> Path | None:
    """Where the tables are kept; `None` for a user without a home."""
    facts = (grammar, lark.__version__, platform.python_version())
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()
    directory = cache_directory()
    return directory / f"grammar-{digest[:16]}.tables" if directory else None


def _read(file: Path) -> bytes | None:
    """The tables, if they are as they were written."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, tables = content[:32], content[32:]
    return tables if hashlib.sha256(tables).digest() == digest else None


def _write(file: Path, tables: bytes) -> None:
    """Keep the tables, whole or not at all."""
    temporary = file.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.write_bytes(hashlib.sha256(tables).digest() + tables)
        temporary.replace(file)
