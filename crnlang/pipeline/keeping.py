"""When the state of a run is written into its directory, and its writing."""

import time
from collections.abc import Callable
from pathlib import Path

from crnlang.pipeline.found import Watcher
from crnlang.results.checkpoint import replace_file, state_file

#: Where a state is known to be cheap it is written as soon as that takes less than this
#: share of the time since the last one; the first is taken to cost so many seconds.
SHARE, FIRST = 0.01, 0.02


class TimedWriter:
    """Writes a state every so many seconds, and sooner if it is cheap.

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
        """Whether to write one now; `is_saved` where it may be sooner."""
        elapsed = time.monotonic() - self.written
        return elapsed >= self.seconds or (is_saved and self.cost < SHARE * elapsed)

    def write(self, pack: Callable[[], bytes]) -> None:
        """Write what `pack` gives."""
        begun = time.monotonic()
        try:
            replace_file(state_file(self.directory), pack())
        except OSError as error:
            if not self.has_failed:
                self.watcher.trouble(
                    f"no checkpoint can be written into {self.directory}: "
                    f"{error.strerror or error}; the run goes on without"
                )
            self.has_failed = True
        self.written = time.monotonic()
        self.cost = self.written - begun
