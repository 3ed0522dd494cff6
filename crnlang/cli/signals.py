"""Signals that end a run: after its step, or at once; their exit codes."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from crnlang.diagnostics import Refusal
from crnlang.pipeline.found import READING, Watcher
from crnlang.solve.outcome import StepInfo

#: Ctrl-C, and what batch systems send before they kill.
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Refusal):
    """A run was ended from outside and nothing new was written of it."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(sentence)


class Stopping:
    """Whether a signal came, which one, and what to do at once.

    A patient run ends after its step; the second signal, and the first to another run,
    ends it where it is.
    """

    def __init__(self, *, is_patient: bool) -> None:
        self.number = 0
        self.is_patient = is_patient

    @property
    def exit_code(self) -> int:
        """128 and the number of the signal: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self.number or signal.SIGINT)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        is_first = self.number == 0
        self.number = number
        if not (is_first and self.is_patient):
            raise KeyboardInterrupt
        text = "\nstopping after this step; once more stops at once\n"
        os.write(2, text.encode())  # print may be in the middle of something


class StoppableWatcher:
    """A watcher that ends the run after a step where a signal came."""

    def __init__(self, watcher: Watcher, stopping: Stopping) -> None:
        self.trouble = watcher.trouble
        self.watcher = watcher
        self.stopping = stopping

    def step(self, info: StepInfo) -> None:
        """Tell of the step, and end the run if it shall."""
        self.watcher.step(info)
        self._end()

    def part(self, part: str, number: int, total: int) -> None:
        """Tell of it, and end the run if it shall and can go on from here."""
        self.watcher.part(part, number, total)
        if part != READING:
            self._end()

    def _end(self) -> None:
        if self.stopping.number:
            raise KeyboardInterrupt


@contextmanager
def stopping(*, is_patient: bool) -> Iterator[Stopping]:
    """Handle signals inside the block, also where the shell had Ctrl-C ignored.

    A shell does so for what it starts in the background (`crnc run ... &`).
    """
    found = Stopping(is_patient=is_patient)
    if threading.current_thread() is not threading.main_thread():
        yield found  # only the main thread may handle signals
        return
    before = {number: signal.signal(number, found) for number in SIGNALS}
    try:
        yield found
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
