"""Refused token -> diagnostic: the most helpful of the syntax errors for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lark import Token

from crnlang.diagnostics import Diagnostic, SourceText, Span, listing, suggest
from crnlang.frontend.syntax_errors import (
    ForeignArrow,
    ForeignDialect,
    MissingComma,
    MissingKeyword,
    MissingRate,
    MissingSide,
    ReservedWord,
    Unclosed,
    UnclosedString,
    UnexpectedToken,
    Unfinished,
    UnknownCharacter,
    Unopened,
)
from crnlang.frontend.tokens import STATEMENT_WORDS
from crnlang.frontend.translate import translated

_WORDS = {
    "NAME": "a name",
    "NUMBER": "a number",
    "STRING": 'a title in `"`',
    "ARROW": "`->`",
    "COMPARE": "a comparison",
    "_WITH": "`with`",
    "_IN": "`in`",
    "_VIA": "`via`",
    "_ASSIGN": "`=`",
    "_TILDE": "`~`",
    "_AT": "`@`",
    "_COMMA": "`,`",
    "_COLON": "`:`",
    "_DOTDOT": "`..`",
    "_DOT": "`.`",
    "_LPAR": "`(`",
    "_RPAR": "`)`",
    "_LSQB": "`[`",
    "_RSQB": "`]`",
    "_LBRACE": "`{`",
    "_RBRACE": "`}`",
    "_PROPENSITY": "`propensity`",
    "PLUS": "`+`",
    "$END": "the end of the line",
}
#: Groups of terminals that the user knows under one word.
_GROUPS = (
    ({"NAME", "NUMBER", "_LPAR", "_MA", "MINUS"}, {"_NOT"}, "an expression"),
    (
        {"PLUS", "MINUS", "STAR", "SLASH", "POWER"},
        {"COMPARE", "_AND", "_OR"},
        "an operator",
    ),
    ({"PLUS", "MINUS", "STAR", "SLASH"}, {"COMPARE", "_AND", "_OR"}, "an operator"),
    ({"NAME", "NUMBER", "EMPTY"}, set[str](), "a species"),
    ({"ARROW", "BOTH_ARROW"}, set[str](), "an arrow `->`"),
    (set(STATEMENT_WORDS), set[str](), "a statement"),
)
#: What to write for characters that the language does not use.
_CHARACTERS = {
    "\u00a0\u2007\u202f": "this is a no-break space; replace it by a plain space",
    "\u2212": "this is a long minus sign; write `-`",
    "\u2013\u2014": "this is a dash; write `-`, or `->` for an arrow",
    "⇒⟶⟹": "write `->`",
    "↔⇄⇔⇆⟷": "write `<->`",
    "≤≦": "write `<=`",
    "≥≧": "write `>=`",
    "≠": "write `!=`",
    "×·⋅∙": "write `*`",
    "÷": "write `/`",
    "²": "write `^2`",
    "³": "write `^3`",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`",
    "'‘’“”„": 'texts stand in `"`',
}
#: What stands before a value, where a statement has no arrow; the reason.
_BEFORE_VALUES = (("=", "_ASSIGN"), ("@", "_AT"))
_NO_ARROW = {
    "=": "a value follows `=`; arrows stand in reactions only",
    "@": "hops lead to every neighbour and back, so they need no arrow",
}
_CLOSERS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A token that the parser refused; `token` is `None` at the end of a statement.

    `accepted` are the terminals that would have been taken instead.
    """

    tokens: Sequence[Token]
    position: int
    accepted: frozenset[str]
    unclosed: Token | None
    source: SourceText

    @property
    def token(self) -> Token | None:
        """The refused token."""
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    @property
    def before(self) -> Token | None:
        """The token before it."""
        return self.tokens[self.position - 1] if self.position else None

    def span(self) -> Span:
        """Where it stands; at the end of a statement, just behind the last token."""
        if self.token is not None:
            return span_of(self.token, self.source)
        end = span_of(self.tokens[-1], self.source).end
        return Span(self.source, end, end)

    def types(self) -> list[str]:
        """The terminals of the whole statement."""
        return [token.type for token in self.tokens]


