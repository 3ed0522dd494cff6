"""Text -> LoweredNetwork: the front half of the house, free of JAX.

| stage              | from            | to               | errors            |
|--------------------|-----------------|------------------|-------------------|
| `parse_program`    | source text     | `ast.Program`    | CRN1xx            |
| `resolve_program`  | `ast.Program`   | names checked    | CRN2xx            |
| `lower_program`    | `ast.Program`   | `ir.Network`     | CRN2xx and CRN5xx |
| `run_passes`       | `ir.Network`    | `LoweredNetwork` | CRN3xx            |

Each stage reports all that it finds; the first stage with an error is the last to run.
"""

from dataclasses import dataclass
from pathlib import Path

from crnlang.diagnostics import CrnError, Diagnostic, Report, SourceText, Span
from crnlang.frontend.ast import Program
from crnlang.frontend.lower import lower_program
from crnlang.frontend.parse import parse_program
from crnlang.frontend.resolve import resolve_program
from crnlang.frontend.syntax_errors import NotText
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import Network
from crnlang.passes import run_passes


@dataclass(frozen=True, eq=False)
class Compilation:
    """A compiled file: every stage's result, and the warnings."""

    program: Program
    network: Network
    lowered: LoweredNetwork
    warnings: tuple[Diagnostic, ...]


def compile_text(text: str, path: str = "<text>") -> Compilation:
    """Compile the text of a `.crn` file; `path` is what errors call it.

    Raises:
        CrnError: the text is no valid network; it carries every diagnostic.
    """
    source, report = SourceText(path, text), Report()
    program = parse_program(source, report)
    report.stop_on_errors()
    resolve_program(program, report)
    report.stop_on_errors()
    network = lower_program(program, report)
    report.stop_on_errors()
    lowered = run_passes(network, report)
    return Compilation(program, network, lowered, report.warnings())


def compile_file(path: Path | str) -> Compilation:
    """Compile a `.crn` file.

    Raises:
        CrnError: the file is no valid network, or no UTF-8 text.
        OSError: the file cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = Span(SourceText(str(path), ""), 0, 0)
        raise CrnError([NotText(start, error.start)]) from None
    return compile_text(text, str(path))
