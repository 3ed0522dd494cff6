"""Errors of modules and imports (CRN42x): their words."""

from dataclasses import dataclass

from crnlang.diagnostics import Diagnostic


@dataclass(frozen=True)
class BadModule(Diagnostic):
    """A module, or a use of one, that makes no sense."""

    code = "CRN420"
    message = "{reason}"
    help = "{fix}"

    reason: str
    fix: str


@dataclass(frozen=True)
class BadImport(Diagnostic):
    """A file that cannot be imported."""

    code = "CRN421"
    message = "`{path}` cannot be imported: {reason}"
    note = "the path starts at the folder of this file"
    help = "{fix}"

    path: str
    reason: str
    fix: str