def span_of(token: Token, source: SourceText) -> Span:
    """The place of a token."""
    start = token.start_pos or 0
    return Span(source, start, start + len(token))


def explain_refusal(refusal: Refusal) -> Diagnostic:
    """The most helpful diagnostic for a refused token."""
    for attempt in (
        _unclosed,
        _unopened,
        _dialect,
        _bad_character,
        _foreign_arrow,
        _missing_side,
        _missing_rate,
        _missing_keyword,
        _reserved,
        _missing_comma,
    ):
        if (diagnostic := attempt(refusal)) is not None:
            return diagnostic
    expected = expected_words(refusal.accepted)
    if refusal.token is None:
        return Unfinished(refusal.span(), expected)
    return UnexpectedToken(refusal.span(), _shown(refusal.token), expected)


def expected_words(accepted: Iterable[str]) -> str:
    """The accepted terminals in the user's words."""
    rest = set(accepted)
    words: list[str] = []
    for needed, swallowed, word in _GROUPS:
        if needed <= rest:
            words.append(word)
            rest -= needed | swallowed
    words += sorted(_WORDS[name] for name in rest if name in _WORDS)
    if not words and "INDEXED" in rest:
        return "a name with the index of a site"
    return listing(dict.fromkeys(words), 6)


def _shown(token: Token) -> str:
    return "the end of the line" if token.type == "_SEPARATOR" else f"`{token}`"


def _unclosed(refusal: Refusal) -> Diagnostic | None:
    opener = refusal.unclosed
    if opener is None:
        return None
    span = span_of(opener, refusal.source)
    line = refusal.source.locate(span.start)[0]
    same_line = refusal.source.locate(refusal.span().start)[0] == line
    if refusal.token is not None and same_line:
        return None
    return Unclosed(span, str(opener), _CLOSERS[str(opener)])


def _unopened(refusal: Refusal) -> Diagnostic | None:
    """The last `}` of a `solve` that ends before: `split_statements` keeps it there."""
    braces = [t for t in refusal.tokens if t.type == "_RBRACE"]
    is_done = (
        refusal.accepted == frozenset({"$END"}) and refusal.tokens[0].type == "_SOLVE"
    )
    if not is_done or len(braces) < 2:
        return None
    first, last = braces[0], braces[-1]
    return Unopened(span_of(last, refusal.source), span_of(first, refusal.source))


def _dialect(refusal: Refusal) -> Diagnostic | None:
    first = refusal.tokens[0]
    span = span_of(first, refusal.source)
    types = refusal.types()
    if first.type == "NAME" and str(first) == "directive":
        return ForeignDialect(
            span,
            "a Microsoft CRN-Engine file",
            "directives become `param`, `species` and `solve` statements",
        )
    arrows = {str(t) for t in refusal.tokens if t.type == "FOREIGN_ARROW"}
    if arrows & {"->{", "->["}:
        return ForeignDialect(
            span,
            "a CRN-Engine reaction",
            _translated(refusal, "the Microsoft CRN engine")
            or "write the constant behind the reaction: `A -> B @ k`",
        )
    if types[1:2] == ["_COMMA"] and arrows & {"-->", "<-->", "=>", "<=>"}:
        return ForeignDialect(
            span,
            "a Catalyst reaction",
            _translated(refusal, "Catalyst (Julia)")
            or "the constant follows the reaction: `A -> B @ k`",
        )
    if "_LSQB" in types and (ours := _translated(refusal, "crnsimulator")):
        return ForeignDialect(span, "a crnsimulator reaction", ours)
    return None


def _translated(refusal: Refusal, language: str) -> str:
    """How the refused statement is written here; empty where that is not known."""
    first, last = (span_of(refusal.tokens[i], refusal.source) for i in (0, -1))
    return translated(first.to(last).text, language)


def _bad_character(refusal: Refusal) -> Diagnostic | None:
    token = refusal.token
    if token is None or token.type != "UNKNOWN":
        return None
    if str(token) == '"':
        return UnclosedString(refusal.span())
    return UnknownCharacter(refusal.span(), *_character(str(token)))


