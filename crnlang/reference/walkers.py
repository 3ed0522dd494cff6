"""Walkers of weighted ensembles, and what ensembles of them leave behind."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from crnlang.reference.ledger import Arrays


class Walkers(NamedTuple):
    """Trajectories with weights; `repeat` is the ensemble that each belongs to.

    `leak` counts the firings of each that a cap stopped.
    """

    states: Int[np.ndarray, "walkers variables"]
    weights: Float[np.ndarray, " walkers"]
    repeat: Int[np.ndarray, " walkers"]
    leak: Int[np.ndarray, " walkers"]

    def take(self, places: np.ndarray) -> "Walkers":
        """Some of the walkers, by place or by mask."""
        return Walkers(*(column[places] for column in self))

    def mean_leak(self) -> float:
        """How many firings a cap stopped on average."""
        return float(self.weights @ self.leak) / float(self.weights.sum())


@dataclass(frozen=True, eq=False)
class Arrivals:
    """When walkers entered the target, with their weights and ensembles."""

    times: Float[np.ndarray, " arrivals"]
    weights: Float[np.ndarray, " arrivals"]
    repeat: Int[np.ndarray, " arrivals"]


@dataclass(frozen=True, eq=False)
class EnsembleRun:
    """The walkers at each save time, and what entered the target before the end."""

    times: tuple[float, ...]
    walkers: tuple[Walkers, ...]
    arrivals: Arrivals
    repeats: int

    def arrived(self, start: float, end: float) -> Float[np.ndarray, " repeats"]:
        """The weight that entered after `start` and by `end`, at 0 as well."""
        times = self.arrivals.times
        is_in = ((times > start) | (start == 0)) & (times <= end)
        return self._sums(self.arrivals.weights * is_in)

    def exposure(self, start: float, end: float) -> Float[np.ndarray, " repeats"]:
        """The integral over time of the weight that has not entered yet."""
        spent = np.clip(end - np.maximum(self.arrivals.times, start), 0, end - start)
        return end - start - self._sums(self.arrivals.weights * spent)

    def _sums(
        self, values: Float[np.ndarray, " arrivals"]
    ) -> Float[np.ndarray, " repeats"]:
        return np.bincount(self.arrivals.repeat, values, self.repeats).astype(float)


def named(name: str, walkers: Walkers) -> dict[str, np.ndarray]:
    """The parts of walkers under names of their own."""
    return {f"{name}_{part}": one for part, one in walkers._asdict().items()}


def walkers_in(found: Arrays, name: str) -> Walkers:
    """The walkers whose parts have these names."""
    return Walkers(*(found[f"{name}_{part}"] for part in Walkers._fields))


def saved_in(found: Arrays) -> dict[int, Walkers]:
    """The walkers at each save time that was reached, by its place, ascending."""
    marks = [name.split("_") for name in found if name.startswith("saved")]
    places = sorted(
        int(name.removeprefix("saved")) for name, part in marks if part == "states"
    )
    return {place: walkers_in(found, f"saved{place}") for place in places}


def arrivals_in(found: Arrays) -> Arrivals:
    """The arrivals, as they are packed."""
    return Arrivals(found["times"], found["weights"], found["repeat"])
