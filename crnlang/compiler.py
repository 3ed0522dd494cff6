"""Text -> LoweredNetwork: the front half of the house, free of JAX.

| stage              | from            | to               | errors            |
|--------------------|-----------------|------------------|-------------------|
| `parse_program`    | source text     | `ast.Program`    | CRN1xx            |
| `expand_modules`   | `ast.Program`   | `ast.Program`    | CRN42x            |
| `resolve_program`  | `ast.Program`   | `Names`          | CRN2xx            |
| `lower_program`    | `ast.Program`   | `ir.Network`     | CRN2xx and CRN5xx |
| `run_passes`       | `ir.Network`    | `LoweredNetwork` | CRN3xx            |

Every stage runs, whatever the stages before it have found, and reports what it finds in
the sound part of the file; so all errors of a file are told at once.
"""

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crnlang.diagnostics import (
    CrnError,
    Diagnostic,
    Refusal,
    Report,
    SourceText,
    Span,
)
from crnlang.frontend.ast import Program
from crnlang.frontend.lower import lower_program
from crnlang.frontend.modules import expand_modules
from crnlang.frontend.names import Names
from crnlang.frontend.parse import parse_program
from crnlang.frontend.resolve import resolve_program
from crnlang.frontend.syntax_errors import NotText
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import Network
from crnlang.passes import run_passes

#: Largest file that is read, in bytes.
MAX_BYTES = 16_000_000


class FileTooLargeError(Refusal):
    """A file that cannot be a model; it is not even read."""

    exit_code = 1

    def __init__(self, path: str, size: int) -> None:
        super().__init__(
            f"{path} has {size / 1e6:.0f} MB, more than {MAX_BYTES // 1_000_000}: is "
            "it really a `.crn` file? Tables belong into files of their own"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Compilation:
    """A compiled file: every stage's result, and the warnings."""

    program: Program
    network: Network
    lowered: LoweredNetwork
    warnings: tuple[Diagnostic, ...]

    def __repr__(self) -> str:
        variables = len(self.lowered.space.names)
        return (
            f"<model {self.network.name}: {variables} copy numbers, "
            f"{len(self.network.reactions)} reactions>"
        )


@dataclass(frozen=True, eq=False)
class Analysis:
    """What can be known of a file, right or wrong.

    Where it is wrong, `lowered` is `None`, and `network` holds what the sound
    statements say, with stand-ins for what they need of the others.
    """

    program: Program
    names: Names
    network: Network
    lowered: LoweredNetwork | None
    report: Report

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        """Every error and warning once, in order of place."""
        return self.report.found


def analyse_text(text: str, path: str = "<text>") -> Analysis:
    """Take the text of a `.crn` file through all stages, whatever they find."""
    with _uncollected():
        return _analyse(text, path)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No search for garbage meanwhile: trees grow and stay, and it would be searched.

    A third of the time of a file of 100 000 statements.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _analyse(text: str, path: str) -> Analysis:
    source, report = SourceText(path, text), Report()
    program = parse_program(source, report)
    written_out = expand_modules(program, report)
    names = resolve_program(written_out, report)
    network = lower_program(written_out, names, report)
    try:
        lowered = run_passes(network, report)
    except CrnError:
        lowered = None
    return Analysis(program, names, network, lowered, report)


def compile_text(text: str, path: str = "<text>") -> Compilation:
    """Compile the text of a `.crn` file; `path` is what errors call it.

    Raises:
        CrnError: the text is no valid network; it carries every diagnostic.
    """
    found = analyse_text(text, path)
    if found.lowered is None:
        raise CrnError(found.found)
    return Compilation(found.program, found.network, found.lowered, found.found)


def compile_file(path: Path | str) -> Compilation:
    """Compile a `.crn` file.

    Raises:
        CrnError: the file is no valid network, or no UTF-8 text.
        FileTooLargeError: it is larger than any model.
        OSError: the file cannot be read.
    """
    size = Path(path).stat().st_size
    if size > MAX_BYTES:
        raise FileTooLargeError(str(path), size)
    return compile_text(decode(Path(path).read_bytes(), str(path)), str(path))


def decode(content: bytes, path: str) -> str:
    """The text of a file; `path` is what errors call it.

    Raises:
        CrnError: it is no UTF-8 text, or holds a zero byte.
        FileTooLargeError: it is longer than any model.
    """
    if len(content) > MAX_BYTES:
        raise FileTooLargeError(path, len(content))
    try:
        text = content.decode("utf-8-sig")
        bad = text.find("\0")
    except UnicodeDecodeError as error:
        text, bad = "", error.start
    if bad >= 0:
        raise CrnError([NotText(Span(SourceText(path, ""), 0, 0), bad)])
    return text
