"""Checkpoints of a neural run in its directory: written, and read."""

from functools import partial
from pathlib import Path

from crnlang.nn.base import AbstractAutoregressive
from crnlang.pipeline.keeping import TimedWriter
from crnlang.results.checkpoint import damaged, read_state
from crnlang.solve.state import Checkpoint, pack, unpack


class TimedKeeper(TimedWriter):
    """Writes checkpoints now and then, at save times if that is cheap."""

    def keep(self, checkpoint: Checkpoint) -> None:
        """Write one."""
        self.write(partial(pack, checkpoint))


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
        raise damaged(directory, error) from error
