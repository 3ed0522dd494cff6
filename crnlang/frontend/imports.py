"""The files that `import` names -> their surface trees."""

import os
from collections.abc import Sequence
from pathlib import Path

from crnlang.diagnostics import Report, SourceText
from crnlang.frontend import ast
from crnlang.frontend.module_errors import BadImport
from crnlang.frontend.parse import parse_program

#: Largest file that is imported, in bytes, and deepest chain of imports.
MAX_BYTES, MAX_DEPTH = 4_000_000, 20


def place_of(file: ast.File) -> str:
    """The path of a file that is named in another, the same for every spelling."""
    return os.path.normpath(Path(file.span.source.path).parent / file.path)


def read_program(
    file: ast.File, files: Sequence[str], report: Report
) -> ast.Program | BadImport:
    """The surface tree of a file, or why there is none.

    `files` are those that are being read: one of them again would be a circle. Syntax
    errors of the file are reported at their places.
    """
    path = Path(file.span.source.path).parent / file.path
    fix = "name another `.crn` file, whose modules you want to use"
    try:
        if path.resolve() in [Path(one).resolve() for one in files]:
            chain = " -> ".join([*map(str, files), str(path)])
            return BadImport(file.span, file.path, f"a circle: {chain}", fix)
        if len(files) > MAX_DEPTH:
            reason = f"more than {MAX_DEPTH} files import one another"
            return BadImport(file.span, file.path, reason, fix)
        if path.stat().st_size > MAX_BYTES:
            reason = f"it is larger than {MAX_BYTES // 1_000_000} MB"
            return BadImport(file.span, file.path, reason, fix)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        return BadImport(file.span, file.path, reason.lower(), fix)
    return parse_program(SourceText(str(path), text), report)
