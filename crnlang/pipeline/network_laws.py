"""The laws of a network at the save times of a run, read from its weights."""

from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np
from jaxtyping import Float

from crnlang.codegen.ansatz import build_model
from crnlang.ir.lowered import LoweredNetwork
from crnlang.nn.base import AbstractAutoregressive
from crnlang.passes.order import follow_path
from crnlang.passes.totals import TOTALS
from crnlang.pipeline.answers import Answers
from crnlang.pipeline.law import LawReader
from crnlang.pipeline.laws import States
from crnlang.pipeline.weights import unpack_weights
from crnlang.results.summary import Snapshot
from crnlang.settings import NeuralSettings
from crnlang.solve.pieces import log_probs


class NetworkLaws:
    """Laws by weights; `weights(place)` is the content of the file of a save time.

    The model is compiled, and the last law kept, only when something is asked.
    """

    def __init__(
        self,
        lowered: LoweredNetwork,
        settings: NeuralSettings,
        times: Float[np.ndarray, " times"],
        weights: Callable[[int], bytes],
    ) -> None:
        jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's signature
        followed = follow_path(lowered, settings.order)
        self.times = times
        self.weights = weights
        self.reader = LawReader(TOTALS[settings.totals](followed), settings)
        key = jax.random.key(settings.seed)
        self.blank = build_model(self.reader.totalled.lowered, settings, key)
        self.last: tuple[int, Snapshot] | None = None

    def model(self, place: int) -> AbstractAutoregressive:
        """The network at a save time."""
        return unpack_weights(self.weights(place), self.blank)

    def snapshot(self, place: int) -> Snapshot:
        """Every state, or samples where there are more than half a million."""
        if self.last is None or self.last[0] != place:
            time = float(self.times[place])
            self.last = place, self.reader.read(self.model(place), time, place)
        return self.last[1]

    def answering(
        self, lowered: LoweredNetwork, place: int
    ) -> tuple[Snapshot, list[str]]:
        """The law, with what the network itself answers better than samples of it."""
        time = float(self.times[place])
        answers = Answers(lowered, self.reader, time, place)
        computed, doubts = answers.computed(self.model(place))
        return replace(self.snapshot(place), computed=computed), doubts

    def log_prob(self, states: States, place: int) -> Float[np.ndarray, " states"]:
        """Of states outside of the caps and conservation laws, -inf."""
        space = self.reader.space
        inside = ((states >= 0) & (states <= space.caps)).all(axis=1)
        inside &= (states @ space.laws.T == space.totals).all(axis=1)
        found = np.full(len(states), -np.inf)
        if inside.any():
            extended = self.reader.totalled.extend(states[inside])
            found[inside] = log_probs(self.model(place), extended)
        return found

    def sample(self, number: int, seed: int, place: int) -> States:
        """Independent states."""
        return self.reader.draw(self.model(place), number, seed)
