"""The run directory: what is in it, how it is made and never overwritten.

    model.crn       the model as it was run
    settings.json   every setting, resolved, with the engine's name
    versions.json   versions, platform, command line, where the model came from
    result.zarr     one labelled xarray dataset: see `dataset`
    manifest.json   the SHA-256 sum of every other file, so that damage is noticed

and whatever files the engine adds (weights). A run is there once its manifest is: all
is written elsewhere, then renamed, the manifest last. Until then, and where the run was
stopped from outside, there is a folder `checkpoint`: see `checkpoint`.
"""

import hashlib
import importlib.metadata
import json
import platform
import secrets
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from crnlang.results import checkpoint
from crnlang.results.checkpoint import WriteError
from crnlang.results.dataset import load_dataset, save_dataset
from crnlang.results.record import RunData, RunError

MODEL, SETTINGS, VERSIONS = "model.crn", "settings.json", "versions.json"
RESULT, MANIFEST = "result.zarr", "manifest.json"
#: The libraries whose versions are recorded where they are loaded.
LIBRARIES = (
    "numpy",
    "scipy",
    "numba",
    "xarray",
    "zarr",
    "jax",
    "jaxlib",
    "equinox",
    "diffrax",
)


@dataclass(frozen=True, slots=True)
class RunFiles:
    """What was run: the text of the model, the settings, versions and command line."""

    model: str
    settings: dict[str, Any]
    versions: dict[str, Any]


