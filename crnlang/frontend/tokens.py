"""Text -> statements of tokens: the lexer, and where a statement ends."""

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lark import Token

from crnlang.frontend.lexer import lex
from crnlang.frontend.shapes import Node, shape_of

#: Words that begin a statement, by terminal.
STATEMENT_WORDS = {
    "_CRN": "crn",
    "_MODEL": "model",
    "_MASSACTION": "massaction",
    "_UNIT": "unit",
    "_VOLUME": "volume",
    "_LATTICE": "lattice",
    "_PARAM": "param",
    "_FUNC": "func",
    "_SPECIES": "species",
    "_INIT": "init",
    "_DIFFUSE": "diffuse",
    "_EVENT": "event",
    "_MODULE": "module",
    "_USE": "use",
    "_IMPORT": "import",
    "_OBSERVE": "observe",
    "_SET": "set",
    "_QUERY": "query",
    "_SOLVE": "solve",
}

#: Terminals that only a reaction has.
REACTION_SIGNS = frozenset({"ARROW", "BOTH_ARROW", "_AT"})

#: The terminals that open and close brackets.
BRACKETS = {"_LPAR": "_RPAR", "_LSQB": "_RSQB", "_LBRACE": "_RBRACE"}
_SEPARATOR = "_SEPARATOR"

#: Longest statement, in words and signs.
MAX_TOKENS = 50_000


@dataclass(frozen=True, slots=True)
class TokenGroup:
    """The tokens of one statement, and the bracket that it leaves open, if any."""

    tokens: tuple[Token, ...]
    unclosed: Token | None


def read_tokens(tokens: Sequence[Token]) -> tuple[Node | None, int]:
    """The parse tree of one statement, and how many of its tokens could be read.

    The tree is `None` where a token, or the end, cannot follow what stands before it.
    """
    shape = shape_of(tuple([token.type for token in tokens]))
    return shape.tree(tokens), shape.could_follow


def split_statements(text: str) -> Iterator[TokenGroup]:
    """Cut the text into statements.

    A line break or `;` ends a statement, but not inside ( ) and [ ], where it counts
    for nothing, nor inside { }, where it separates settings. A line that can only be a
    statement of its own always starts a new one, so a bracket left open spoils no more
    than the lines up to there; a `}` that nothing opens belongs to the `solve` above.
    The head of a module ends with its `{`, and the `}` of it is a statement.
    A statement of more than `MAX_TOKENS` is the last one.
    """
    group = _Group()
    lines = _Lines(_cut_modules(_lines(lex(text))))
    kept = 0  #: lines from here on that belong to the `solve` above
    for line in lines:
        if not kept and not group.brackets:
            kept = _rest_of_solve(group.tokens, line, lines)
        goes_on = group.brackets or kept
        if not goes_on or group.is_over or _stands_alone(line):
            yield from group.take()
        kept = max(0, kept - 1)
        group.add(line)
        if len(group.tokens) > MAX_TOKENS:
            break
    yield from group.take()


@dataclass(frozen=True, slots=True)
class _Line:
    """The tokens up to a separator, and the separator before them.

    Where it `ends`, so does the statement: the head of a module, or its `}`.
    """

    separator: Token | None
    tokens: tuple[Token, ...]
    ends: bool = False


def _lines(stream: Iterable[Token]) -> Iterator[_Line]:
    """The lines that are not empty; also `;` ends one, and so does `MAX_TOKENS`."""
    separator: Token | None = None
    tokens: list[Token] = []
    for token in stream:
        if token.type != _SEPARATOR:
            tokens.append(token)
            if len(tokens) <= MAX_TOKENS:
                continue
        if tokens:
            yield _Line(separator, tuple(tokens))
            tokens = []
        separator = token
    if tokens:
        yield _Line(separator, tuple(tokens))


def _cut_modules(lines: Iterable[_Line]) -> Iterator[_Line]:
    """The lines, cut behind the `{` of a module, and around its `}`."""
    is_head = is_inside = False
    depth = 0  #: of other braces inside the module
    for line in lines:
        start, separator = 0, line.separator
        is_head = is_head or line.tokens[0].type == "_MODULE"
        for i, token in enumerate(line.tokens):
            if token.type == "_LBRACE" and is_head:
                yield _Line(separator, line.tokens[start : i + 1], ends=True)
                start, is_head, is_inside, depth = i + 1, False, True, 0
            elif token.type == "_LBRACE":
                depth += 1
            elif token.type == "_RBRACE" and depth:
                depth -= 1
            elif token.type == "_RBRACE" and is_inside:
                if i > start:
                    yield _Line(separator, line.tokens[start:i])
                yield _Line(separator, (token,), ends=True)
                start, is_inside = i + 1, False
        if start < len(line.tokens):
            yield _Line(separator, line.tokens[start:])


class _Group:
    """The tokens of a statement so far, and the brackets that they leave open."""

    def __init__(self) -> None:
        self.tokens: list[Token] = []
        self.brackets: list[Token] = []
        self.is_over = False

    def add(self, line: _Line) -> None:
        is_in_brackets = self.brackets and self.brackets[-1].type != "_LBRACE"
        if self.tokens and line.separator is not None and not is_in_brackets:
            self.tokens.append(line.separator)
        for token in line.tokens:
            self.tokens.append(token)
            if token.type in BRACKETS:
                self.brackets.append(token)
            elif self.brackets and token.type == BRACKETS[self.brackets[-1].type]:
                self.brackets.pop()
        if line.ends:
            self.brackets, self.is_over = [], True

    def take(self) -> Iterator[TokenGroup]:
        """The statement, if there is one; the next begins."""
        if self.tokens:
            unclosed = self.brackets[-1] if self.brackets else None
            yield TokenGroup(tuple(self.tokens), unclosed)
        self.tokens, self.brackets, self.is_over = [], [], False


def _stands_alone(line: _Line) -> bool:
    """Whether this line cannot go on in an open bracket: none holds an arrow."""
    starts_statement = line.tokens[0].type in STATEMENT_WORDS
    is_end = line.ends and line.tokens[0].type == "_RBRACE"
    return starts_statement or is_end or any(map(_is_reaction_sign, line.tokens))


def _is_reaction_sign(token: Token) -> bool:
    """Not for `=>`, which may be meant as a comparison."""
    is_foreign = token.type == "FOREIGN_ARROW" and "-" in token
    return is_foreign or token.type in REACTION_SIGNS


class _Lines(Iterator[_Line]):
    """Lines one after the other, which can also be looked at ahead of time."""

    def __init__(self, stream: Iterator[_Line]) -> None:
        self.stream = stream
        self.seen: deque[_Line] = deque()

    def __next__(self) -> _Line:
        return self.seen.popleft() if self.seen else next(self.stream)

    def ahead(self) -> Iterator[_Line]:
        """The lines that come next; they stay there."""
        yield from tuple(self.seen)
        for line in self.stream:
            self.seen.append(line)
            yield line


def _rest_of_solve(tokens: Sequence[Token], line: _Line, lines: _Lines) -> int:
    """How many lines from this one on belong to the `solve` above, its `{` amiss.

    They do where they begin with a `{`, or are settings up to a `}`.
    """
    if not tokens or tokens[0].type != "_SOLVE":
        return 0
    if line.tokens[0].type == "_LBRACE":
        return 1
    depth = 0
    for number, each in enumerate(itertools.chain([line], lines.ahead()), 1):
        if _stands_alone(each):
            return 0
        for token in each.tokens:
            depth += (token.type == "_LBRACE") - (token.type == "_RBRACE")
            if depth < 0:
                return number
    return 0
