"""Settings of the engines that stand for themselves: exact law, trajectories."""

from dataclasses import dataclass

from crnlang.settings.base import KeptSettings, Settings, option


@dataclass(frozen=True)
class FspSettings(Settings):
    """Finite state projection: the law on all states of the box, or on those needed."""

    states: str = option(
        "auto",
        "every reachable state (`box`), or a set that follows the law (`adaptive`); "
        "`auto` takes the box where it has at most `max_states`",
        choices=("auto", "box", "adaptive"),
    )
    truncation: float = option(
        1e-5, "largest error that an adaptive set may cost", low=1e-10, high=0.1
    )
    tolerance: float = option(
        1e-10, "error bound of the time integration on a box", above=0, high=1e-2
    )
    max_states: int = option(
        2_000_000, "refuse a set of states larger than this", low=1, high=50_000_000
    )


@dataclass(frozen=True)
class SsaSettings(KeptSettings):
    """Gillespie's direct method: exact trajectories."""

    trajectories: int = option(10_000, "number of trajectories", low=1)


@dataclass(frozen=True)
class WeSettings(KeptSettings):
    """Weighted ensemble: trajectories with weights, split and merged; rare events."""

    along: str = option(
        "auto",
        "observable along which the bins lie; `auto`: for each question an ensemble of "
        "its own, along the distance from the states that it asks for",
        choices=("auto",),
        names="observable",
    )
    bins: int = option(40, "bins that walkers are shared out among", low=1, high=10_000)
    walkers: int = option(20, "walkers in each bin that any are in", low=1)
    resamplings: int = option(
        200, "times that walkers are split and merged, evenly over the run", low=1
    )
    repeats: int = option(
        10, "independent ensembles; their spread is the error", low=2, high=10_000
    )


@dataclass(frozen=True)
class OdeSettings(Settings):
    """Rate equations: means only, without noise, and no distribution."""

    solver: str = option(
        "kvaerno5",
        "implicit, for fast and slow rates together (`kvaerno5`), or explicit "
        "(`tsit5`); both of order 5",
        choices=("kvaerno5", "tsit5"),
    )
    tolerance: float = option(
        1e-8, "error of a step as a share of each mean", above=0, high=0.1
    )
    absolute: float = option(
        1e-8, "error of a step in copies, where a mean is near zero", above=0, high=1
    )
    max_steps: int = option(100_000, "give up after this many steps", low=1)
