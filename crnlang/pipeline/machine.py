"""What the machine gives to a process: cores, memory, room on disc, and their limits.

Containers are told from the files of Linux's control groups (version 2, else 1).
"""

import os
import shutil
import tempfile
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
#: A limit of memory above this is none.
NO_LIMIT = 2**60


def cores() -> int:
    """The cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def allowed_cores(groups: Path = GROUPS) -> float | None:
    """The cores that a container may keep busy; `None` where nothing limits them."""
    words = _read(groups / "cpu.max").split()
    if not words:
        quota = _read(groups / "cpu" / "cpu.cfs_quota_us")
        words = [quota, _read(groups / "cpu" / "cpu.cfs_period_us")]
    try:
        quota, period = (float(word) for word in words)
    except ValueError:  # "max", or no such file
        return None
    return quota / period if quota > 0 and period > 0 else None


def available_memory(
    groups: Path = GROUPS, meminfo: Path = Path("/proc/meminfo")
) -> int | None:
    """Bytes that a process can still take; `None` where the system does not tell."""
    free = [_in_meminfo(meminfo, "MemAvailable"), _left_in_group(groups)]
    known = [one for one in free if one is not None]
    return min(known) if known else None


def _in_meminfo(meminfo: Path, key: str) -> int | None:
    for line in _read(meminfo).splitlines():
        name, _, rest = line.partition(":")
        if name == key:
            return int(rest.split()[0]) * 1024
    return None


def _left_in_group(groups: Path) -> int | None:
    """What the limit of a container leaves."""
    for limit, usage in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            most, used = int(_read(groups / limit)), int(_read(groups / usage))
        except ValueError:  # "max", or no such file
            continue
        if most < NO_LIMIT:
            return max(most - used, 0)
    return None


def why_not_writable(directory: Path) -> str:
    """Why no file can be written in a directory, or nothing where one can.

    A directory that does not exist is judged by the nearest one above it that does.
    """
    there = next(one for one in (directory, *directory.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"crnlang")
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def room(directory: Path) -> int:
    """Bytes free on the disc of a directory, or of the nearest one above it."""
    absolute = directory.absolute()
    there = next(one for one in (absolute, *absolute.parents) if one.exists())
    return shutil.disk_usage(there).free


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
