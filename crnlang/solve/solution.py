"""What the variational engine hands back: models at the save times, steps, an outcome.

The contract of the engine:

    evolve(model, generator, settings, save, report) -> Solution

`report` is called with a `StepInfo` after every accepted step. A run that cannot go on
is no exception but an `Outcome`: what was reached is handed back. So is Ctrl-C: evolve
catches `KeyboardInterrupt`, from `report` or within a step, and ends after the last
accepted step with `Outcome.INTERRUPTED`.
"""

from dataclasses import dataclass

from crnlang.nn.base import AbstractAutoregressive
from crnlang.solve.outcome import Outcome as Outcome
from crnlang.solve.outcome import StepInfo as StepInfo


@dataclass(frozen=True, eq=False)
class Solution:
    """The models at the times reached, one step after the other, and how it ended.

    `times` are the save times reached; where the outcome is not successful, the last
    good time follows them (so there is always one).
    """

    times: tuple[float, ...]
    models: tuple[AbstractAutoregressive, ...]
    infos: tuple[StepInfo, ...]
    outcome: Outcome
