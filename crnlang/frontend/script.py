"""Text -> statements as words, with every comment and blank line in its place.

What the surface tree leaves out and the formatter must keep. Layout is dropped: two
texts that differ only in layout give the same `Script`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lark import Token

from crnlang.frontend.tokens import STATEMENT_WORDS, split_statements

_PIECE = re.compile(
    r"(?P<comment>(?:#|//)[^\n]*)|(?P<newline>\n)|(?P<end>;)|[ \t\r\f]+"
)
_UNITED = re.compile(r"(\d+)([eE]\d+)")
_SPELLING = {"BOTH_ARROW": "<->", "ARROW": "->", "POWER": "^", "EMPTY": "0"}
_OPENERS = {"_LPAR", "_LSQB"}
_CLOSERS = {"_RPAR", "_RSQB"}


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment; `is_trailing` where it stands behind a word on the same line."""

    text: str
    is_trailing: bool


@dataclass(frozen=True, slots=True)
class Word:
    """A token in its canonical spelling, with the comments behind it in a bracket.

    `kind` is the terminal of the grammar; `UNIT` is a whole `[1/s]`.
    """

    kind: str
    text: str
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class CommentLine:
    """A comment on a line of its own."""

    text: str
    has_blank_before: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement or a setting; `comments` stand behind it, one below the other.

    For `solve`, `words` end before the brace and `block` is what stands between.
    """

    kind: str
    words: tuple[Word, ...]
    comments: tuple[str, ...]
    has_blank_before: bool
    block: "Block | None"


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between braces; `comments` stand behind the opening one."""

    comments: tuple[str, ...]
    items: "tuple[Item, ...]"
    is_on_one_line: bool


Item = Statement | CommentLine


@dataclass(frozen=True, slots=True)
class _Piece:
    """A comment between two words: its place on the page, and what comes before it."""

    text: str
    column: int
    line_breaks: int


@dataclass(frozen=True, slots=True)
class _Gap:
    """What stands between two words."""

    comments: tuple[_Piece, ...]
    line_breaks: int  #: since the last comment
    has_end: bool  #: a line break or `;` somewhere


def read_script(text: str) -> tuple[Item, ...]:
    """The statements and comments of a text without syntax errors."""
    return _Reader(text).items()


def comments_of(text: str) -> list[str]:
    """Every comment of the text outside of units, in order."""
    reader = _Reader(text)
    return [piece.text for gap in reader.gaps for piece in gap.comments]


