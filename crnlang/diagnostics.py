"""Source text, spans and diagnostics: what is wrong, where, why, and the fix.

A diagnostic is data. Its *class* owns the code, the severity and the words (templates
that are filled from the instance's fields); its *instance* owns the place and the
facts. Nothing else in the package formats text for the user about a `.crn` file.
"""

import difflib
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from typing import ClassVar, Literal

Severity = Literal["error", "warning"]

#: What a network can lack because a statement of the file could not be read.
Missing = Literal["species", "reactions", "times"]

#: A line is shown up to so many columns around the place of a diagnostic.
LONGEST_LINE = 240

#: Names are compared letter by letter up to this length, and with so many others.
LONGEST_NAME, MOST_COMPARED = 100, 300

#: More diagnostics than this are counted, not shown.
MOST_SHOWN = 100


@dataclass(frozen=True)
class SourceText:
    """The text of one `.crn` file and the path it is reported under."""

    path: str
    text: str = field(repr=False)

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offset of the first character of every line."""
        breaks = [i + 1 for i, char in enumerate(self.text) if char == "\n"]
        return (0, *breaks)

    def locate(self, offset: int) -> tuple[int, int]:
        """1-based line and column of a character offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Text of the 1-based line `number`, without its line break."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start : end if end >= 0 else len(self.text)].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of character offsets `start..end` in one source text."""

    source: SourceText = field(repr=False)
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters that the span covers."""
        return self.source.text[self.start : self.end]

    def to(self, other: "Span") -> "Span":
        """The span from the start of this one to the end of `other`."""
        return Span(self.source, self.start, max(self.end, other.end))


@dataclass(frozen=True)
class Diagnostic:
    """One thing that is wrong (or doubtful) at one place of a source text.

    Subclasses set the class-level templates; `{name}` in a template is filled from
    the instance's fields. An empty template prints nothing. `also` are other places of
    the same fault.
    """

    code: ClassVar[str]
    severity: ClassVar[Severity] = "error"
    message: ClassVar[str]
    label: ClassVar[str] = ""
    note: ClassVar[str] = ""
    help: ClassVar[str] = ""

    span: Span
    also: tuple[Span, ...] = field(default=(), kw_only=True)

    def facts(self) -> dict[str, object]:
        """The instance's fields, by name, as the templates see them."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {k: _shortened(v) if isinstance(v, str) else v for k, v in found.items()}

    def related(self) -> tuple[tuple[Span, str], ...]:
        """Other places that explain this one, each with a label."""
        return ()

    def note_text(self) -> str:
        """The reason, one sentence; empty for none."""
        return self.note.format_map(self.facts())

    def help_text(self) -> str:
        """The fix, one sentence; empty for none."""
        return self.help.format_map(self.facts())

    def fault(self) -> Hashable:
        """What tells this fault from others; it is told once, at its first place."""
        return self

    def sort_key(self) -> tuple[str, int, int, str]:
        """Order of appearance: file, then place, then code."""
        return (self.span.source.path, self.span.start, self.span.end, self.code)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each fault once, in order of place."""
    faults: dict[Hashable, list[Diagnostic]] = {}
    for diagnostic in sorted(diagnostics, key=Diagnostic.sort_key):
        faults.setdefault(diagnostic.fault(), []).append(diagnostic)
    return tuple(
        replace(first, also=tuple(other.span for other in others)) if others else first
        for first, *others in faults.values()
    )


class Refusal(Exception):
    """Something that cannot be done; the text tells the user why and what to do.

    `exit_code` is what the command line ends with.
    """

    exit_code: int


class CrnError(Refusal):
    """A `.crn` file that cannot be used: every fault of it once, in order of place."""

    exit_code = 1

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = in_order(diagnostics)
        super().__init__(render_all(self.diagnostics))


def suggest(name: str, known: Iterable[str]) -> str:
    """`did you mean ...?` for the known name nearest to `name`, or an empty text."""
    names = tuple(known)
    near = _close_matches(name, names, 1)
    if not near:
        lowered = {candidate.lower(): candidate for candidate in names}
        near = [lowered[name.lower()]] if name.lower() in lowered else []
    return f"did you mean `{near[0]}`?" if near else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The one known name that `name` must have meant; empty for none, and for several.

    Nearer by case alone, or clearly nearer than any other.
    """
    names = tuple(known)
    same = _sorted_names(names).by_case.get(name.lower(), ())
    if len(same) == 1:
        return same[0]
    near = _close_matches(name, names, 2)
    closeness = [difflib.SequenceMatcher(None, one, name).ratio() for one in near]
    is_clear = len(near) == 1 or (len(near) == 2 and closeness[0] > closeness[1])
    return near[0] if is_clear else ""