def create_run_directory(out: Path | None, model: str, engine: str) -> Path:
    """Make the empty directory of a run, so that its place is known to be writable.

    Without `out`: `runs/MODEL-ENGINE-YYYYmmdd-HHMMSS-xxxx` below the current folder.

    Raises:
        RunError: `out` holds something, or is a file.
        WriteError: it cannot be made.
    """
    if out is None:
        now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        out = Path("runs") / f"{model}-{engine}-{now}-{secrets.token_hex(2)}"
    _refuse_unless_empty(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(
            f"cannot make the run directory {out}: {error.strerror}; "
            "choose another with `--out`"
        ) from error
    return out


def _refuse_unless_empty(path: Path) -> None:
    """Raise `RunError` where writing to `path` would touch something."""
    if path.is_file():
        raise RunError(f"{path} is a file; choose a new directory with `--out`")
    if path.is_dir() and any(path.iterdir()):
        raise RunError(
            f"{path} is not empty, and a run never overwrites; choose a new directory "
            "with `--out`, or move this one away"
        )


def write_run(
    directory: Path,
    data: RunData,
    model: str,
    settings: Mapping[str, Any],
    extra_files: Mapping[str, bytes] | None = None,
    file: str = "",
) -> Path:
    """Write a whole run into a directory; hand back its path.

    The directory is empty, missing, or of a run that has begun; what such a run has
    written is replaced by what it has become. `model` is the text of the `.crn` file,
    `file` is where that was; `extra_files` are the engine's own files by name.

    Raises:
        RunError: the directory holds something else.
        WriteError: it cannot be written; what was there is there.
    """
    has_begun = checkpoint.is_begun(directory)
    if not has_begun:
        _refuse_unless_empty(directory)
    whole = directory.absolute()
    hidden = whole.with_name(f".{whole.name}.{secrets.token_hex(4)}.partial")
    draft = whole / checkpoint.FOLDER / "draft" if has_begun else hidden
    try:
        shutil.rmtree(draft, ignore_errors=True)  # of a process that was killed
        draft.mkdir(parents=True)
        (draft / MODEL).write_text(model, encoding="utf-8")
        (draft / SETTINGS).write_text(_as_json(dict(settings)), encoding="utf-8")
        save_dataset(data, draft / RESULT)
        about = versions() | ({"file": str(Path(file).absolute())} if file else {})
        (draft / VERSIONS).write_text(_as_json(about), encoding="utf-8")
        for name, content in (extra_files or {}).items():
            (draft / name).write_bytes(content)
        (draft / MANIFEST).write_text(_as_json(_sums(draft)), encoding="utf-8")
        _settle(draft, whole)
    except OSError as error:
        raise WriteError(
            f"cannot write the run directory {directory}: {error.strerror or error}"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return directory


def _settle(draft: Path, whole: Path) -> None:
    """Move a written run to its place, all at once or the manifest last."""
    if draft.parent == whole.parent:
        if whole.is_dir():
            whole.rmdir()
        draft.rename(whole)
        return
    names = sorted(child.name for child in draft.iterdir())
    (whole / MANIFEST).unlink(missing_ok=True)
    for name in [*(name for name in names if name != MANIFEST), MANIFEST]:
        if (whole / name).is_dir():
            shutil.rmtree(whole / name)
        (draft / name).replace(whole / name)
    checkpoint.sync_folder(whole)


def read_run(path: Path) -> RunData:
    """The record of a run, after its files were checked against their sums.

    Raises:
        RunError: the directory is missing, foreign or damaged.
    """
    check_run(path)
    return load_dataset(path / RESULT)


def read_files(path: Path) -> RunFiles:
    """What was run, after the files were checked against their sums.

    Raises:
        RunError: the directory is missing, foreign or damaged.
    """
    check_run(path)
    return _files(path)


def read_whole(path: Path) -> tuple[RunData, RunFiles]:
    """The record of a run and what was run, checked against their sums once.

    Raises:
        RunError: the directory is missing, foreign or damaged.
    """
    check_run(path)
    return load_dataset(path / RESULT), _files(path)


def _files(path: Path) -> RunFiles:
    return RunFiles(
        model=(path / MODEL).read_text(encoding="utf-8"),
        settings=json.loads((path / SETTINGS).read_text(encoding="utf-8")),
        versions=json.loads((path / VERSIONS).read_text(encoding="utf-8")),
    )


def is_overtaken(path: Path) -> bool:
    """Whether a checkpoint is newer than the result: the run was continued since."""
    state = checkpoint.state_file(path)
    result = (path / MANIFEST).stat().st_mtime
    return state.is_file() and state.stat().st_mtime > result


def check_run(path: Path) -> None:
    """Raise `RunError` unless the directory holds a run, whole and unchanged."""
    if not path.exists():
        raise RunError(f"there is no run at {path}; `crnc run` makes one below runs/")
    if not (path / MANIFEST).is_file():
        raise RunError(
            f"{path} is not a run directory (it has no {MANIFEST}); "
            "give a directory that `crnc run` made"
        )
    try:
        expected = dict(json.loads((path / MANIFEST).read_text(encoding="utf-8")))
    except ValueError as error:
        raise RunError(f"{path} is damaged: {MANIFEST} cannot be read") from error
    for name, total in expected.items():
        file = path / name
        if not file.is_file():
            raise RunError(f"{path} is damaged: {name} is missing; run the model again")
        if _sum(file) != total:
            raise RunError(
                f"{path} is damaged: {name} was changed after the run; run the model "
                "again"
            )


def versions() -> dict[str, Any]:
    """Versions of everything that made the numbers, the platform, the command line."""
    found = {name: _version(name) for name in LIBRARIES if name in sys.modules}
    return {
        "crnlang": _version("crnlang"),
        "python": platform.python_version(),
        **found,
        "platform": platform.platform(),
        "command": list(sys.argv),
    }


def library_versions() -> dict[str, str]:
    """Versions of all that the numbers may depend on, loaded or not."""
    return {name: _version(name) for name in ("crnlang", *LIBRARIES)}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _as_json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, sort_keys=True) + "\n"


def _sums(directory: Path) -> dict[str, str]:
    """The sum of every file below a directory, by its path."""
    return {
        file.relative_to(directory).as_posix(): _sum(file)
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }


def _sum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