class _Reader:
    """Walks over the tokens and the gaps between them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[_Place] = list(_places(text))
        ends = [0, *(p.end for p in self.tokens)]
        starts = [*(p.start for p in self.tokens), len(text)]
        #: `gaps[i]` stands before token i, the last one behind the last token.
        self.gaps = [self._gap(a, b) for a, b in zip(ends, starts, strict=True)]

    def _gap(self, start: int, end: int) -> _Gap:
        comments: list[_Piece] = []
        breaks, has_end = 0, False
        for match in _PIECE.finditer(self.text, start, end):
            if match["newline"] or match["end"]:
                has_end = True
                breaks += match["newline"] is not None
            elif match["comment"]:
                column = match.start() - (self.text.rfind("\n", 0, match.start()) + 1)
                comments.append(_Piece(match["comment"].rstrip(), column, breaks))
                breaks = 0
        return _Gap(tuple(comments), breaks, has_end)

    def items(self) -> tuple[Item, ...]:
        shelf = _Shelf()
        shelf.read_gap(self.gaps[0])
        i = 0
        while i < len(self.tokens):
            i = self._statement(shelf, i)
        return shelf.finish()

    def _statement(self, shelf: "_Shelf", first: int) -> int:
        """Read the statement that begins at token `first`; returns where it ends."""
        group = self.tokens[first].group
        end = first
        while end < len(self.tokens) and self.tokens[end].group == group:
            end += 1
        kind = self.tokens[first].kind
        kind = "end" if kind == "_RBRACE" else STATEMENT_WORDS.get(kind, "reaction")
        brace = end
        if kind == "solve":
            brace = next(i for i in range(first, end) if self._is(i, "_LBRACE"))
        block = self._block(brace, end) if brace < end else None
        words = _spell(kind, self._words(first, brace))
        shelf.put(kind, words, block)
        shelf.read_gap(self.gaps[end])
        return end

    def _is(self, i: int, kind: str) -> bool:
        return self.tokens[i].kind == kind

    def _words(self, first: int, end: int) -> list[Word]:
        """Tokens as words; comments between them belong to the word before."""
        words: list[Word] = []
        for i in range(first, end):
            pieces = self.gaps[i + 1].comments if i + 1 < end else ()
            comments = tuple(Comment(p.text, p.line_breaks == 0) for p in pieces)
            words.append(Word(self.tokens[i].kind, self.tokens[i].text, comments))
        return words

    def _block(self, brace: int, end: int) -> Block:
        """The settings between `brace` and the closing one at `end - 1`."""
        shelf = _Shelf()
        opening = shelf.read_opening(self.gaps[brace + 1])
        begin, depth = brace + 1, 0
        for i in range(brace + 1, end - 1):
            depth += (self.tokens[i].kind in _OPENERS) - (
                self.tokens[i].kind in _CLOSERS
            )
            is_last = i + 2 == end
            if is_last or (depth == 0 and self.gaps[i + 1].has_end):
                shelf.put("setting", _spell("setting", self._words(begin, i + 1)), None)
                shelf.read_gap(self.gaps[i + 1])
                begin = i + 1
        source = self.text[self.tokens[brace].end : self.tokens[end - 1].start]
        return Block(opening, shelf.finish(), "\n" not in source)


class _Shelf:
    """Collects items; knows which comments belong behind the last statement."""

    def __init__(self) -> None:
        self.found: list[Item] = []
        self.column: int | None = None
        self.is_blank = False

    def put(self, kind: str, words: list[Word], block: Block | None) -> None:
        blank = self.is_blank and bool(self.found)
        self.found.append(Statement(kind, tuple(words), (), blank, block))

    def read_opening(self, gap: _Gap) -> tuple[str, ...]:
        """The comments behind an opening brace; the others become lines."""
        behind, rest = _behind(gap)
        self._lines(rest)
        self.is_blank = gap.line_breaks > 1
        return behind

    def read_gap(self, gap: _Gap) -> None:
        """Comments behind the last statement, on lines of their own, blank lines."""
        last = self.found[-1] if self.found else None
        behind, rest = _behind(gap) if isinstance(last, Statement) else ((), None)
        if isinstance(last, Statement) and behind:
            self.found[-1] = Statement(
                last.kind, last.words, behind, last.has_blank_before, last.block
            )
        self._lines(gap.comments if rest is None else rest)
        self.is_blank = gap.line_breaks > 1

    def _lines(self, pieces: Sequence[_Piece]) -> None:
        for piece in pieces:
            blank = piece.line_breaks > 1 and bool(self.found)
            self.found.append(CommentLine(piece.text, blank))

    def finish(self) -> tuple[Item, ...]:
        return tuple(self.found)


def _behind(gap: _Gap) -> tuple[tuple[str, ...], tuple[_Piece, ...]]:
    """The comment on the line of the word before with those right below, the rest."""
    pieces = gap.comments
    if not pieces or pieces[0].line_breaks:
        return (), pieces
    count = 1
    while (
        count < len(pieces)
        and pieces[count].line_breaks == 1
        and pieces[count].column == pieces[0].column
    ):
        count += 1
    return tuple(p.text for p in pieces[:count]), pieces[count:]


@dataclass(frozen=True, slots=True)
class _Place:
    """A token, the number of its statement, and where it stands."""

    kind: str
    text: str
    group: int
    start: int
    end: int


def _places(text: str) -> Iterator[_Place]:
    """The tokens that are no separators; a unit of a parameter is one token."""
    for number, group in enumerate(split_statements(text)):
        unit: Token | None = None
        depth = 0
        tokens = [token for token in group.tokens if token.type != "_SEPARATOR"]
        is_param = tokens[0].type in ("_PARAM", "_UNIT", "_VOLUME")
        previous = ""
        for token in tokens:
            is_index, previous = previous == "INDEXED", token.type
            if unit is not None:
                if token.type != "_RSQB":
                    continue
                start, end = _start(unit), _end(token)
                inside = text[start + 1 : end - 1]
                inside = inside if "\n" in inside else inside.strip()
                yield _Place("UNIT", f"[{inside}]", number, start, end)
                unit = None
            elif is_param and depth == 0 and token.type == "_LSQB" and not is_index:
                unit = token
            else:
                depth += (token.type in _OPENERS) - (token.type in _CLOSERS)
                yield _Place(token.type, str(token), number, _start(token), _end(token))


def _start(token: Token) -> int:
    assert token.start_pos is not None
    return token.start_pos


def _end(token: Token) -> int:
    assert token.end_pos is not None
    return token.end_pos


def _spell(kind: str, words: Sequence[Word]) -> list[Word]:
    """Canonical spelling: ASCII arrows, `0` for the empty side, `2 X` for `2*X`."""
    spelled: list[Word] = []
    is_side = kind == "reaction"
    ma_depth = depth = 0
    for i, word in enumerate(words):
        text = _SPELLING.get(word.kind, word.text)
        if word.kind in ("_AT", "_VIA"):
            is_side = False
        depth += word.kind in _OPENERS
        if word.kind == "_LPAR" and i and words[i - 1].kind == "_MA":
            ma_depth = depth
        if word.kind in _CLOSERS:
            if depth == ma_depth:
                ma_depth = 0
            depth -= 1
        if is_side or ma_depth:
            united = _UNITED.fullmatch(text) if word.kind == "NUMBER" else None
            if united:
                spelled.append(Word("NUMBER", united[1]))
                spelled.append(Word("NAME", united[2], word.comments))
                continue
            if word.kind == "STAR":
                last = spelled[-1]
                both = (*last.comments, *word.comments)
                spelled[-1] = Word(last.kind, last.text, both)
                continue
        if kind == "lattice" and depth == 0 and text in ("boundary", "spacing", "mask"):
            spelled.append(Word("OPTION", text, word.comments))
            continue
        spelled.append(Word(word.kind, text, word.comments))
    return spelled
