"""What the health record of a run says, quantity by quantity, in plain sentences."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

#: More steps than this are drawn in groups, each by its worst.
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Meaning:
    """A quantity of the record: its name, one sentence, how a group of steps is shown.

    `worst` makes one number of the steps of a group.
    """

    key: str
    title: str
    sentence: str
    worst: Callable[..., Any] = np.max


_STEP = Meaning(
    "dt",
    "Step size",
    "How far each step went in time; steps that shrink without end are those of a run "
    "that cannot follow the law.",
    np.min,
)
_SIZE = Meaning(
    "effective_size",
    "Effective sample size",
    "How many independent draws would be as good as the batch of the step; below 1000 "
    "its averages are noisy, and there is no value where no state was missed.",
    np.min,
)
_WORK = (
    Meaning(
        "seconds",
        "Seconds",
        "Wall time of each step; the first holds the compilation.",
        np.sum,
    ),
)
_TDVP = (
    _STEP,
    Meaning(
        "residual",
        "Residual",
        "The share of the motion of the law that the network could not follow: 0 is "
        "all of it followed, above 0.3 a variational step is doubtful (in steps on "
        "selected states, where the law hardly moves, it is a large share of little).",
    ),
    Meaning(
        "error",
        "Error of the step",
        "The estimated error that the step itself made in the law; steps are chosen so "
        "that it stays below the setting `tolerance`.",
    ),
    Meaning(
        "bound",
        "Error bound",
        "What all steps so far did wrong, added up: no probability is further off than "
        "this, as far as the states looked at tell; 1 and more says nothing.",
    ),
    _SIZE,
    Meaning(
        "condition",
        "Condition number",
        "How ill-conditioned the linear system of the step was: above about 1e12 "
        "rounding is felt.",
    ),
    Meaning(
        "rejections",
        "Rejected tries",
        "Tries at the step that were thrown away because their error was too large.",
        np.sum,
    ),
    *_WORK,
)
_EULER = (
    _STEP,
    Meaning(
        "error",
        "Distance to the target",
        "How far log P of the network is from that of the Euler step that it shall "
        "learn, as a standard deviation over the batch after the last epoch.",
    ),
    Meaning(
        "residual",
        "Share left out",
        "The share of the batch where the Euler step would give a negative "
        "probability; such states teach nothing, and a shorter `dt` avoids them.",
    ),
    _SIZE,
    Meaning(
        "pareto_k",
        "Pareto shape",
        "The shape of the tail of the importance weights, where there are any: above "
        "0.7 their averages cannot be trusted.",
    ),
    *_WORK,
)
#: Engines whose steps learn Euler steps.
_LEARNERS = ("natgrad", "adam")
_SAMPLES = Meaning(
    "samples",
    "Samples",
    "How many independent samples the law at each time is worth.",
)
_LEAK = Meaning(
    "leak",
    "Stopped at caps",
    "The number of firings that a cap has stopped so far, in the mean over the law; "
    "above 0.001 raise the caps and see whether the answers change.",
)


@dataclass(frozen=True, eq=False)
class Curve:
    """A quantity over time, short enough to be drawn; nan where it is not known."""

    meaning: Meaning
    times: Float[np.ndarray, " points"]
    values: Float[np.ndarray, " points"]


def health_curves(
    engine: str, health: Mapping[str, Float[np.ndarray, " steps"]]
) -> list[Curve]:
    """What the steps of a neural run say of themselves, as far as they say anything."""
    if not health:
        return []
    meanings = _EULER if engine in _LEARNERS else _TDVP
    curves = [
        _thinned(meaning, health["t"], health[meaning.key])
        for meaning in meanings
        if meaning.key in health
    ]
    return [curve for curve in curves if _says_something(curve)]


def law_curves(
    times: Float[np.ndarray, " times"],
    samples: Float[np.ndarray, " times"],
    leak: Float[np.ndarray, " times"] | None,
) -> list[Curve]:
    """What any run says of its laws."""
    if not len(times):
        return []
    curves = [_thinned(_SAMPLES, times, samples)]
    if leak is not None:
        curves.append(Curve(_LEAK, times, leak))
    return [curve for curve in curves if np.isfinite(curve.values).any()]


def _says_something(curve: Curve) -> bool:
    """Whether a curve holds a number, and not only the blank of what is not measured.

    A zero or a condition number of 1 at every step is such a blank.
    """
    known = curve.values[np.isfinite(curve.values)]
    blank = 1.0 if curve.meaning.key == "condition" else 0.0
    return bool(len(known)) and not bool((known == blank).all())


def _thinned(
    meaning: Meaning,
    times: Float[np.ndarray, " steps"],
    values: Float[np.ndarray, " steps"],
) -> Curve:
    """The worst of each group of steps, at the last time of the group."""
    known = np.where(np.isfinite(values), values, np.nan)
    groups = np.array_split(np.arange(len(times)), min(MOST_POINTS, len(times)))
    found: list[float] = []
    for group in groups:
        inside = known[group]
        inside = inside[~np.isnan(inside)]
        found.append(float(meaning.worst(inside)) if len(inside) else np.nan)
    ends = np.array([times[group[-1]] for group in groups], dtype=float)
    return Curve(meaning, ends, np.array(found, dtype=float))
