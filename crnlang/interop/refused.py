"""What one format holds and the other does not: every element of it, at once."""

from collections.abc import Iterable
from dataclasses import dataclass

from crnlang.diagnostics import MOST_SHOWN, Refusal


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One element that cannot be taken over; `line` is 0 where it has none."""

    line: int
    element: str
    reason: str


class NotRepresentedError(Refusal):
    """A model that cannot be taken over; the text has every element and its reason."""

    exit_code = 1

    def __init__(self, path: str, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(dict.fromkeys(faults)))
        lines = [_line(path, fault) for fault in self.faults[:MOST_SHOWN]]
        count = len(self.faults)
        shown = f", the first {MOST_SHOWN} are shown" if count > MOST_SHOWN else ""
        lines += ["", f"{count} error{'s' * (count > 1)}{shown}"]
        super().__init__("\n".join(lines))


class CannotHoldError(Exception):
    """Something that the other format does not have; the text is the reason."""


class EchoError(CannotHoldError):
    """Something that leans on what was refused already; it is not told."""


def _line(path: str, fault: Fault) -> str:
    place = f"{path}:{fault.line}" if fault.line else path
    element = f"{fault.element}: " if fault.element else ""
    return f"{place}: error: {element}{fault.reason}"
