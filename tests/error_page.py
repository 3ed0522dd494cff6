"""`docs/errors.md` from the classes of the diagnostics and their bad programs."""

import inspect
from pathlib import Path

import crnlang.compiler  # noqa: F401 - defines every diagnostic
from crnlang.diagnostics import Diagnostic

CASES = Path(__file__).parent / "errors"
#: What the hundreds are about.
CHAPTERS = {
    "CRN1": "Syntax",
    "CRN2": "Names, kinds and values",
    "CRN3": "The network as a whole",
    "CRN4": "Lattices, events, modules and units",
    "CRN5": "Settings of engines",
}
HEAD = """# Errors and warnings

<!-- written by `pytest --update-golden tests/test_errors.py`; do not edit by hand -->

Every error and warning of the compiler by its code, with what `crnc check` says about a
program of the test suite that has it. An error refuses the file; a warning does not. A
message shows the place, the reason (`note`) and a way out (`help`).
"""
LONGEST = 100


def error_page():
    """The text of the page."""
    classes = sorted(Diagnostic.__subclasses__(), key=lambda one: one.code)
    parts = [HEAD]
    chapter = ""
    for one in classes:
        if (title := CHAPTERS[one.code[:4]]) != chapter:
            chapter = title
            parts.append(f"## {title}\n")
        parts.append(_entry(one))
    return "\n".join(parts)


def _entry(one):
    what = inspect.getdoc(one).split("\n\n")[0].replace("\n", " ")
    kind = " (warning)" if one.severity == "warning" else ""
    return f"### {one.code}{kind}\n\n{what}\n\n```\n{_example(one.code)}\n```\n"


def _example(code):
    """What is said about the first bad program of a code, with its lines cut."""
    for path in sorted(CASES.glob(f"{code}_*.err")):
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            if f"[{code}]" in block.split("\n")[0]:
                lines = block.strip("\n").split("\n")
                return "\n".join(
                    line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
                    for line in lines
                )
    raise LookupError(f"no bad program for {code}")
