"""Answers over time: probabilities on a log axis where they are rare, survival curves.

Bands are the values plus and minus their errors; a witness stands beside them. A value
of 0 has no place on a log axis: a triangle stands for it at the bottom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from jaxtyping import Float

from crnlang.report.plot import ACCENT, GRID, INK, dress, entitle, new_figure

RUN = "#2563a8"
#: A probability that is anywhere below this is drawn on a log axis.
RARE = 0.05
#: An event that so few have met by the end is drawn as such, not as a survival curve.
UNMET = 0.05
#: Decades that a log axis shows at most below its top.
DECADES = 14
MOST_COLUMNS = 3


@dataclass(frozen=True, eq=False)
class Answered:
    """Values over time with their errors; `engine` is who found them."""

    engine: str
    times: Float[np.ndarray, " times"]
    values: Float[np.ndarray, " times"]
    errors: Float[np.ndarray, " times"]


@dataclass(frozen=True, eq=False)
class Question:
    """A question with one answer or two; the kinds are those of queries."""

    words: str
    kind: str
    answers: tuple[Answered, ...]


def draw_answers(title: str, questions: Sequence[Question]) -> Any:
    """The figure, a `matplotlib.figure.Figure`.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
    """
    columns = min(MOST_COLUMNS, ceil(np.sqrt(len(questions))))
    rows = ceil(len(questions) / columns)
    figure = new_figure(4.2 * columns, 2.9 * rows + 0.4)
    entitle(figure, title)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, question in zip(panels, questions, strict=False):
        _draw(panel, question)
    for panel in panels[len(questions) :]:
        panel.axis("off")
    return figure


def _draw(panel: Any, question: Question) -> None:
    """One question: a line and a band for each answer."""
    survives = question.kind == "hit" and _most(question) >= UNMET
    is_log = question.kind in ("prob", "hit") and not survives and _is_rare(question)
    for answer, color, style in zip(
        question.answers, (RUN, ACCENT), ("-", "--"), strict=False
    ):
        values = 1 - answer.values if survives else answer.values
        known = np.where(np.isfinite(answer.errors), answer.errors, 0.0)
        low, high = values - known, values + known
        if question.kind in ("prob", "hit"):
            low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
        drawn = np.where(values > 0, values, np.nan) if is_log else values
        panel.plot(
            answer.times,
            drawn,
            style,
            color=color,
            lw=1.3,
            marker="o" if len(values) <= 30 else None,
            ms=3,
            label=answer.engine,
        )
        floor = _floor(drawn) if is_log else -np.inf
        panel.fill_between(
            answer.times,
            np.maximum(low, floor),
            high,
            where=np.isfinite(drawn),
            color=color,
            alpha=0.18,
            lw=0,
        )
        if is_log and (values == 0).any():
            unseen = answer.times[values == 0]
            panel.plot(
                unseen,
                np.full(len(unseen), 0.02),
                "v",
                color=color,
                ms=4,
                transform=panel.get_xaxis_transform(),
                label=f"{answer.engine}: 0",
            )
    if is_log:
        panel.set_yscale("log")
    _words(panel, question, survives=survives)


def _words(panel: Any, question: Question, *, survives: bool) -> None:
    labels = {"prob": "probability", "expect": "mean", "logp": "log probability"}
    labels["hit"] = "not yet there" if survives else "probability to have entered"
    panel.set_xlabel("time", fontsize=8, color=INK)
    panel.set_ylabel(labels[question.kind], fontsize=8, color=INK)
    panel.grid(axis="y", color=GRID, lw=0.6)
    if survives:
        panel.set_ylim(0, 1.02)
    title = "survival: " * survives + question.words
    dress(panel, title if len(title) <= 58 else f"{title[:57]}…")
    panel.legend(frameon=False, fontsize=7, labelcolor=INK)


def _values(question: Question) -> Float[np.ndarray, " values"]:
    every = np.concatenate([answer.values for answer in question.answers])
    return every[np.isfinite(every)]


def _most(question: Question) -> float:
    """The largest value of any answer."""
    return float(_values(question).max(initial=0.0))


def _is_rare(question: Question) -> bool:
    """Whether some value is rare, and some is not 0."""
    values = _values(question)
    return bool(values.max(initial=0.0) > 0 and values.min() < RARE)


def _floor(values: Float[np.ndarray, " times"]) -> float:
    """Where bands end on a log axis."""
    seen = values[np.isfinite(values)]
    if not len(seen):
        return 1e-300
    return float(max(seen.min() / 10, seen.max() * 10.0**-DECADES))
