"""A watcher that writes down in the run directory how the run goes."""

import time
from collections import deque
from dataclasses import asdict, replace
from pathlib import Path

from crnlang.pipeline.choose import Choice
from crnlang.pipeline.found import Watcher
from crnlang.results.progress import Progress, read_progress, write_progress
from crnlang.solve.outcome import StepInfo

#: Seconds between two writings.
EVERY = 1.0
#: The pace is that of so many steps; the first step holds the compilation.
PACE_STEPS = 20
MOST_MESSAGES = 5


class ProgressWriter:
    """Tells another watcher, and the file in the directory at most once a second."""

    def __init__(
        self, watcher: Watcher, directory: Path, model: str, choice: Choice
    ) -> None:
        self.watcher = watcher
        self.directory = directory
        self.marks: deque[tuple[float, float]] = deque(maxlen=PACE_STEPS + 1)
        self.spoken = time.monotonic()
        now, until = time.time(), choice.settings.until
        last = read_progress(directory)  # of a run that is continued
        step = last.step if last else {}
        self.progress = Progress(model, choice.engine, until, now, now, step)
        write_progress(directory, self.progress)

    def trouble(self, sentence: str) -> None:
        """Hand it on, and keep the last ones."""
        self.watcher.trouble(sentence)
        messages = (*self.progress.messages, sentence)[-MOST_MESSAGES:]
        self._write(replace(self.progress, messages=messages), is_due=True)

    def step(self, info: StepInfo) -> None:
        """Hand it on, with the pace of the last steps."""
        now = time.monotonic()
        self.marks.append((info.t, now))
        numbers = {key: one for key, one in asdict(info).items() if key != "stage"}
        progress = replace(self.progress, step=numbers)
        (t_then, then), elapsed = self.marks[0], now - self.marks[0][1]
        if elapsed > 0:
            progress = replace(
                progress,
                steps_a_second=(len(self.marks) - 1) / (now - then),
                time_a_second=(info.t - t_then) / (now - then),
            )
        self._write(progress, is_due=not self.progress.step)
        self.watcher.step(info)

    def part(self, part: str, number: int, total: int) -> None:
        """Hand it on; it is written first, for the run may end there."""
        is_new = part != self.progress.part
        told = replace(self.progress, part=part, number=number, total=total)
        self._write(told, is_due=is_new)
        self.watcher.part(part, number, total)

    def _write(self, progress: Progress, *, is_due: bool) -> None:
        self.progress = progress
        now = time.monotonic()
        if is_due or now - self.spoken >= EVERY:
            write_progress(self.directory, progress)
            self.spoken = now
