"""Compiled programs, kept between runs in the user's cache directory."""

import hashlib
import os
import platform
from pathlib import Path

import jax

from crnlang.cache import cache_directory

#: Programs that compile faster than this, in seconds, are not worth a file.
WORTH_KEEPING = 0.1


def keep_programs() -> None:
    """Let JAX look for programs in the user's cache, and leave new ones there.

    Not where the user has chosen a directory (`JAX_COMPILATION_CACHE_DIR`), wants none
    (`JAX_ENABLE_COMPILATION_CACHE=false`), or where nothing can be written.
    """
    chosen = jax.config.values
    if (
        not chosen["jax_enable_compilation_cache"]
        or chosen["jax_compilation_cache_dir"] is not None
    ):
        return
    directory = program_directory()
    if directory is None:
        return
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(directory, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", str(directory))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", WORTH_KEEPING)


def program_directory() -> Path | None:
    """The place in the user's cache for the programs of this kind of machine.

    A program may use instructions that another processor with the same home directory
    does not have.
    """
    directory = cache_directory()
    return directory / f"{platform.machine()}-{_instructions()}" if directory else None


def _instructions() -> str:
    """A name for what the processor can do, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = [platform.processor()]
    known = sorted({line for line in lines if line.startswith(("flags", "Features"))})
    return hashlib.sha256("\n".join(known or lines[:1]).encode()).hexdigest()[:12]
