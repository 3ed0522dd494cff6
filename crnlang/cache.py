"""Where files are kept that only save time."""

import os
from pathlib import Path


def cache_directory() -> Path | None:
    """`crnlang` below `XDG_CACHE_HOME` or `~/.cache`; `None` for a user without a home.

    It may not exist yet.
    """
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    try:
        caches = Path(chosen) if chosen else Path.home() / ".cache"
    except RuntimeError:
        return None
    return caches / "crnlang"
