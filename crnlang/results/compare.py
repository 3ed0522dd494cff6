"""Two runs compared: Hellinger distances, differences of means and deviations.

H^2 = 1/2 sum (sqrt p - sqrt q)^2 is 0 for equal laws and 1 for laws without a common
state. An empirical law of N samples on K counts is at H^2 of about (K - 1) / (8 N) from
its own law (other where counts are rarely seen, see `noise`): no run of samples can
come closer than this noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from crnlang.results.noise import Noise, sampling_noise
from crnlang.results.record import Pair, RunData, RunError

#: Two save times this close, relative to the larger, are the same.
TIME_TOLERANCE = 1e-9
#: The chance that two equal runs of samples are said to differ.
FALSE_ALARM = 1e-3
#: An overlap, sum sqrt(p q), above 1 by at most this much is rounding.
ROUNDING = 1e-9

PerTime = Float[np.ndarray, " times"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Run `a` against run `b` at their common times, for their common species.

    `means` and `sds` hold the differences b - a. `noise` is the Hellinger distance that
    finite samples alone would give, 0 between exact laws; its keys are species and
    pairs. `limit` is the largest that they would give: the chance that equal laws
    exceed it anywhere, at any time, is at most `FALSE_ALARM`. `only_a` and `only_b`
    are the species that the other run lacks.
    """

    times: PerTime
    marginals: Mapping[str, PerTime]
    joints: Mapping[Pair, PerTime]
    means: Mapping[str, PerTime]
    sds: Mapping[str, PerTime]
    noise: Mapping[str | Pair, PerTime]
    limit: Mapping[str | Pair, PerTime]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]

    @property
    def distances(self) -> dict[str | Pair, PerTime]:
        """The Hellinger distances of marginals and joints together."""
        return {**self.marginals, **self.joints}

    @property
    def worst(self) -> tuple[str | Pair, int]:
        """The law, and the position of the time, of the largest distance."""
        found = self.distances
        key = max(found, key=lambda one: float(found[one].max()))
        return key, int(found[key].argmax())

    @property
    def max_hellinger(self) -> float:
        """The largest distance of all."""
        key, place = self.worst
        return float(self.distances[key][place])

    def is_noise(self) -> bool:
        """Whether no distance is larger than what finite samples explain."""
        return all(
            bool((distance <= self.limit[key] + 1e-12).all())
            for key, distance in self.distances.items()
        )

    @property
    def clearest(self) -> tuple[str | Pair, int]:
        """The law, and the position of the time, furthest above its limit."""
        excess = {key: d - self.limit[key] for key, d in self.distances.items()}
        key = max(excess, key=lambda one: float(excess[one].max()))
        return key, int(excess[key].argmax())

    def verdict(self, tolerance: float) -> str:
        """One sentence for the user."""
        key, place = self.worst
        level = float(self.noise[key][place])
        largest = f"the largest Hellinger distance is {self._told(key, place)}"
        noise = f"finite samples alone give about {level:.2g} there"
        if self.max_hellinger <= tolerance:
            known = f"; {noise}" if level else ""
            return f"The runs agree: {largest}, within {tolerance:g}{known}."
        if self.is_noise():
            return (
                f"The runs cannot be told apart: {largest}, above {tolerance:g}, but "
                f"{noise}; compare sharper with more samples."
            )
        return f"The runs differ: {largest}, above {tolerance:g}{self._evidence()}."

    def _evidence(self) -> str:
        """Where the runs differ most clearly; nothing to say between exact laws."""
        key, place = self.clearest
        most = float(self.limit[key][place])
        if not most:
            return ""
        if (key, place) == self.worst:
            return f"; finite samples alone give at most {most:.2g} there"
        found = self._told(key, place)
        return f"; {found}, where finite samples alone give at most {most:.2g}"

    def _told(self, key: str | Pair, place: int) -> str:
        """One distance for people."""
        distance = float(self.distances[key][place])
        return f"{distance:.2g} ({label(key)} at t = {self.times[place]:g})"

    def as_json(self) -> dict[str, object]:
        """Plain values: times, distances by species and by `A,B`, differences."""
        return {
            "times": self.times.tolist(),
            "marginals": {name: d.tolist() for name, d in self.marginals.items()},
            "joints": {",".join(pair): d.tolist() for pair, d in self.joints.items()},
            "max_hellinger": self.max_hellinger,
            "means": {name: d.tolist() for name, d in self.means.items()},
            "sds": {name: d.tolist() for name, d in self.sds.items()},
        }


def label(key: str | Pair) -> str:
    """The name of a law for people: a species, or a pair in brackets."""
    return key if isinstance(key, str) else f"({', '.join(key)})"


