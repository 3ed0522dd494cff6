"""Errors of names, kinds and values (CRN2xx) and of settings (CRN5xx): their words."""

from collections.abc import Hashable
from dataclasses import dataclass

from crnlang.diagnostics import Diagnostic, Span


@dataclass(frozen=True)
class UnknownName(Diagnostic):
    """A name that nothing declares."""

    code = "CRN201"
    message = "unknown {kind} `{name}`"
    label = "not declared"
    note = "known here: {known}"
    help = "{fix}"

    name: str
    kind: str
    known: str
    fix: str

    def fault(self) -> Hashable:
        """A name is missing once, however often it is used."""
        return (self.code, self.name)


@dataclass(frozen=True)
class DeclaredTwice(Diagnostic):
    """A second declaration of one name."""

    code = "CRN202"
    message = "`{name}` is declared twice"
    label = "declared again"
    help = "give one of them another name"

    name: str
    first: Span

    def related(self) -> tuple[tuple[Span, str], ...]:
        return ((self.first, "first declared here"),)


@dataclass(frozen=True)
class BuiltInName(Diagnostic):
    """A declaration of a name that the language already uses."""

    code = "CRN203"
    message = "`{name}` already means {meaning}"
    help = "call it `{name}_` or something else"

    name: str
    meaning: str


@dataclass(frozen=True)
class WrongKind(Diagnostic):
    """A name of the wrong kind for its place."""

    code = "CRN204"
    message = "`{name}` is {found}, but {wanted} is needed here"

    name: str
    found: str
    wanted: str
    declared: Span

    def related(self) -> tuple[tuple[Span, str], ...]:
        return ((self.declared, "declared here"),)


@dataclass(frozen=True)
class WrongArguments(Diagnostic):
    """A function with too many or too few arguments."""

    code = "CRN205"
    message = "`{name}` takes {expected}, not {given}"
    help = "{fix}"

    name: str
    expected: str
    given: int
    fix: str


@dataclass(frozen=True)
class SpeciesInRate(Diagnostic):
    """A species behind a plain `@`."""

    code = "CRN206"
    message = "`{name}` is {found}: it cannot stand in the constant behind `@`"
    note = (
        "`@ k` is a constant that mass action multiplies with the reactants, here "
        "`{reactants}`; it may hold parameters and `t`"
    )
    help = (
        "for the whole propensity write `@ propensity({law})`; to multiply with the "
        "reactants as well, write `@ propensity({factor})`"
    )

    name: str
    found: str
    reactants: str
    law: str
    factor: str


@dataclass(frozen=True)
class NoMassAction(Diagnostic):
    """A repeated reactant in a file that does not say what mass action means."""

    code = "CRN207"
    message = "`{order} {name}` with a constant needs a `massaction` line"
    note = (
        "three readings of `@ k` on `{order} {name}` are in use: {formulas}; all "
        "agree where no reactant is repeated"
    )
    help = "write `massaction falling` below `model`, unless your rates say otherwise"

    name: str
    order: int
    formulas: str

    def fault(self) -> Hashable:
        """One line is missing, however many reactions need it."""
        return self.code


@dataclass(frozen=True)
class WrongConstants(Diagnostic):
    """Too many or too few constants for the arrows."""

    code = "CRN208"
    message = "this reaction needs {expected} behind `@`, not {given}"
    help = "write one for each `->` and two for each `<->`, separated by commas"

    expected: str
    given: int


@dataclass(frozen=True)
class UnknownChoice(Diagnostic):
    """A word where only a few are possible."""

    code = "CRN209"
    message = "unknown {what} `{name}`"
    note = "known: {known}"
    help = "{fix}"

    what: str
    name: str
    known: str
    fix: str


@dataclass(frozen=True)
class TimeInConstant(Diagnostic):
    """`t` where a plain number is needed."""

    code = "CRN210"
    message = "`{name}` is the time, but a number that never changes is needed here"
    help = "put `t` into the rate: `@ k*(1 + sin(t))`"

    name: str


@dataclass(frozen=True)
class NotWhole(Diagnostic):
    """A count that is not a whole number."""

    code = "CRN211"
    message = "{what} must be {wanted}, not {value}"

    what: str
    wanted: str
    value: str


@dataclass(frozen=True)
class NotFinite(Diagnostic):
    """An expression without a finite value."""

    code = "CRN212"
    message = "{what} has no finite value (it is {value})"
    help = "look for a division by zero, a logarithm of 0 or a very large power"

    what: str
    value: str


