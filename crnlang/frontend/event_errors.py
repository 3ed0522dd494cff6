"""Errors of events (CRN41x): their words."""

from dataclasses import dataclass

from crnlang.diagnostics import Diagnostic


@dataclass(frozen=True)
class BadEvent(Diagnostic):
    """An event that cannot happen, or not like this."""

    code = "CRN410"
    message = "{reason}"
    note = "an event happens at a fixed time, or when copy numbers reach a condition"
    help = "{fix}"

    reason: str
    fix: str
