"""A run directory -> whether the run goes on, has ended, or was broken off."""

import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from crnlang.results import checkpoint
from crnlang.results.progress import Progress, read_progress
from crnlang.results.record import RunData
from crnlang.results.run_directory import MANIFEST, is_overtaken, read_run
from crnlang.settings import ENGINES, KeptSettings

#: A run that has begun takes its lock within so many seconds.
TO_START = 5.0


class State(Enum):
    """What a run is doing."""

    RUNNING = "running"
    ENDED = "ended"  #: it has a result, complete or not
    BROKEN = "broken off"  #: it was killed, or crashed, or the machine went down
    GONE = "gone"  #: there was one, and it left nothing


@dataclass(frozen=True, eq=False)
class Look:
    """One look at a run: `progress` as it was last told, `data` once it has ended."""

    state: State
    progress: Progress | None
    data: RunData | None = None
    engine: str = ""

    @property
    def can_be_continued(self) -> bool:
        """Whether `crnc resume` can go on from here."""
        is_kept = issubclass(ENGINES.get(self.engine, object), KeptSettings)
        is_complete = self.data is not None and self.data.status == "complete"
        return is_kept and not is_complete


def look_at(directory: Path, *, was_seen: bool = False) -> Look:
    """What a run is doing; `was_seen` says that there was one before.

    Raises:
        RunError: there is no run, or it is damaged.
    """
    progress = read_progress(directory)
    if checkpoint.is_begun(directory):
        if checkpoint.is_held(directory) or _is_about_to_start(directory, progress):
            return Look(State.RUNNING, progress)
        engine = str(checkpoint.read_begun(directory).settings["engine"])
        if (directory / MANIFEST).is_file() and not is_overtaken(directory):
            data = read_run(directory)
            return Look(State.ENDED, progress, data, engine)
        return Look(State.BROKEN, progress, engine=engine)
    if was_seen and not (directory / MANIFEST).is_file():
        return Look(State.GONE, progress)
    return Look(State.ENDED, progress, read_run(directory))


def _is_about_to_start(directory: Path, progress: Progress | None) -> bool:
    """Whether it has begun just now and tells nothing yet."""
    begun = directory / checkpoint.FOLDER / checkpoint.BEGUN
    return progress is None and time.time() - begun.stat().st_mtime < TO_START
