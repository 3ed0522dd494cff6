"""What a network itself answers, where samples of its law would not do."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from crnlang.ir.expr import Expr, Function, call
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import LogpQuery, ProbQuery
from crnlang.nn.base import AbstractAutoregressive
from crnlang.passes.boxes import box_of
from crnlang.pipeline.law import LawReader
from crnlang.results.summary import Snapshot

#: An answer that rests on fewer effective samples is doubted.
LEAST_SAMPLES = 100


@dataclass(frozen=True)
class Answers:
    """The questions that a network answers by itself at one save time.

    `logp` by the sum over all states that it asks for; `prob` of a box by samples that
    stay in it. `place` is the position of the time among the save times.
    """

    lowered: LoweredNetwork
    reader: LawReader
    time: float
    place: int

    def read(self, model: AbstractAutoregressive) -> tuple[Snapshot, list[str]]:
        """The law with these answers, and what is doubtful of them.

        Raises:
            EngineError: see `LawReader.read`.
        """
        snapshot = self.reader.read(model, self.time, self.place)
        computed, doubts = self.computed(model)
        return replace(snapshot, computed=computed), doubts

    def computed(
        self, model: AbstractAutoregressive
    ) -> tuple[dict[str, tuple[float, float]], list[str]]:
        """Values and errors by the name of the query, and what is doubtful of them."""
        found: dict[str, tuple[float, float]] = {}
        doubts: list[str] = []
        for query in self.lowered.network.queries:
            if isinstance(query, LogpQuery) and query.given is None:
                value = self.reader.logarithm(model, query.variables, query.counts)
                if value is not None:
                    found[query.name] = value, 0.0
            elif isinstance(query, ProbQuery) and self.reader.states is None:
                numbers = self._numbers(model, query)
                if numbers is None:
                    continue
                found[query.name] = _ratio(*numbers)
                size = min(map(_effective, numbers))
                if size < LEAST_SAMPLES and numbers[0].any():
                    doubts.append(
                        f"`{query.name}` at t = {self.time:g} rests on {size:.0f} "
                        "effective samples of the network: its error is not known"
                    )
        return found, doubts

    def _numbers(
        self, model: AbstractAutoregressive, query: ProbQuery
    ) -> list[Float[np.ndarray, " samples"]] | None:
        """Numbers with the mean of the probability; with `given`, of its parts.

        `None` where some condition is no box.
        """
        conditions = [query.condition]
        if query.given is not None:
            both = call(Function.AND, query.given, query.condition)
            conditions = [both, query.given]
        found = [self._chances(model, condition) for condition in conditions]
        known = [numbers for numbers in found if numbers is not None]
        return known if len(known) == len(found) else None

    def _chances(
        self, model: AbstractAutoregressive, condition: Expr
    ) -> Float[np.ndarray, " samples"] | None:
        """Numbers whose mean is the probability; `None` where it is of no box."""
        caps, parameters = self.lowered.space.caps, self.lowered.parameters
        box = box_of(condition, caps, parameters, self.time)
        return None if box is None else self.reader.chances(model, box, self.place)


def _effective(numbers: Float[np.ndarray, " samples"]) -> float:
    """(sum w)^2 / sum w^2."""
    squares = float((numbers**2).sum())
    return float(numbers.sum()) ** 2 / squares if squares > 0 else 0.0


def _ratio(
    numbers: Float[np.ndarray, " samples"],
    others: Float[np.ndarray, " samples"] | None = None,
) -> tuple[float, float]:
    """The mean, or the ratio of two means, and its standard error to first order."""
    size = len(numbers)
    mean, error = float(numbers.mean()), float(numbers.std()) / size**0.5
    if others is None or not others.any():
        return (mean, error) if others is None else (np.nan, np.nan)
    below = float(others.mean())
    shares = [error / mean if mean else 0.0, float(others.std()) / size**0.5 / below]
    return mean / below, mean / below * float(np.hypot(*shares))
