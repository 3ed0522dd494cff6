"""The whole law of a run, time by time: what any question about it is answered from.

The law that an engine found as states is kept with their weights (`StatedLaws`); that
of a network is read from its weights (`network_laws`), which loads JAX.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Integer

from crnlang.ir.lowered import LoweredNetwork
from crnlang.results.record import NoLawError, RunError
from crnlang.results.summary import Snapshot

States = Integer[np.ndarray, "states variables"]


@runtime_checkable
class Laws(Protocol):
    """The law at each save time; `place` is the position of the time among them."""

    def snapshot(self, place: int) -> Snapshot:
        """States with weights.

        Raises:
            RunError: the run has not kept its law.
        """
        ...

    def answering(
        self, lowered: LoweredNetwork, place: int
    ) -> tuple[Snapshot, list[str]]:
        """What the queries of `lowered` are answered from, and what is doubtful of it.

        Raises:
            RunError: the run has not kept its law.
        """
        ...

    def log_prob(self, states: States, place: int) -> Float[np.ndarray, " states"]:
        """The natural logarithm of the probability of each state.

        Raises:
            RunError: the run does not know it.
        """
        ...

    def sample(self, number: int, seed: int, place: int) -> States:
        """Independent states.

        Raises:
            RunError: the run has no so many.
        """
        ...


class NoLaws:
    """What an engine that knows means only has instead."""

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def snapshot(self, place: int) -> Snapshot:
        """Nothing."""
        raise NoLawError(self.engine, "distribution to answer this from")

    def answering(
        self, lowered: LoweredNetwork, place: int
    ) -> tuple[Snapshot, list[str]]:
        """Nothing."""
        raise NoLawError(
            self.engine, "distribution to answer this from (`expect` goes in the file)"
        )

    def log_prob(self, states: States, place: int) -> Float[np.ndarray, " states"]:
        """Nothing."""
        raise NoLawError(self.engine, "probability of a state")

    def sample(self, number: int, seed: int, place: int) -> States:
        """Nothing."""
        raise NoLawError(self.engine, "states to draw")


class StatedLaws:
    """Laws as states with weights: of `fsp`, `ssa` and `we`."""

    def __init__(self, engine: str, snapshots: Sequence[Snapshot]) -> None:
        self.engine = engine
        self.snapshots = snapshots

    def snapshot(self, place: int) -> Snapshot:
        """The law at a save time."""
        if not self.snapshots:
            raise RunError(
                f"this run of `{self.engine}` keeps only what its file asks for: it "
                "is of an older version, or its law was too large to keep; write the "
                "question into the file and run it again"
            )
        return self.snapshots[place]

    def answering(
        self, lowered: LoweredNetwork, place: int
    ) -> tuple[Snapshot, list[str]]:
        """The same for every question."""
        return self.snapshot(place), []

    def log_prob(self, states: States, place: int) -> Float[np.ndarray, " states"]:
        """Of states that the law does not hold, -inf."""
        law = self.snapshot(place)
        if not law.is_exact:
            raise RunError(
                f"`{self.engine}` does not know the probability of a state, only how "
                "often it came: ask `fsp` or a neural engine, or "
                "`query('logp(X=3, at=1)')` for the logarithm of that frequency"
            )
        rows = {row.tobytes(): i for i, row in enumerate(law.states)}
        kept = law.states.dtype
        # what the type of the law cannot hold would come back as another count
        fits = (states.astype(kept) == states).all(axis=1).tolist()
        places = [
            rows.get(row.tobytes(), -1) if is_whole else -1
            for row, is_whole in zip(states.astype(kept), fits, strict=True)
        ]
        with np.errstate(divide="ignore"):
            known = np.log(np.append(law.normalised(), 0.0))
        return known[places]

    def sample(self, number: int, seed: int, place: int) -> States:
        """Draws from an exact law; of trajectories the first ones."""
        law = self.snapshot(place)
        if law.is_exact:
            shares = np.maximum(law.normalised(), 0)
            chosen = np.random.default_rng(seed).choice(
                len(shares), size=number, p=shares / shares.sum()
            )
            return law.states[chosen]
        if law.weights is not None:
            raise RunError(
                f"the states of `{self.engine}` have weights and are not independent: "
                "take samples from `ssa`, `fsp` or a neural engine"
            )
        if number > len(law.states):
            raise RunError(
                f"the run has {len(law.states):,} trajectories, fewer than {number:,}; "
                f"run it again with `trajectories = {number}`"
            )
        return law.states[:number]
