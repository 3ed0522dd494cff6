"""How a run goes, told in its directory while it goes, for whoever watches it.

`checkpoint/progress.json` is replaced now and then. It is for people to look at: it is
not flushed to the disc, nothing depends on it, and a run goes on without it.
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from crnlang.results.checkpoint import FOLDER

PROGRESS = "progress.json"


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    `began` and `written` are seconds since 1970. `step` are the numbers of the last
    step, with their names in `StepInfo`, none before the first. `steps_a_second` and
    `time_a_second`, model time, are those of the last steps, 0 where not known. Of the
    `part` of a run that takes no steps `number` of `total` are done. The last
    `messages` come last.
    """

    model: str
    engine: str
    until: float
    began: float
    written: float
    step: Mapping[str, float]
    steps_a_second: float = 0.0
    time_a_second: float = 0.0
    part: str = ""
    number: int = 0
    total: int = 0
    messages: tuple[str, ...] = ()

    def seconds_left(self) -> float | None:
        """How long the rest takes at the present pace, if that is known."""
        if not (self.step and self.time_a_second > 0):
            return None
        return max(self.until - self.step["t"], 0.0) / self.time_a_second


def write_progress(directory: Path, progress: Progress) -> None:
    """Replace the file; where it cannot be written the old one stays."""
    path = directory / FOLDER / PROGRESS
    draft = path.with_name(f".{PROGRESS}.{os.getpid()}.partial")
    values = asdict(replace(progress, written=time.time()))
    with suppress(OSError):
        draft.write_text(json.dumps(values), encoding="utf-8")
        draft.replace(path)


def read_progress(directory: Path) -> Progress | None:
    """What was last written; `None` where there is nothing, or nothing readable."""
    try:
        text = (directory / FOLDER / PROGRESS).read_text(encoding="utf-8")
        values = json.loads(text)
        return Progress(**{**values, "messages": tuple(values["messages"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
