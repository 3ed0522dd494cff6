"""Ledgers of samplings: what `ssa` and `we` have done, in the directory of the run."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np

from crnlang.pipeline.found import Watcher
from crnlang.pipeline.keeping import TimedWriter
from crnlang.reference.ledger import Arrays, Ledger, NoLedger
from crnlang.results.checkpoint import damaged, read_state


class ToldLedger(NoLedger):
    """Keeps nothing, but tells how far each part is."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher

    def note(
        self, part: str, pack: Callable[[], Arrays], number: int, total: int
    ) -> None:
        """Tell it."""
        self.watcher.part(part, number, total)


class KeptLedger:
    """Tells how far each part is, and writes the ledger now and then."""

    def __init__(self, directory: Path, seconds: float, watcher: Watcher) -> None:
        """Open the ledger of a run.

        Raises:
            RunError: the file is damaged.
        """
        self.writer = TimedWriter(directory, seconds, watcher)
        self.watcher = watcher
        self.before = _read(directory)
        self.parts: dict[str, Callable[[], Arrays]] = {}

    def done(self, part: str) -> Arrays | None:
        """What the file has of a part."""
        return self.before.get(part)

    def note(
        self, part: str, pack: Callable[[], Arrays], number: int, total: int
    ) -> None:
        """Write it if that is due, or if the run is to end here.

        Raises:
            KeyboardInterrupt: the run is to end here; it is written.
        """
        self.parts[part] = pack
        is_due = self.writer.is_due(is_saved=True)
        try:
            self.watcher.part(part, number, total)
        except KeyboardInterrupt:
            is_due = True
            raise
        finally:
            if is_due:
                self.writer.write(self._pack)

    def _pack(self) -> bytes:
        """The parts done since the start, those of before the break included."""
        now = {part: pack() for part, pack in self.parts.items()}
        arrays = {
            f"{part}/{name}": one
            for part, found in (self.before | now).items()
            for name, one in found.items()
        }
        stream = BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        return stream.getvalue()


def open_ledger(directory: Path | None, seconds: float, watcher: Watcher) -> Ledger:
    """The ledger of a run; without a directory nothing is kept.

    Raises:
        RunError: the file is damaged.
    """
    if directory is None:
        return ToldLedger(watcher)
    return KeptLedger(directory, seconds, watcher)


class ReadLedger(NoLedger):
    """What the directory of a run has; nothing is noted."""

    def __init__(self, directory: Path) -> None:
        """Read it.

        Raises:
            RunError: the file is damaged.
        """
        self.parts = _read(directory)

    def done(self, part: str) -> Arrays | None:
        """What the file has of a part."""
        return self.parts.get(part)


def _read(directory: Path) -> dict[str, dict[str, np.ndarray]]:
    """The parts in the file, if there is one.

    Raises:
        RunError: it is damaged.
    """
    content = read_state(directory)
    if content is None:
        return {}
    found: dict[str, dict[str, np.ndarray]] = {}
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            for key in file.files:
                part, _, name = key.rpartition("/")
                found.setdefault(part, {})[name] = file[key]
    except Exception as error:  # zipfile, zlib and numpy have many ways to complain
        raise damaged(directory, error) from error
    return found