def _close_matches(name: str, known: tuple[str, ...], most: int) -> list[str]:
    """The nearest known names; among very many, only those that are a letter off."""
    near = list(known)
    if len(known) > MOST_COMPARED:
        near = [
            one for one in _sorted_names(known).sharing(name) if _is_close(name, one)
        ]
    near = [one for one in near[:MOST_COMPARED] if len(one) <= LONGEST_NAME]
    if len(name) > LONGEST_NAME:
        return []
    return difflib.get_close_matches(name, near, n=most, cutoff=0.6)


@dataclass(frozen=True)
class _SortedNames:
    """Names, to be found by their first or last letters, or whatever their case."""

    forward: list[str]
    backward: list[str]
    by_case: dict[str, list[str]]

    def sharing(self, name: str) -> list[str]:
        """Those with one half of the name as it is, at most a letter longer or shorter.

        What is a letter off has one of the halves.
        """
        half = len(name) // 2
        ends = _beginning(self.backward, name[half + 1 :][::-1])
        both = {*_beginning(self.forward, name[:half]), *(one[::-1] for one in ends)}
        return sorted(one for one in both if abs(len(one) - len(name)) < 2)


def _beginning(names: list[str], start: str) -> list[str]:
    """Those of sorted names that begin so."""
    end = bisect_right(names, start + chr(sys.maxunicode))
    return names[bisect_left(names, start) : end]


@lru_cache(maxsize=4)
def _sorted_names(known: tuple[str, ...]) -> _SortedNames:
    """Names sorted once for all that are not among them."""
    by_case: dict[str, list[str]] = {}
    for one in known:
        by_case.setdefault(one.lower(), []).append(one)
    return _SortedNames(sorted(known), sorted(one[::-1] for one in known), by_case)


def _is_close(name: str, other: str) -> bool:
    """Whether a letter less, more or other makes one name the other."""
    pairs = enumerate(zip(name, other, strict=False))
    same = next((i for i, (one, two) in pairs if one != two), len(name))
    rest, other_rest = name[same:], other[same:]
    return rest[1:] in (other_rest, other_rest[1:]) or rest == other_rest[1:]


def listing(names: Iterable[str], most: int = 12) -> str:
    """The names, comma-separated; cut after `most` with a count of the rest."""
    all_names = list(names)
    shown = ", ".join(all_names[:most])
    rest = len(all_names) - most
    return f"{shown} and {rest} more" if rest > 0 else shown or "none"


def render(diagnostic: Diagnostic) -> str:
    """One diagnostic as text: `path:line:col: error[CRNnnn]: ...`, place, why, fix."""
    source = diagnostic.span.source
    line, column = source.locate(diagnostic.span.start)
    words = diagnostic.facts()
    lines = [
        f"{source.path}:{line}:{column}: {diagnostic.severity}[{diagnostic.code}]: "
        f"{diagnostic.message.format_map(words)}"
    ]
    lines += _excerpt(diagnostic.span, diagnostic.label.format_map(words), "^")
    for span, label in diagnostic.related():
        lines += _excerpt(span, label, "-")
    if note := diagnostic.note_text():
        lines.append(f"note: {note}")
    places = {source.locate(span.start)[0]: None for span in diagnostic.also}
    if others := [str(number) for number in places if number != line]:
        word = "line" if len(others) == 1 else "lines"
        lines.append(f"note: the same on {word} {listing(others)}")
    if help_ := diagnostic.help_text():
        lines.append(f"help: {help_}")
    return "\n".join(lines)


