"""Errors of units and volumes (CRN43x): their words."""

from dataclasses import dataclass

from crnlang.diagnostics import Diagnostic, Span


@dataclass(frozen=True)
class WrongUnit(Diagnostic):
    """A quantity in a unit of the wrong kind."""

    code = "CRN430"
    message = "`{name}` is in [{unit}], but {wanted} is needed here"
    help = "{fix}"

    name: str
    unit: str
    wanted: str
    fix: str


@dataclass(frozen=True)
class BadUnit(Diagnostic):
    """A definition of a unit that makes no sense."""

    code = "CRN433"
    message = "{reason}"
    help = "{fix}"

    reason: str
    fix: str


@dataclass(frozen=True)
class NoVolume(Diagnostic):
    """A constant in concentrations in a file without a volume."""

    code = "CRN431"
    severity = "warning"
    message = "`{name}` is in [{unit}], but this file does not say the volume"
    note = "it is taken as a constant in copy numbers"
    help = "write `volume 1 [fL]`, or give the constant in copy numbers: `[1/s]`"

    name: str
    unit: str


@dataclass(frozen=True)
class OtherTime(Diagnostic):
    """Two units of time in one file."""

    code = "CRN432"
    message = "`{name}` is in [{unit}], but the time of this file is in another unit"
    note = "`t`, the times of queries and all constants have one unit of time"
    help = "write all of them in one unit"

    name: str
    unit: str
    first: Span

    def related(self) -> tuple[tuple[Span, str], ...]:
        return ((self.first, "the time is in this unit"),)
