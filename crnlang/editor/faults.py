"""Diagnostics as an editor shows them: a range in this file, and all words in one."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from crnlang.compiler import Analysis
from crnlang.diagnostics import Diagnostic, Severity, SourceText, Span
from crnlang.frontend import ast


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to underline; `related` are other places with what they say."""

    span: Span
    severity: Severity
    code: str
    message: str
    related: tuple[tuple[Span, str], ...] = ()


def find_faults(analysis: Analysis) -> list[Fault]:
    """Every error and warning, also at the other places of the same fault.

    One of an imported file stands where that file is imported.
    """
    found: list[Fault] = []
    for diagnostic in analysis.found:
        fault = Fault(
            diagnostic.span,
            diagnostic.severity,
            diagnostic.code,
            _words(diagnostic),
            diagnostic.related(),
        )
        found += [
            _at_home(replace(fault, span=span), analysis.program)
            for span in (diagnostic.span, *diagnostic.also)
        ]
    return found


def _words(diagnostic: Diagnostic) -> str:
    """What is wrong, why, and the fix, a line each."""
    facts = diagnostic.facts()
    label = diagnostic.label.format_map(facts)
    note, help_ = diagnostic.note_text(), diagnostic.help_text()
    lines = [
        diagnostic.message.format_map(facts) + (f": {label}" if label else ""),
        f"note: {note}" if note else "",
        f"help: {help_}" if help_ else "",
    ]
    return "\n".join(filter(None, lines))


def _at_home(fault: Fault, program: ast.Program) -> Fault:
    """The fault at a place of this file that an editor can underline."""
    source = program.source
    if fault.span.source.path == source.path:
        return replace(fault, span=_visible(fault.span))
    imports = [s for s in program.statements if isinstance(s, ast.ImportStatement)]
    place = _import_of(fault.span.source.path, imports, source)
    words = f"in `{fault.span.source.path}`: {fault.message}"
    related = ((fault.span, "here"), *fault.related)
    return replace(fault, span=place, message=words, related=related)


def _import_of(
    path: str, imports: Iterable[ast.ImportStatement], source: SourceText
) -> Span:
    """The import of a file; the first where another file imports it."""
    first = Span(source, 0, min(1, len(source.text)))
    folder = Path(source.path).parent
    places = {
        str(folder / one.file.path): one.file.span for one in reversed([*imports])
    }
    return places.get(path, next(reversed(places.values()), first))


def _visible(span: Span) -> Span:
    """The span; an empty one with the character before it, or else behind it."""
    if span.start < span.end:
        return span
    text, start = span.source.text, span.start
    if start and text[start - 1] != "\n":
        return replace(span, start=start - 1)
    return replace(span, end=min(start + 1, len(text)))
