"""A file in which caps may be missing, and the same file with other caps.

For `crnc bounds`: where all that is wrong with a file is that species have no caps, the
caps that the message proposes stand in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from crnlang.compiler import analyse_text, decode
from crnlang.diagnostics import CrnError, Report, Span
from crnlang.frontend.ast import Program, SpeciesDeclaration
from crnlang.ir.lowered import LoweredNetwork
from crnlang.passes import run_passes
from crnlang.passes.errors import CapTooLow, NoCap
from crnlang.pipeline.rewrite import outside_modules, rewrite

#: Where declarations stand in a file, and what is to stand there.
Declaration = tuple[Span, list[str]]


@dataclass(frozen=True, eq=False)
class Uncapped:
    """A file with stand-ins for the caps of the species in `missing`."""

    program: Program
    lowered: LoweredNetwork
    missing: frozenset[str]

    @property
    def text(self) -> str:
        """The file as it is."""
        return self.program.source.text


def compile_uncapped(path: Path) -> Uncapped:
    """Compile a file in which caps may be missing.

    Raises:
        CrnError: something else is wrong with it.
        FileTooLargeError: it is larger than any model.
    """
    found = analyse_text(decode(path.read_bytes(), str(path)), str(path))
    errors = [one for one in found.found if one.severity == "error"]
    caps = {
        place.text: one.cap
        for one in errors
        if isinstance(one, NoCap)
        for place in (one.span, *one.also)
    }
    if any(not isinstance(one, NoCap) for one in errors):
        raise CrnError(one for one in found.found if not isinstance(one, CapTooLow))
    if found.lowered is not None:
        return Uncapped(found.program, found.lowered, frozenset())
    species = tuple(
        replace(one, cap=caps[one.name]) if one.name in caps else one
        for one in found.network.species
    )
    network = replace(found.network, species=species)
    return Uncapped(found.program, run_passes(network, Report()), frozenset(caps))


def declarations(program: Program, caps: Mapping[str, int]) -> list[Declaration]:
    """The declarations with other caps, each with the place that it stands in for.

    One that declares species of different caps becomes several. Species of modules are
    not among them.
    """
    found: list[Declaration] = []
    for statement in outside_modules(program):
        if not isinstance(statement, SpeciesDeclaration):
            continue
        groups: dict[int, list[str]] = {}
        for name in statement.names:
            groups.setdefault(caps[name.text], []).append(name.text)
        end = statement.names[-1].span.end
        if statement.bounds is not None:
            end = statement.bounds.span.end
        rest = statement.span.source.text[end : statement.span.end]
        lines = [
            f"species {', '.join(group)} in 0..{cap}{rest}"
            for cap, group in groups.items()
        ]
        found.append((statement.span, lines))
    return found


def with_declarations(program: Program, caps: Mapping[str, int]) -> str:
    """The text of the file with other caps, all else as it was."""
    changes = [(span, "; ".join(lines)) for span, lines in declarations(program, caps)]
    return rewrite(program, changes)
