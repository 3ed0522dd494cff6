"""What passes between the engines, the record and whoever watches a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from crnlang.pipeline.cost import Cost
from crnlang.results.record import QueryAnswer, RunData
from crnlang.results.summary import Snapshot
from crnlang.solve.outcome import STAGES, Outcome, StepInfo

#: The part of a neural run in which the laws of its networks are read.
READING = "reading the law at time"


@runtime_checkable
class Watcher(Protocol):
    """Is told how a run goes."""

    def trouble(self, sentence: str) -> None:
        """Something went wrong that the run survives."""

    def step(self, info: StepInfo) -> None:
        """A step was accepted."""

    def part(self, part: str, number: int, total: int) -> None:
        """Of a part of the run that takes no steps `number` of `total` are done."""


class Silent:
    """A watcher that does nothing."""

    def trouble(self, sentence: str) -> None:
        """Do nothing."""

    def step(self, info: StepInfo) -> None:
        """Do nothing."""

    def part(self, part: str, number: int, total: int) -> None:
        """Do nothing."""


@dataclass(frozen=True, eq=False)
class Passages:
    """Answers to queries about first passages by name; `notes` on those unanswered."""

    answers: Mapping[str, QueryAnswer] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Asked:
    """Answers to a question, what is doubtful of them, the samples behind them."""

    answers: tuple[QueryAnswer, ...]
    notes: tuple[str, ...]
    samples: float


@dataclass(frozen=True, eq=False)
class Found:
    """What an engine found: the law at every time reached, how it went and ended.

    `leak` as in `RunData`; `weights` are the files that hold a network's weights;
    `passages` answer the queries about first passages, as far as the engine can; `own`
    are laws made for one query, by its name, where `snapshots` do not serve it best;
    `notes` say what in the answers is doubtful.
    """

    snapshots: tuple[Snapshot, ...]
    outcome: Outcome = Outcome.SUCCESSFUL
    leak: Float[np.ndarray, " times"] | None = None
    infos: tuple[StepInfo, ...] = ()
    weights: Mapping[str, bytes] = field(default_factory=dict)
    passages: Passages = field(default_factory=Passages)
    own: Mapping[str, tuple[Snapshot, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run: its record, what made it, what it cost.

    `settings` is the resolved record as plain values; `path` is where the file lay.
    `snapshots` hold the law at every time of the record where the engine found it as
    states; of a network there are `weights` instead.
    """

    data: RunData
    source: str
    path: str
    settings: Mapping[str, Any]
    outcome: Outcome
    cost: Cost
    weights: Mapping[str, bytes]
    snapshots: tuple[Snapshot, ...]


def health_of(infos: Sequence[StepInfo]) -> dict[str, Float[np.ndarray, " steps"]]:
    """Every field of the steps as one array; a stage is its place in `STAGES`."""
    if not infos:
        return {}
    numbers = [one.name for one in fields(StepInfo) if one.name != "stage"]
    health = {
        name: np.array([getattr(info, name) for info in infos], dtype=float)
        for name in numbers
    }
    stages = [STAGES.index(info.stage) for info in infos]
    return {"stage": np.array(stages, dtype=float), **health}
