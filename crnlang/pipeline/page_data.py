"""The numbers of a run as the script of its page reads them: small, ready for JSON.

Laws stand at `times`, the frames of the slider; a witness has `None` where it has not
saved that time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.network import Network
from crnlang.pipeline.drawing import neighbours
from crnlang.pipeline.laws import StatedLaws
from crnlang.pipeline.result import Result
from crnlang.report.coarse import as_plain, bin_counts, bin_table, spread_places
from crnlang.report.coarse import seen_range as seen_in
from crnlang.results.record import Pair, RunData
from crnlang.results.summary import LARGEST_TABLE, TIME_TOLERANCE, table

#: Frames of the slider and bins of a law: the first that keep the page small.
SIZES = ((61, 120), (61, 60), (31, 60), (31, 30), (16, 30))
#: Numbers of all marginals, and of all joint laws, together.
MOST_NUMBERS, MOST_JOINT_NUMBERS = 250_000, 400_000
#: Bins of a side of a joint law, and joint laws at most.
JOINT_BINS, MOST_JOINTS = (48, 32, 24, 16), 8
#: Times of the curves of means.
MOST_TIMES = 201
#: Panels of marginals that are shown at once.
MOST_PANELS = 24


@dataclass(frozen=True, eq=False)
class PageData:
    """The numbers of a run, with those of a witness, if there is one."""

    result: Result
    witness: Result | None
    network: Network | None

    @property
    def data(self) -> RunData:
        """The record of the run."""
        return self.result.data

    @cached_property
    def chosen(self) -> tuple[Int[np.ndarray, " frames"], int, tuple[str, ...]]:
        """The save times that are frames, the bins of a law, the species shown."""
        if not len(self.data.times):
            return np.zeros(0, dtype=int), SIZES[0][1], ()
        ranges = [seen_in(self.data.marginal(name)) for name in self.data.names]
        levels = np.array([last + 1 - first for first, last in ranges])
        runs = 1 if self.witness is None else 2
        numbers = [
            np.minimum(levels, bins) * min(most, len(self.data.times)) * runs
            for most, bins in SIZES
        ]
        fitting = [i for i, each in enumerate(numbers) if each.sum() <= MOST_NUMBERS]
        size = [*fitting, len(SIZES) - 1][0]
        kept = spread_places(
            len(levels), max(int(MOST_NUMBERS / numbers[size].max()), 1)
        )
        frames = spread_places(len(self.data.times), SIZES[size][0])
        return frames, SIZES[size][1], tuple(self.data.names[v] for v in kept)

    @property
    def frames(self) -> Int[np.ndarray, " frames"]:
        """Positions of the save times that are frames of the slider."""
        return self.chosen[0]

    @cached_property
    def partners(self) -> list[int | None]:
        """For each frame, the position of its time among those of the witness."""
        times = self.data.times[self.frames]
        if self.witness is None:
            return [None] * len(times)
        others = self.witness.data.times
        near = [int(np.abs(others - time).argmin()) for time in times]
        return [
            place if np.isclose(others[place], t, rtol=TIME_TOLERANCE, atol=0) else None
            for place, t in zip(near, times, strict=True)
        ]

    def laws(self) -> list[dict[str, Any]]:
        """The marginals of the species that are shown, at every frame."""
        _, bins, names = self.chosen
        return [self._law(name, bins) for name in names]

    def _law(self, name: str, bins: int) -> dict[str, Any]:
        own, other = self.data.marginal(name)[self.frames], None
        low, high = seen_in(own)
        if self.witness is not None and name in self.witness.data.names:
            other = self.witness.data.marginal(name)
            low_w, high_w = seen_in(other)
            low, high = min(low, low_w), max(high, min(high_w, own.shape[1] - 1))
        binned = bin_counts(own, bins, (low, high))
        found: dict[str, Any] = {
            "name": name,
            "low": binned.low,
            "width": binned.width,
            "law": as_plain(binned.law),
        }
        if other is not None:
            wide = max(own.shape[1] - other.shape[1], 0)
            widened = np.pad(other, ((0, 0), (0, wide)))
            law = as_plain(bin_counts(widened, bins, (low, high)).law)
            found["witness"] = [None if k is None else law[k] for k in self.partners]
        return found

    def means(self) -> dict[str, Any]:
        """Means and standard deviations over time, of the species that are shown."""
        names = self.chosen[2]
        found = _means(self.data, names)
        if self.witness is not None:
            common = [name for name in names if name in self.witness.data.names]
            found["witness"] = _means(self.witness.data, common)
        return found

    def lattice(self) -> dict[str, Any] | None:
        """Means at every site as images: the sites, and a table a species."""
        network = self.network
        if network is None or network.lattice is None or network.lattice.sites < 2:
            return None
        shape, sites = network.lattice.shape, network.lattice.sites
        is_row = len(shape) == 1
        kept = network.lattice.kept
        kinds = [
            {
                "name": kind.name,
                "mean": as_plain(self.data.means[self.frames][:, block]),
                "sd": as_plain(self.data.sds[self.frames][:, block]),
            }
            for kind, block in zip(network.species, network.blocks(), strict=True)
            if kind.is_per_site
        ]
        letters = "ijklmn"[: len(shape)]
        return {
            "shape": [1, sites] if is_row else [int(np.prod(shape[:-1])), shape[-1]],
            "sites": list(range(sites) if kept is None or is_row else kept),
            "names": network.lattice.site_labels(),
            "labels": [", ".join(letters[:-1]), letters[-1]],
            "kinds": kinds,
        }

    def joints(self, asked: Sequence[Pair]) -> list[dict[str, Any]]:
        """Joint laws at every frame: those asked for and those that the run holds."""
        if not len(self.frames):
            return []
        pairs = list(dict.fromkeys([*asked, *self.data.joints]))[:MOST_JOINTS]
        pairs = pairs or self._likely_pair()
        number = max(len(pairs), 1) * len(self.frames)
        number *= 1 if self.witness is None else 2
        fitting = [b for b in JOINT_BINS if number * b**2 <= MOST_JOINT_NUMBERS]
        return [self._joint(pair, [*fitting, JOINT_BINS[-1]][0]) for pair in pairs]

    def _likely_pair(self) -> list[Pair]:
        """Neighbouring sites, or the species that vary together the most.

        None where the law would have to be computed anew.
        """
        names, laws = self.data.names, self.result.laws if self._is_stated() else None
        if len(names) < 2 or not isinstance(laws, StatedLaws) or not laws.snapshots:
            return []
        if self.network is not None and self.network.lattice is not None:
            pair = neighbours(self.network)
            return [pair] if pair is not None else []
        last = laws.snapshot(len(self.data.times) - 1)
        away = last.states - last.states.mean(axis=0)
        weights = last.normalised()
        away = last.states - weights @ last.states
        covariance = (away * weights[:, None]).T @ away
        spread = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
        ties = np.abs(np.triu(covariance / np.outer(spread, spread), 1))
        a, b = np.unravel_index(int(ties.argmax()), ties.shape)
        size = int(np.prod(self.data.caps[[a, b]] + 1))
        return [(names[a], names[b])] if size <= LARGEST_TABLE else []

    def _is_stated(self) -> bool:
        return self.data.engine in ("fsp", "ssa", "we")

    def _joint(self, pair: Pair, bins: int) -> dict[str, Any]:
        own = np.stack([self._table(pair, k) for k in self.frames.tolist()])
        seen = seen_in(own.max(axis=2)), seen_in(own.max(axis=1))
        widths, law = bin_table(own, bins, seen)
        found: dict[str, Any] = {
            "names": list(pair),
            "low": [seen[0][0], seen[1][0]],
            "width": list(widths),
            "shape": list(law.shape[1:]),
            "law": as_plain(law.reshape(len(law), -1)),
        }
        other = None if self.witness is None else self._other_joint(pair)
        if other is not None:
            lacks = [max(a - b, 0) for a, b in zip(own.shape, other.shape, strict=True)]
            widened = np.pad(other, ((0, 0), (0, lacks[1]), (0, lacks[2])))
            _, law = bin_table(widened, bins, seen)
            tables = as_plain(law.reshape(len(law), -1))
            found["witness"] = [None if k is None else tables[k] for k in self.partners]
        return found

    def _table(self, pair: Pair, place: int) -> Float[np.ndarray, "count_a count_b"]:
        return self.result.joint(*pair, float(self.data.times[place]))

    def _other_joint(
        self, pair: Pair
    ) -> Float[np.ndarray, "times count_a count_b"] | None:
        """The joint law of the witness, if it is there without running a network."""
        assert self.witness is not None
        data = self.witness.data
        stored = data.joint(pair)
        if stored is not None or not {*pair} <= {*data.names}:
            return stored
        laws = self.witness.laws if data.engine in ("fsp", "ssa", "we") else None
        if not isinstance(laws, StatedLaws) or not laws.snapshots:
            return None
        variables = [data.names.index(name) for name in pair]
        return np.stack(
            [
                table(one, variables, data.caps, one.normalised())
                for one in laws.snapshots
            ]
        )


def _means(data: RunData, names: Sequence[str]) -> dict[str, Any]:
    places = spread_places(len(data.times), MOST_TIMES)
    index = {name: data.names.index(name) for name in names}
    return {
        "times": as_plain(data.times[places], 6),
        "mean": {name: as_plain(data.means[places, v], 4) for name, v in index.items()},
        "sd": {name: as_plain(data.sds[places, v], 4) for name, v in index.items()},
    }