@dataclass(frozen=True)
class BadQuery(Diagnostic):
    """A question with a wrong or missing part."""

    code = "CRN213"
    message = "{reason}"
    help = "{fix}"

    reason: str
    fix: str


@dataclass(frozen=True)
class BadTimes(Diagnostic):
    """Times or steps that cannot be used."""

    code = "CRN214"
    message = "{reason}"
    help = "write times as `40`, `[1, 5, 10]` or `0:40:0.5`"

    reason: str


@dataclass(frozen=True)
class Repeated(Diagnostic):
    """A statement that may stand only once."""

    code = "CRN215"
    message = "`{word}` stands here a second time"
    help = "keep one of the two"

    word: str
    first: Span

    def related(self) -> tuple[tuple[Span, str], ...]:
        return ((self.first, "first here"),)


@dataclass(frozen=True)
class TooLong(Diagnostic):
    """An expression that grows too large once functions are written out."""

    code = "CRN216"
    message = "this expression is too large once its functions are written out"
    label = "more than {limit} parts, or nested deeper than {depth}"

    limit: int
    depth: int


@dataclass(frozen=True)
class BadRange(Diagnostic):
    """A range whose ends are the wrong way round, or that cannot be logarithmic."""

    code = "CRN217"
    message = "{reason}"

    reason: str


@dataclass(frozen=True)
class NoHeader(Diagnostic):
    """A file without `crn 1`."""

    code = "CRN218"
    severity = "warning"
    message = "this file does not say which version of the language it is written in"
    help = "make `crn 1` the first line"


@dataclass(frozen=True)
class WrongVersion(Diagnostic):
    """A file of another version of the language."""

    code = "CRN219"
    message = "this is version {version} of the language; crnlang reads version 1"
    help = "write `crn 1`, or use a crnlang that knows this version"

    version: str


@dataclass(frozen=True)
class LateHeader(Diagnostic):
    """`crn 1` somewhere below the first statement."""

    code = "CRN220"
    message = "`crn` must be the first statement of the file"
    help = "move it up; only comments may stand above it"


@dataclass(frozen=True)
class OutsideRange(Diagnostic):
    """A parameter outside the range that the file itself gives."""

    code = "CRN221"
    severity = "warning"
    message = "`{name}` = {value} lies outside its own range {low}..{high}"
    help = "change the value, or the range"

    name: str
    value: str
    low: str
    high: str


@dataclass(frozen=True)
class RepeatedCatalyst(Diagnostic):
    """`via E` where E is already a reactant or product."""

    code = "CRN222"
    message = "`{name}` is named by `via` and by the reaction itself"
    help = "write it on both sides instead of `via`"

    name: str


@dataclass(frozen=True)
class UsedTooEarly(Diagnostic):
    """A declaration that uses itself or what is declared below it."""

    code = "CRN223"
    message = "`{name}` is used here before it is declared"
    help = "a declaration may use only what stands above it: move this one down"

    name: str
    declared: Span

    def related(self) -> tuple[tuple[Span, str], ...]:
        return ((self.declared, "declared here"),)


@dataclass(frozen=True)
class BadSetting(Diagnostic):
    """A setting of a `solve` block that its engine cannot use."""

    code = "CRN501"
    message = "{reason}"
    help = "{fix}"

    reason: str
    fix: str


@dataclass(frozen=True)
class SettingTwice(Diagnostic):
    """One setting given twice in a `solve` block."""

    code = "CRN502"
    message = "`{name}` is set twice in this block"
    help = "keep one of the two"

    name: str
    first: Span

    def related(self) -> tuple[tuple[Span, str], ...]:
        return ((self.first, "first set here"),)


@dataclass(frozen=True)
class AfterTheRuns(Diagnostic):
    """A query for a time that no run of the file reaches."""

    code = "CRN503"
    severity = "warning"
    message = "no run of this file reaches t = {time}"
    note = "its `solve` blocks end at t = {end}"
    help = "lengthen a run: `t = 0..{time}`"

    time: str
    end: str


@dataclass(frozen=True)
class Unanswered(Diagnostic):
    """A query that the engines of the file cannot answer."""

    code = "CRN504"
    severity = "warning"
    message = "no `solve` block of this file can answer `{kind}`"
    note = "engines that can: {engines}"
    help = "add a block: `solve passage with {engine} {{ t = 0..{end} }}`"

    kind: str
    engines: str
    engine: str
    end: str
