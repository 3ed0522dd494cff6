"""A few trajectories ahead of a run: where the law goes, and what trajectories cost."""

import time
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from crnlang.reference.ssa import Simulator, sample_ssa
from crnlang.settings import SsaSettings

#: Trajectories of a pilot, and the states of each that are kept in each part of a run.
TRAJECTORIES, SAVED = 256, 16
#: The run is followed to these shares of it, one after the other, for a law may be
#: widest early, ...
SHARES = (1 / 1024, 1 / 128, 1 / 16, 1.0)
#: ... as long as the next of them should take no more than so many seconds.
PATIENCE = 10.0


@dataclass(frozen=True, eq=False)
class Pilot:
    """Trajectories up to the last of `times`, which may be before the end of the run.

    `cost` is the seconds of wall time that one trajectory takes for one unit of time.
    """

    times: Float[np.ndarray, " times"]
    counts: Int[np.ndarray, "trajectories times variables"]
    leak: Int[np.ndarray, "trajectories times"]
    cost: float


def draw_pilot(
    simulator: Simulator,
    until: float,
    seed: int = 0,
    also: tuple[float, ...] = (),
    size: int = TRAJECTORIES,
    saved: int = SAVED,
    *,
    ends_at: Int[np.ndarray, " variables"] | None = None,
) -> Pilot:
    """Trajectories as far as they go in a few seconds; `also` are times to keep.

    The part in which a count comes to `ends_at` is the last.

    Raises:
        WitnessError: a wrong propensity, or one without a bound in time.
    """
    found, grid = None, set[float]()
    for share in SHARES:
        end = share * until
        if found is not None:
            if ends_at is not None and (found.counts >= ends_at).any():
                break
            known = float(found.times[-1])
            if found.cost * len(found.counts) * end > PATIENCE and known > 0:
                break
        grid |= set(np.linspace(0.0, end, saved + 1)[1:].tolist())
        times = tuple(sorted({*grid, *(one for one in also if one <= end)}))
        settings = SsaSettings(until=end, save=times, seed=seed, trajectories=size)
        started = time.perf_counter()
        drawn = sample_ssa(simulator.lowered, settings, simulator=simulator)
        seconds = time.perf_counter() - started
        cost = seconds / (end * size)
        found = Pilot(np.array(times), drawn.counts, drawn.leak, cost)
    assert found is not None
    return found


def with_caps(simulator: Simulator, caps: Int[np.ndarray, " variables"]) -> Simulator:
    """The same method for other caps; nothing is compiled again."""
    batch = simulator.batch
    lowered = simulator.lowered
    *functions, tables = batch.args
    moved = type(batch)(batch.func, *functions, tables._replace(caps=caps))
    space = replace(lowered.space, caps=caps)
    return Simulator(replace(lowered, space=space), moved, 0.0)
