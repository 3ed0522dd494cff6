"""How a run goes and how it ended. Free of JAX, so that every floor may speak it."""

import math
from dataclasses import dataclass
from enum import Enum

from crnlang.diagnostics import Refusal


class EngineError(Refusal):
    """The neural engine has no answer at all; the text says why and what to do."""

    exit_code = 3


class Outcome(Enum):
    """How a run ended: a word for programs, a sentence for people."""

    SUCCESSFUL = ("successful", "The run reached its end.")
    STEP_TOO_SMALL = (
        "step_too_small",
        "The time step shrank to nothing: the network cannot follow the law within "
        "`tolerance`. Raise `tolerance`, `width` or `samples`.",
    )
    NOT_FINITE = (
        "not_finite",
        "A weight, a propensity or an error estimate became infinite or not a number. "
        "Raise `diag_shift` or `samples`, and look for a propensity that divides by 0.",
    )
    OUT_OF_STEPS = (
        "out_of_steps",
        "The run used up `max_steps`. Raise `max_steps`, or raise `tolerance` for "
        "longer steps.",
    )
    COLLAPSED = (
        "collapsed",
        "A handful of samples carried the whole batch, so its averages mean nothing. "
        "Raise `samples` or `diag_shift`.",
    )
    INTERRUPTED = ("interrupted", "The run was interrupted.")

    def __init__(self, word: str, sentence: str) -> None:
        self.word = word
        self.sentence = sentence


#: What a step can be: all of the law on a set of states, the law on selected states and
#: the network adjusted, a step of the time-dependent variational principle on a batch,
#: natural gradient or Adam towards an Euler step, every conditional by itself, or every
#: count by itself.
STAGES = (
    "set",
    "projection",
    "tdvp",
    "natgrad",
    "adam",
    "conditionals",
    "independent",
)


@dataclass(frozen=True, slots=True)
class StepInfo:
    """The health of one accepted step.

    `t` is the time reached, `dt` the step taken, `error` the estimated error of the
    step and `residual` the part of the motion that the network could not follow, 0 for
    none. `effective_size` is how many independent draws would be as exact as the batch,
    infinite where no state was missed; `condition` the condition number of the linear
    system; `rejections` the tries at this step that were thrown away; `seconds` its
    wall time, compilation included. `bound` is how far, in total variation, the law can
    have come from the exact one since the start: the master equation brings no two laws
    apart, so it is the sum of what every step did wrong, as far as the states looked at
    tell; not a number where the engine does not measure it. `pareto_k` is the shape of
    the tail of importance weights (`solve.smoothing`), where there are any.
    """

    step: int
    stage: str
    t: float
    dt: float
    error: float
    residual: float
    effective_size: float
    diag_shift: float
    condition: float
    rejections: int
    seconds: float
    bound: float
    pareto_k: float = math.nan