def _character(character: str) -> tuple[str, str]:
    """How a character is shown, and what to do about it."""
    shown = f"`{character}`"
    if not character.isprintable() or character.isspace():
        shown = f"U+{ord(character):04X}"
    for group, fix in _CHARACTERS.items():
        if character in group:
            return shown, fix
    if character.isalpha():
        return shown, "spell it out: names are made of a-z, A-Z, digits and `_`"
    is_hidden = shown.startswith("U+")
    return shown, "it is invisible: delete it" if is_hidden else "take it away"


def _foreign_arrow(refusal: Refusal) -> Diagnostic | None:
    token = refusal.token
    if token is None or token.type != "FOREIGN_ARROW":
        return None
    if "COMPARE" in refusal.accepted:
        return ForeignArrow(
            refusal.span(), str(token), ">=" if str(token) == "=>" else "<="
        )
    if refusal.tokens[0].type in STATEMENT_WORDS:
        signs = (
            (sign, name) for sign, name in _BEFORE_VALUES if name in refusal.accepted
        )
        if (sign := next(signs, None)) is None:
            return None
        return ForeignArrow(refusal.span(), str(token), sign[0], _NO_ARROW[sign[0]])
    right = "<->" if str(token).startswith("<") else "->"
    return ForeignArrow(refusal.span(), str(token), right)


def _missing_side(refusal: Refusal) -> Diagnostic | None:
    starts_with_arrow = refusal.token is not None and (
        refusal.token.type in ("ARROW", "BOTH_ARROW")
        and (refusal.before is None or refusal.before.type == "_COLON")
    )
    before = refusal.before
    ends_with_arrow = before is not None and before.type in ("ARROW", "BOTH_ARROW")
    if starts_with_arrow or (
        ends_with_arrow and (refusal.token is None or refusal.token.type == "_AT")
    ):
        return MissingSide(refusal.span())
    return None


def _missing_rate(refusal: Refusal) -> Diagnostic | None:
    if "_AT" not in refusal.accepted:
        return None
    if refusal.token is not None and refusal.token.type in ("_COMMA", "_LBRACE"):
        fix = "the constant follows `@`, not `,`: `A -> B @ k`"
    elif refusal.token is not None and refusal.token.type == "_LSQB":
        fix = "the constant follows `@`, without brackets: `A -> B @ k`"
    elif refusal.token is None:
        fix = "write the rate constant behind it: `@ k`, or `@ propensity(...)`"
    elif refusal.token.type in ("NAME", "NUMBER") and "_AT" not in refusal.types():
        fix = f"the constant follows `@`: write `@ {refusal.token}`"
    else:
        return None
    return MissingRate(refusal.span(), fix)


def _missing_keyword(refusal: Refusal) -> Diagnostic | None:
    first = refusal.tokens[0]
    if first.type != "NAME" or refusal.position != 1:
        return None
    name, kind = str(first), refusal.token.type if refusal.token else ""
    if kind == "NAME":
        words = STATEMENT_WORDS.values()
        fix = suggest(name, words) or f"begin with one of {listing(words)}"
    elif kind == "_ASSIGN":
        fix = (
            f"write `param {name} = ...` for a constant, `species {name} in 0..n = "
            f"...` for a species, `observe {name} = ...` for a quantity"
        )
    elif kind in ("_COMMA", "_IN", "_TILDE"):
        fix = f"write `species {name} ...` or `param {name} ...`"
    else:
        return None
    return MissingKeyword(span_of(first, refusal.source), name, fix)


def _reserved(refusal: Refusal) -> Diagnostic | None:
    token = refusal.token
    if token is None or "NAME" not in refusal.accepted or not str(token).isalpha():
        return None
    return ReservedWord(refusal.span(), str(token))


def _missing_comma(refusal: Refusal) -> Diagnostic | None:
    token, before = refusal.token, refusal.before
    if token is None or before is None or "_COMMA" not in refusal.accepted:
        return None
    if token.type not in ("NAME", "NUMBER"):
        return None
    fix = f"write `{before}, {token}` for two, or `{before}*{token}` for a product"
    return MissingComma(refusal.span(), f"`{token}`", fix)
