"""Two runs compared: Hellinger distances, differences of means and deviations.

H(p, q) = sqrt(1 - sum sqrt(p q)) is 0 for equal laws and 1 for laws without a common
state. An empirical law of N samples on K counts is at H^2 of about (K - 1) / (8 N) from
its own law (more where counts are rarely seen, see `expected_noise`): no run of
samples can come closer than this noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import lgamma

import numpy as np
from jaxtyping import Float

from crnlang.results.record import Pair, RunData, RunError

#: Two save times this close, relative to the larger, are the same.
TIME_TOLERANCE = 1e-9
#: A distance below this many times the expected noise is called noise.
NOISE_FACTOR = 1.5
#: 1 - sum sqrt(p q) below zero by at most this much is rounding.
ROUNDING = 1e-9

PerTime = Float[np.ndarray, " times"]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Run `a` against run `b` at their common times, for their common species.

    `means` and `sds` hold the differences b - a. `noise` is the Hellinger distance that
    finite samples alone would give, 0 between exact laws; its keys are species and
    pairs. `only_a` and `only_b` are the species that the other run lacks.
    """

    times: PerTime
    marginals: Mapping[str, PerTime]
    joints: Mapping[Pair, PerTime]
    means: Mapping[str, PerTime]
    sds: Mapping[str, PerTime]
    noise: Mapping[str | Pair, PerTime]
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
            bool((distance <= NOISE_FACTOR * self.noise[key] + 1e-12).all())
            for key, distance in self.distances.items()
        )

    def verdict(self, tolerance: float) -> str:
        """One sentence for the user."""
        key, place = self.worst
        level = float(self.noise[key][place])
        largest = (
            f"the largest Hellinger distance is {self.max_hellinger:.2g} "
            f"({label(key)} at t = {self.times[place]:g})"
        )
        noise = f"finite samples alone give about {level:.2g} there"
        if self.max_hellinger <= tolerance:
            known = f"; {noise}" if level else ""
            return f"The runs agree: {largest}, within {tolerance:g}{known}."
        if level and self.is_noise():
            return (
                f"The runs cannot be told apart: {largest}, above {tolerance:g}, but "
                f"{noise}; compare sharper with more samples."
            )
        known = f", and {noise}" if level else ""
        return f"The runs differ: {largest}, above {tolerance:g}{known}."

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
    """The Hellinger distance of two laws on the same table.

    Raises:
        RunError: the laws overlap by more than 1, so they are not normalised.
    """
    rest = 1.0 - float(np.sqrt(p * q).sum())
    if rest < -ROUNDING:
        raise RunError(
            f"two laws overlap by {1 - rest:.9f}, more than 1, so one of them is not "
            "normalised; the run that holds it is wrong"
        )
    return float(np.sqrt(max(rest, 0.0)))


def compare_runs(a: RunData, b: RunData) -> Comparison:
    """Compare two runs; species, times and joints that only one has are left out.

    Raises:
        RunError: the runs share no species or no save time.
    """
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
    return Comparison(
        times=a.times[[i for i, _ in pairs]],
        marginals={key: d for key, d in distances.items() if isinstance(key, str)},
        joints={key: d for key, d in distances.items() if not isinstance(key, str)},
        means={
            name: _differences(a, b, a.means, b.means, name, pairs) for name in common
        },
        sds={name: _differences(a, b, a.sds, b.sds, name, pairs) for name in common},
        noise={key: _noise(a, b, *tables, pairs) for key, tables in laws.items()},
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
    a: RunData,
    b: RunData,
    p: np.ndarray,
    q: np.ndarray,
    pairs: list[tuple[int, int]],
) -> PerTime:
    """The distance expected of samples of one law, at each common time."""
    return np.array(
        [
            expected_noise(*_padded(p[i], q[j]), a.samples[i], b.samples[j])
            for i, j in pairs
        ]
    )


def expected_noise(p: np.ndarray, q: np.ndarray, of_p: float, of_q: float) -> float:
    """The distance expected between laws that differ by finite samples only.

    The law behind both is the exact one or, between two runs of samples, their pooled
    law r; the expected overlap is sum E sqrt(p) E sqrt(q), with Poisson counts.
    """
    if np.isinf(of_p) and np.isinf(of_q):
        return 0.0
    if np.isinf(of_p) or np.isinf(of_q):
        law = p if np.isinf(of_p) else q
    else:
        law = (of_p * p + of_q * q) / (of_p + of_q)
    law = law[law > 0]
    overlap = float((_mean_root(law, of_p) * _mean_root(law, of_q)).sum())
    return float(np.sqrt(max(1.0 - overlap, 0.0)))


def _mean_root(law: Float[np.ndarray, " cells"], samples: float) -> np.ndarray:
    """E sqrt(n / N) for n Poisson with mean N p, up to the terms in 1 / (N p)^3.

    Above 30 expected samples by expansion, below by interpolating the sum. The total N
    is fixed, not Poisson: hence the last factor, its own mean root.
    """
    if np.isinf(samples):
        return np.sqrt(law)
    expected = law * samples
    n = np.arange(1, 120)
    grid = np.linspace(0, np.sqrt(30), 400) ** 2
    factorials = np.array([lgamma(k + 1) for k in n.tolist()])
    logs = n * np.log(np.maximum(grid, 1e-300))[:, None] - grid[:, None] - factorials
    table = (np.sqrt(n) * np.exp(logs)).sum(axis=1)
    small = np.interp(expected, grid, table)
    inverse = 1 / np.maximum(expected, 30)
    large = np.sqrt(expected) * (1 - inverse / 8 - 7 * inverse**2 / 128)
    fixed_total = 1 - 1 / (8 * samples)
    return np.where(expected < 30, small, large) / np.sqrt(samples) / fixed_total
