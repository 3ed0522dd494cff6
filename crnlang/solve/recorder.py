"""Where a run stands: the last accepted step, and what was found up to it."""

import math
import time
from collections.abc import Callable

from crnlang.solve.solution import Outcome, Solution, StepInfo
from crnlang.solve.state import Checkpoint, Keeper, State


class Recorder:
    """Collects models at the save times and the health of every step.

    `state` is set last, at once: a step that is interrupted while it is recorded was
    not taken.
    """

    def __init__(
        self,
        begun: Checkpoint,
        save: tuple[float, ...],
        report: Callable[[StepInfo], None],
        keeper: Keeper,
    ) -> None:
        self.state = begun.state
        self.times = list(begun.times)
        self.models = list(begun.models)
        self.infos = list(begun.infos)
        self.save = save
        self.report = report
        self.keeper = keeper
        self.clock = time.perf_counter()
        if not self.infos and not self.times and 0.0 in save:
            self.times.append(0.0)
            self.models.append(self.state.model)

    def next_stop(self, t: float) -> float:
        """The first save time after t; infinity after the last."""
        return next((s for s in self.save if s > t * (1 + 1e-12)), math.inf)

    def step(self, stage: str, state: State, dt: float, **health: float) -> None:
        """Record one accepted step, which led to `state`."""
        now = time.perf_counter()
        blank = {
            "error": 0.0,
            "residual": 0.0,
            "effective_size": math.inf,
            "diag_shift": 0.0,
            "condition": 1.0,
            "bound": math.nan,
        }
        rejections = int(health.pop("rejections", 0))
        info = StepInfo(
            step=len(self.infos) + 1,
            stage=stage,
            t=state.reached,
            dt=dt,
            rejections=rejections,
            seconds=now - self.clock,
            **{**blank, **health},
        )
        self.clock = now
        is_saved = state.t in self.save and state.t == state.reached
        if is_saved:
            self.times.append(state.t)
            self.models.append(state.model)
        self.infos.append(info)
        self.state = state
        if self.keeper.is_due(is_saved=is_saved):
            self.keeper.keep(self.checkpoint())
        self.report(info)

    def checkpoint(self) -> Checkpoint:
        """All that the rest of the run depends on, and all that was found."""
        self._forget_what_was_not_finished()
        found = tuple(self.times), tuple(self.models), tuple(self.infos)
        return Checkpoint(self.state, *found)

    def _forget_what_was_not_finished(self) -> None:
        """Drop what lies after the state: a step that was being recorded."""
        while self.infos and self.infos[-1].t > self.state.reached:
            self.infos.pop()
        while self.times and self.times[-1] > self.state.t:
            self.times.pop()
        del self.models[len(self.times) :]

    def finish(self, outcome: Outcome) -> Solution:
        """The solution; an unsuccessful one ends with the last good model."""
        found, state = self.checkpoint(), self.state
        times, models = found.times, found.models
        if outcome is Outcome.INTERRUPTED:
            self.keeper.keep(found)
        if outcome is not Outcome.SUCCESSFUL and (not times or times[-1] < state.t):
            times, models = (*times, state.t), (*models, state.model)
        return Solution(times, models, found.infos, outcome)
