"""Syntax errors (CRN1xx): their words."""

from dataclasses import dataclass

from crnlang.diagnostics import Diagnostic, Span


@dataclass(frozen=True)
class NotText(Diagnostic):
    """The file is not UTF-8 text."""

    code = "CRN100"
    message = "this file is not UTF-8 text (byte {byte})"
    help = "save it as UTF-8; is it really a `.crn` file?"

    byte: int


@dataclass(frozen=True)
class UnexpectedToken(Diagnostic):
    """Something stands where the language expects something else."""

    code = "CRN101"
    message = "{found} cannot stand here"
    label = "expected {expected}"

    found: str
    expected: str


@dataclass(frozen=True)
class UnknownCharacter(Diagnostic):
    """A character that the language does not use."""

    code = "CRN102"
    message = "the character {shown} has no meaning here"
    help = "{fix}"

    shown: str
    fix: str


@dataclass(frozen=True)
class ForeignArrow(Diagnostic):
    """An arrow of another language."""

    code = "CRN103"
    message = "`{arrow}` is not a sign of this language"
    label = "write `{right}`"
    note = "{reason}"

    arrow: str
    right: str
    reason: str = (
        "`->` is one channel, `<->` is two; comparisons are `<`, `<=`, `>=`, `>`"
    )


@dataclass(frozen=True)
class MissingRate(Diagnostic):
    """A reaction without `@`."""

    code = "CRN104"
    message = "this reaction has no rate"
    label = "expected `@` here"
    help = "{fix}"

    fix: str


@dataclass(frozen=True)
class MissingKeyword(Diagnostic):
    """`X = 5` without the word that says what X is."""

    code = "CRN105"
    message = "`{name}` stands here without the word that says what it is"
    help = "{fix}"

    name: str
    fix: str


@dataclass(frozen=True)
class ReservedWord(Diagnostic):
    """A word of the language used as a name."""

    code = "CRN106"
    message = "`{word}` is a word of the language and cannot be a name"
    help = "call it `{word}_` or something else"

    word: str


@dataclass(frozen=True)
class Unclosed(Diagnostic):
    """A bracket that nothing closes."""

    code = "CRN108"
    message = "this `{bracket}` is never closed"
    help = "write the matching `{closer}`"

    bracket: str
    closer: str


@dataclass(frozen=True)
class ForeignDialect(Diagnostic):
    """A line of another language."""

    code = "CRN109"
    message = "this looks like {dialect}, not like this language"
    help = "{fix}"

    dialect: str
    fix: str


@dataclass(frozen=True)
class Unfinished(Diagnostic):
    """A statement that ends too early."""

    code = "CRN110"
    message = "this statement is not finished"
    label = "expected {expected}"

    expected: str


@dataclass(frozen=True)
class TooDeep(Diagnostic):
    """An expression that nests too deeply, or is a very long chain."""

    code = "CRN111"
    message = "this expression nests deeper than {limit} levels"
    note = "`a + b + c` counts one level for each sign"
    help = "name parts of it with `param`, `func` or `observe`"

    limit: int


@dataclass(frozen=True)
class BadCoefficient(Diagnostic):
    """A stoichiometric coefficient that is not a positive whole number."""

    code = "CRN112"
    message = "`{text}` is not a stoichiometric coefficient"
    note = "a coefficient is a whole number from 1 to 999, followed by a species"
    help = "write `2 X`; `0` alone is the empty side"

    text: str


@dataclass(frozen=True)
class MissingSide(Diagnostic):
    """A reaction with nothing on one side."""

    code = "CRN113"
    message = "a side of this reaction is missing"
    help = "write `0` for the empty side, as in `0 -> X @ k`"


@dataclass(frozen=True)
class MissingComma(Diagnostic):
    """Two expressions side by side."""

    code = "CRN114"
    message = "something is missing before {found}"
    help = "{fix}"

    found: str
    fix: str


@dataclass(frozen=True)
class UnclosedString(Diagnostic):
    """A quotation mark without its partner."""

    code = "CRN115"
    message = "this text is never closed"
    help = 'write the closing `"` on the same line'


@dataclass(frozen=True)
class NumberTooLarge(Diagnostic):
    """A number beyond the range of float64."""

    code = "CRN116"
    message = "the number {text} is too large"
    note = "numbers are 64-bit floating point: at most about 1.8e308"

    text: str


@dataclass(frozen=True)
class Unopened(Diagnostic):
    """A second `}` for one `solve` block."""

    code = "CRN117"
    message = "this `}}` closes nothing"
    help = "take one of the two away"

    first: Span

    def related(self) -> tuple[tuple[Span, str], ...]:
        return ((self.first, "the block ends here"),)


@dataclass(frozen=True)
class TooLong(Diagnostic):
    """A statement longer than any that makes sense."""

    code = "CRN118"
    message = "this statement has more than {limit} words and signs"
    note = "what stands behind them is not read"
    help = "write several statements; tables belong into files of their own"

    limit: int
