"""What a run cost: seconds of compiling and of running, and memory at its peak."""

import sys
import time
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall seconds of compiling (JAX or numba) and of all else; bytes at the peak."""

    compile_seconds: float
    run_seconds: float
    peak_memory_bytes: int | None

    def as_plain(self) -> dict[str, float | int | None]:
        """JSON-ready values."""
        return asdict(self)


class Clock:
    """Measures wall time from its making, and how much of it went into compiling."""

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.compiling: list[tuple[float, float]] = []

    def add_compiling(self, seconds: float) -> None:
        """Count seconds that end now; what lay inside them counts once."""
        end = time.perf_counter()
        start = end - seconds
        while self.compiling and self.compiling[-1][0] >= start:
            self.compiling.pop()
        self.compiling.append((start, end))

    def cost(self) -> Cost:
        """The cost so far."""
        total = time.perf_counter() - self.started
        compiling = sum(end - start for start, end in self.compiling)
        return Cost(compiling, max(total - compiling, 0.0), peak_memory())


def peak_memory() -> int | None:
    """Largest resident memory of this process so far; `None` where unknown."""
    if sys.platform == "win32":
        return None
    import resource  # here, because Windows has none

    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024
