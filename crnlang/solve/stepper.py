"""Which kind of step comes next: projected from selected states, or of conditionals."""

import math

import numpy as np
from jaxtyping import Bool, PRNGKeyArray

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.settings import TdvpSettings
from crnlang.solve.conditional_step import conditional_step
from crnlang.solve.prefixes import Drawer
from crnlang.solve.problem import Generator
from crnlang.solve.projected import FittedStep, projected_step
from crnlang.solve.selection import Selector

#: Projection steps go on in any case while the states followed one by one hold this.
NEARLY = 0.99
#: Steps of conditionals take over where they can be so many times as long.
LONGER = 2.0


class Stepper:
    """Takes projection steps, then steps of conditionals.

    `auto` passes over, for good, where the states do not hold the law and a step of
    conditionals is good enough at twice the length of a projection step. It looks when
    they first hold too little, and whenever the steps have become half as long since.
    Projection steps need rates that do not change with the time.
    """

    def __init__(
        self,
        generator: Generator,
        settings: TdvpSettings,
        boxes: Bool[np.ndarray, "boxes variables levels"] | None = None,
    ) -> None:
        self.settings = settings
        self.selector = Selector(generator, settings.states, settings.samples)
        self.drawer = Drawer(generator, settings, boxes)
        is_asked = settings.method in ("auto", "projection")
        self.projects = is_asked and generator.is_autonomous
        self.effective_size = math.inf
        self.looked_at = math.inf

    def step(
        self,
        model: ConditionalNetworks,
        key: PRNGKeyArray,
        t: float,
        wanted: float,
        most: float,
    ) -> FittedStep:
        """One step, not longer than wanted; the first of conditionals than `most`."""
        if not self.projects:
            return self._move(model, key, t, wanted)
        chosen = self.selector.select(model, key, t, wanted)
        self.effective_size = chosen.effective_size
        tolerance, around = self.settings.tolerance, self.selector.around
        step = projected_step(model, around, chosen, wanted, tolerance)
        is_held = chosen.covered > NEARLY or self.settings.method != "auto"
        longer = LONGER * step.dt
        if is_held or step.dt > self.looked_at / 2 or longer > most:
            return step
        self.looked_at = step.dt
        other = self._move(model, key, t, longer)
        self.projects = other.rejections > 0
        if self.projects:
            self.effective_size = chosen.effective_size
            return step
        return other

    def _move(
        self, model: ConditionalNetworks, key: PRNGKeyArray, t: float, wanted: float
    ) -> FittedStep:
        """A step of every conditional by itself."""
        prefixes = self.drawer.draw(model, key)
        self.effective_size = prefixes.effective_size
        tolerance = self.settings.tolerance
        return conditional_step(model, self.drawer, prefixes, t, wanted, tolerance)