def render_all(diagnostics: Iterable[Diagnostic]) -> str:
    """The diagnostics as text, blank lines between, with a closing count of all."""
    found = list(diagnostics)
    counts: list[str] = []
    for severity in ("error", "warning"):
        count = sum(d.severity == severity for d in found)
        if count:
            counts.append(f"{count} {severity}{'s' if count > 1 else ''}")
    if len(found) > MOST_SHOWN:
        counts.append(f"the first {MOST_SHOWN} are shown")
    return "\n\n".join([*map(render, found[:MOST_SHOWN]), ", ".join(counts)])


def _excerpt(span: Span, label: str, mark: str) -> list[str]:
    """The source line of a span with marks under it; tabs are kept so they line up."""
    if not span.source.text:
        return []
    line, column = span.source.locate(span.start)
    whole = span.source.line(line)
    first = max(0, column - 1 - LONGEST_LINE // 3) if len(whole) > LONGEST_LINE else 0
    text = "".join(map(_visible, whole[first : first + LONGEST_LINE]))
    if first:
        text, column = f"...{text}", column - first + 3
    width = max(1, min(span.end - span.start, len(text) - column + 1))
    pad = "".join(char if char == "\t" else " " for char in text[: column - 1])
    pad += " " * (column - 1 - len(pad))
    gutter = " " * len(str(line))
    underline = f"{gutter} | {pad}{mark * width} {label}".rstrip()
    return [f"{gutter} |", f"{line} | {text}".rstrip(), underline]


def _shortened(text: str) -> str:
    """The text; without its middle where it is longer than any that makes sense."""
    if len(text) <= 2 * LONGEST_LINE:
        return text
    return f"{text[:LONGEST_LINE]} ... {text[-LONGEST_LINE // 4 :]}"


def _visible(char: str) -> str:
    """No control character reaches the terminal, but for the tab."""
    return char if char.isprintable() or char == "\t" else "\N{REPLACEMENT CHARACTER}"


class Report:
    """Collects the diagnostics of one compilation, so that all are told at once.

    It also knows which places of the text cannot be relied on: those with an error, and
    those that a stage has marked because they lean on one. A later stage leaves them
    out in silence, so no error is told that is only the echo of another.
    """

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}
        #: For every character of each text, by its path.
        self._is_bad: dict[str, bytearray] = {}
        self._missing: set[Missing] = set()

    def add(self, diagnostic: Diagnostic) -> None:
        """Remember a diagnostic; nothing is raised yet."""
        self._found[diagnostic] = None
        if diagnostic.severity == "error":
            self.distrust(diagnostic.span)

    def distrust(self, *places: Span) -> None:
        """Mark places that are not at fault themselves but lean on an error."""
        for place in places:
            end = max(place.end, place.start + 1)
            marks = self._is_bad.setdefault(place.source.path, bytearray())
            marks.extend(bytes(max(0, end - len(marks))))
            marks[place.start : end] = b"\1" * (end - place.start)

    def is_sound(self, place: Span) -> bool:
        """Whether no error and no mark lies in this place."""
        marks = self._is_bad.get(place.source.path, b"")
        return marks.find(1, place.start, place.end) < 0

    def leave_out(self, *kinds: Missing) -> None:
        """Remember that something of these kinds is missing from the network."""
        self._missing.update(kinds)

    def lacks(self, kind: Missing) -> bool:
        """Whether something of this kind is missing from the network."""
        return kind in self._missing

    def stop_on_errors(self) -> None:
        """Raise `CrnError` with everything found, if there is an error among it."""
        if any(d.severity == "error" for d in self._found):
            raise CrnError(self._found)

    @property
    def count(self) -> int:
        """How many faults have been added so far."""
        return len(self._found)

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        """Every fault so far once, in order of place."""
        return in_order(self._found)
