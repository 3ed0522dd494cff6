"""What a run leaves in its directory while it goes, so that it can be continued.

    checkpoint/model.crn      the model as it is run
    checkpoint/run.json       what was asked for: see `Begun`
    checkpoint/state.npz      where the run stands; missing until it is first written
    checkpoint/lock           held while a process works on the run
    checkpoint/progress.json  how it goes, for people: see `results.progress`

Every file but the last two is written beside its place, flushed to the disc and
renamed: after a crash it is the old one or the new one. The folder goes when the run is
finished.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from crnlang.results.record import RunError

FOLDER, MODEL, BEGUN, STATE, LOCK = (
    "checkpoint",
    "model.crn",
    "run.json",
    "state.npz",
    "lock",
)

#: The lock is tried so often, with so many seconds between.
TRIES, BETWEEN_TRIES = 4, 0.05


class WriteError(RunError):
    """A file cannot be written: the disc is full, or the place not writable."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Begun:
    """What was asked for when a run began.

    `file` is where the model came from, `model` its text, `lowered` the sum of what the
    compiler made of it. `settings` are resolved, with the engine's name; `block` is the
    solve block, if any, `overrides` the settings of the command line; `notes` say what
    was left out; `versions` are those of what computes.
    """

    file: str
    model: str
    lowered: str
    settings: Mapping[str, Any]
    block: str | None
    overrides: tuple[str, ...]
    notes: tuple[str, ...]
    versions: Mapping[str, str]


def begin(directory: Path, begun: Begun) -> None:
    """Write down what is asked for.

    Raises:
        WriteError: it cannot be written.
    """
    folder = directory / FOLDER
    values = asdict(begun)
    model = values.pop("model")
    try:
        folder.mkdir()
        replace_file(folder / MODEL, model.encode())
        replace_file(folder / BEGUN, json.dumps(values, indent=2).encode())
    except OSError as error:
        end(directory)
        raise WriteError(
            f"cannot write the run directory {directory}: {error.strerror or error}"
        ) from error


def read_begun(directory: Path) -> Begun:
    """What was asked for.

    Raises:
        RunError: it is not there, or damaged.
    """
    folder = directory / FOLDER
    try:
        values = json.loads((folder / BEGUN).read_text(encoding="utf-8"))
        model = (folder / MODEL).read_bytes().decode()
        lists = {name: tuple(values[name]) for name in ("overrides", "notes")}
        return Begun(model=model, **{**values, **lists})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"{directory} cannot be continued: what it was asked for cannot be read "
            f"({error}); run the model again"
        ) from error


def state_file(directory: Path) -> Path:
    """Where the last checkpoint is, if there is one."""
    return directory / FOLDER / STATE


def read_state(directory: Path) -> bytes | None:
    """The content of the last checkpoint, if there is one."""
    path = state_file(directory)
    return path.read_bytes() if path.is_file() else None


def damaged(directory: Path, error: Exception) -> RunError:
    """What is told where the last checkpoint cannot be read."""
    return RunError(
        f"{directory} cannot be continued: its checkpoint is damaged ({error}); run "
        "the model again"
    )


def is_begun(directory: Path) -> bool:
    """Whether a run can be continued there, or is going on."""
    return (directory / FOLDER / BEGUN).is_file()


def end(directory: Path) -> None:
    """Remove what is there to continue a run."""
    shutil.rmtree(directory / FOLDER, ignore_errors=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a whole file or leave the old one, whatever happens meanwhile.

    Raises:
        OSError: it cannot be written; the old one is untouched.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with draft.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disc, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Hold the run, so that no other process works on it; a crash lets go of it.

    Raises:
        RunError: another process holds it.
    """
    with (directory / FOLDER / LOCK).open("a+b") as stream:
        try:
            _lock(stream)
        except BlockingIOError as error:
            stream.seek(0)
            process = stream.read().decode() or "unknown"
            raise RunError(
                f"{directory} is being worked on by process {process}; wait for its "
                "end, or stop it"
            ) from error
        except (ImportError, OSError):  # Windows, or a file system without locks
            yield
            return
        stream.truncate(0)
        stream.write(str(os.getpid()).encode())
        stream.flush()
        yield


def _lock(stream: IO[bytes]) -> None:
    """Take the lock; `is_held` of another process may have it for an instant.

    Raises:
        BlockingIOError: another process holds it.
    """
    import fcntl  # here, because Windows has none

    for _ in range(TRIES - 1):
        with suppress(BlockingIOError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(BETWEEN_TRIES)
    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(directory: Path) -> bool:
    """Whether a process works on the run; where no lock can tell, it is taken to."""
    try:
        import fcntl  # as above

        with (directory / FOLDER / LOCK).open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(stream, fcntl.LOCK_UN)
    except FileNotFoundError:
        return False
    except (ImportError, OSError):
        return True
    return False
