"""The exact engines: finite state projection, and Gillespie trajectories."""

from crnlang.ir.lowered import LoweredNetwork
from crnlang.pipeline.cost import Clock
from crnlang.pipeline.found import Found
from crnlang.reference.fsp import solve_fsp
from crnlang.reference.ssa import sample_ssa
from crnlang.results.summary import Snapshot
from crnlang.settings import FspSettings, SsaSettings


def run_fsp(lowered: LoweredNetwork, settings: FspSettings) -> Found:
    """The exact law at the save times.

    Raises:
        WitnessError: too many states, a wrong propensity, or a tolerance not reached.
    """
    found = solve_fsp(lowered, settings)
    snapshots = tuple(
        Snapshot(float(time), found.states, law, is_exact=True)
        for time, law in zip(found.times, found.probabilities, strict=True)
    )
    return Found(snapshots, leak=found.leak)


def run_ssa(lowered: LoweredNetwork, settings: SsaSettings, clock: Clock) -> Found:
    """Exact trajectories at the save times; numba's compilation goes to the clock.

    Raises:
        WitnessError: a wrong propensity, or one without a bound in time.
    """
    found = sample_ssa(lowered, settings)
    clock.add_compiling(found.compile_seconds)
    snapshots = tuple(
        Snapshot(float(time), found.counts[:, place, :])
        for place, time in enumerate(found.times)
    )
    return Found(snapshots, leak=found.leak.mean(axis=0))
