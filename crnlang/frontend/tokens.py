"""Text -> statements of tokens: the grammar, the lexer, and where a statement ends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from lark import Lark, Token, Tree

#: Terminals that no rule accepts: they exist to be named in an error message.
NEVER_ACCEPTED = ("LATER", "FOREIGN_ARROW", "UNKNOWN")

#: Words that begin a statement, by terminal.
STATEMENT_WORDS = {
    "_CRN": "crn",
    "_MODEL": "model",
    "_MASSACTION": "massaction",
    "_PARAM": "param",
    "_FUNC": "func",
    "_SPECIES": "species",
    "_OBSERVE": "observe",
    "_SET": "set",
    "_QUERY": "query",
    "_SOLVE": "solve",
}

_CLOSER = {"_LPAR": "_RPAR", "_LSQB": "_RSQB", "_LBRACE": "_RBRACE"}
_SEPARATOR = "_SEPARATOR"


class _KeepTerminals:
    """Makes Lark keep the terminals that only error messages use."""

    always_accept = NEVER_ACCEPTED

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


@dataclass(frozen=True, slots=True)
class TokenGroup:
    """The tokens of one statement, and the bracket that it leaves open, if any."""

    tokens: tuple[Token, ...]
    unclosed: Token | None


def grammar_text() -> str:
    """The grammar: from the installed package, else from the source checkout."""
    packaged = resources.files("crnlang") / "grammar" / "crn.lark"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    checkout = Path(__file__).parents[2] / "grammar" / "crn.lark"
    return checkout.read_text(encoding="utf-8")


@cache
def _load_parser() -> Lark:
    return Lark(
        grammar_text(),
        parser="lalr",
        lexer="basic",
        start="statement",
        propagate_positions=True,
        maybe_placeholders=True,
        postlex=_KeepTerminals(),
    )


@runtime_checkable
class StatementParser(Protocol):
    """What is used of Lark's interactive parser (whose own types are incomplete)."""

    def feed_token(self, token: Token) -> object:
        """Take a token; raises `lark.UnexpectedToken` for one that cannot follow."""
        ...

    def feed_eof(self, last_token: Token) -> Tree[Token]:
        """End the statement; raises `lark.UnexpectedToken` where it is unfinished."""
        ...

    def accepts(self) -> set[str]:
        """Terminals that could follow now."""
        ...


def begin_statement() -> StatementParser:
    """A parser at the start of a statement."""
    return cast(StatementParser, cast(Any, _load_parser()).parse_interactive(""))


def split_statements(text: str) -> Iterator[TokenGroup]:
    """Cut the text into statements.

    A line break or `;` ends a statement, but not inside ( ) and [ ], where it counts
    for nothing, nor inside { }, where it separates settings. A line that begins with a
    word of `STATEMENT_WORDS` always starts a new statement, so a bracket left open
    spoils no more than the lines up to there.
    """
    return _group(cast(Any, _load_parser()).lex(text))


def _group(stream: Iterable[Token]) -> Iterator[TokenGroup]:
    tokens: list[Token] = []
    brackets: list[Token] = []
    is_line_start = True
    for token in stream:
        if token.type == _SEPARATOR:
            is_line_start = True
            if not brackets and tokens:
                yield TokenGroup(tuple(tokens), None)
                tokens = []
            elif _separates_settings(brackets, tokens):
                tokens.append(token)
            continue
        if brackets and is_line_start and token.type in STATEMENT_WORDS:
            yield TokenGroup(tuple(tokens), brackets[-1])
            tokens, brackets = [], []
        is_line_start = False
        tokens.append(token)
        if token.type in _CLOSER:
            brackets.append(token)
        elif brackets and token.type == _CLOSER[brackets[-1].type]:
            brackets.pop()
    if tokens:
        yield TokenGroup(tuple(tokens), brackets[-1] if brackets else None)


def _separates_settings(brackets: list[Token], tokens: list[Token]) -> bool:
    """Whether a separator stands inside { } and does not follow another."""
    is_in_braces = bool(brackets) and brackets[-1].type == "_LBRACE"
    return is_in_braces and tokens[-1].type != _SEPARATOR
