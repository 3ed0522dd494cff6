"""Checkpoints of a neural run in its directory: when they are written, and read."""

import time
from pathlib import Path

from crnlang.nn.base import AbstractAutoregressive
from crnlang.pipeline.found import Watcher
from crnlang.results.checkpoint import FOLDER, STATE, read_state, replace_file
from crnlang.results.record import RunError
from crnlang.solve.state import Checkpoint, pack, unpack

#: At a save time a checkpoint is written where it takes less than this share of the
#: time since the last one; the first is taken to cost so many seconds.
SHARE, FIRST = 0.01, 0.02


class TimedKeeper:
    """Writes a checkpoint every so many seconds, and at save times if it is cheap.

    One that cannot be written is told once; the run goes on, the last one stays.
    """

    def __init__(self, directory: Path, seconds: float, watcher: Watcher) -> None:
        self.directory = directory
        self.seconds = seconds
        self.watcher = watcher
        self.written = time.monotonic()
        self.cost = FIRST
        self.has_failed = False

    def is_due(self, *, is_saved: bool) -> bool:
        """Whether to write one now; `is_saved` at a save time."""
        elapsed = time.monotonic() - self.written
        return elapsed >= self.seconds or (is_saved and self.cost < SHARE * elapsed)

    def keep(self, checkpoint: Checkpoint) -> None:
        """Write one."""
        begun = time.monotonic()
        try:
            replace_file(self.directory / FOLDER / STATE, pack(checkpoint))
        except OSError as error:
            if not self.has_failed:
                self.watcher.trouble(
                    f"no checkpoint can be written into {self.directory}: "
                    f"{error.strerror or error}; the run goes on without"
                )
            self.has_failed = True
        self.written = time.monotonic()
        self.cost = self.written - begun


def last_checkpoint(
    directory: Path, model: AbstractAutoregressive
) -> Checkpoint | None:
    """Where the run in a directory stands; `None` where it is at its start.

    Raises:
        RunError: the file is damaged.
    """
    content = read_state(directory)
    if content is None:
        return None
    try:
        return unpack(content, model)
    except ValueError as error:
        raise RunError(
            f"{directory} cannot be continued: its checkpoint is damaged ({error}); "
            "run the model again"
        ) from error