def hellinger(p: Float[np.ndarray, "*axes"], q: Float[np.ndarray, "*axes"]) -> float:
    """The Hellinger distance of two laws on the same table, exactly 0 for the same.

    Raises:
        RunError: the laws overlap by more than 1, so they are not normalised.
    """
    p, q = np.asarray(p, float), np.asarray(q, float)
    overlap = float(np.sqrt(p * q).sum())
    if overlap > 1.0 + ROUNDING:
        raise RunError(
            f"two laws overlap by {overlap:.9f}, more than 1, so one of them is not "
            "normalised; the run that holds it is wrong"
        )
    squared = float(((np.sqrt(p) - np.sqrt(q)) ** 2).sum()) / 2
    return float(np.sqrt(min(squared, 1.0)))


def compare_runs(a: RunData, b: RunData) -> Comparison:
    """Compare two runs; species, times and joints that only one has are left out.

    Raises:
        RunError: the runs share no species or no save time, or one knows means only.
    """
    for run in (a, b):
        run.need_law("distribution that could be compared")
    common = [name for name in a.names if name in b.names]
    if not common:
        raise RunError(
            "the runs share no species: the first has "
            f"{', '.join(a.names)}, the second {', '.join(b.names)}"
        )
    pairs = _common_times(a, b)
    joints = {
        pair: (mine, theirs)
        for pair in {frozenset(p): p for p in [*b.joints, *a.joints]}.values()
        if (mine := a.joint(pair)) is not None and (theirs := b.joint(pair)) is not None
    }
    laws: dict[str | Pair, tuple[np.ndarray, np.ndarray]] = {
        **{name: (a.marginal(name), b.marginal(name)) for name in common},
        **joints,
    }
    distances = {key: _distances(*tables, pairs) for key, tables in laws.items()}
    noise = {key: _noise(a, b, *tables, pairs) for key, tables in laws.items()}
    chance = FALSE_ALARM / (len(laws) * len(pairs))
    return Comparison(
        times=a.times[[i for i, _ in pairs]],
        marginals={key: d for key, d in distances.items() if isinstance(key, str)},
        joints={key: d for key, d in distances.items() if not isinstance(key, str)},
        means={
            name: _differences(a, b, a.means, b.means, name, pairs) for name in common
        },
        sds={name: _differences(a, b, a.sds, b.sds, name, pairs) for name in common},
        noise={k: np.array([n.expected for n in noise[k]]) for k in laws},
        limit={k: np.array([n.limit(chance) for n in noise[k]]) for k in laws},
        only_a=tuple(name for name in a.names if name not in b.names),
        only_b=tuple(name for name in b.names if name not in a.names),
    )


def _common_times(a: RunData, b: RunData) -> list[tuple[int, int]]:
    """Positions in both runs of the times that they share."""
    pairs = []
    for i, time in enumerate(a.times):
        j = int(np.abs(b.times - time).argmin())
        if abs(b.times[j] - time) <= TIME_TOLERANCE * max(abs(time), abs(b.times[j])):
            pairs.append((i, j))
    if pairs:
        return pairs
    raise RunError(
        f"the runs share no save time: the first saved {_span(a)}, the second "
        f"{_span(b)}; run one again with the `save` of the other"
    )


def _span(run: RunData) -> str:
    return f"{len(run.times)} times in {run.times[0]:g}..{run.times[-1]:g}"


def _distances(p: np.ndarray, q: np.ndarray, pairs: list[tuple[int, int]]) -> PerTime:
    """The distance at each common time; tables of unequal caps are padded with 0."""
    return np.array([hellinger(*_padded(p[i], q[j])) for i, j in pairs])


def _padded(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    shape = np.maximum(p.shape, q.shape)
    widened = [
        np.pad(one, [(0, int(s) - n) for s, n in zip(shape, one.shape, strict=True)])
        for one in (p, q)
    ]
    return widened[0], widened[1]


def _differences(
    a: RunData,
    b: RunData,
    of_a: Float[np.ndarray, "times_a species_a"],
    of_b: Float[np.ndarray, "times_b species_b"],
    name: str,
    pairs: list[tuple[int, int]],
) -> PerTime:
    """What b has more than a, of one species at the common times."""
    mine, theirs = of_a[:, a.names.index(name)], of_b[:, b.names.index(name)]
    return np.array([theirs[j] - mine[i] for i, j in pairs])


def _noise(
    a: RunData, b: RunData, p: np.ndarray, q: np.ndarray, pairs: list[tuple[int, int]]
) -> list[Noise]:
    """What finite samples make of equal laws, at each common time."""
    return [
        sampling_noise(*_padded(p[i], q[j]), a.samples[i], b.samples[j])
        for i, j in pairs
    ]
