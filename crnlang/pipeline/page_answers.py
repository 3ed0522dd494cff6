"""The answers of a run for its page: tables of numbers, and what the script draws."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from crnlang.report.coarse import as_plain, bin_counts, seen_range, spread_places
from crnlang.report.page import AnswerRows
from crnlang.results.record import QueryAnswer
from crnlang.results.summary import TIME_TOLERANCE

#: What the answer to each kind of question is.
ABOUT = {
    "dist": "The law of copy numbers; of each time the most likely ones.",
    "prob": "The probability of a set of states.",
    "expect": "A mean over the law.",
    "logp": "The natural logarithm of a probability.",
    "hit": "The probability that the set was entered by then.",
    "mfpt": "The mean time of first passage.",
    "rate": "The rate of first passage.",
}
#: What the errors of an engine are; of every neural engine the last.
ERRORS = {
    "fsp": (
        "The law is exact within the caps: the errors of `dist`, `prob` and `expect` "
        "are 0, those of other questions are bounds."
    ),
    "ssa": "Errors are standard errors: two answers in three lie within one of them.",
    "we": "Errors are standard errors, from the spread over independent repeats.",
    "": (
        "Errors are those of reading the answer from the network, 0 where all states "
        "were added up. How far the network is from the exact law is not in them: "
        "that tells only a comparison with another engine."
    ),
}
#: Curves of a law at most, and their bins.
MOST_CURVES, MOST_BINS = 6, 120
#: Rows of a table at most.
MOST_ROWS = 200


def about_errors(engine: str) -> str:
    """What `±` means in the answers of an engine."""
    return ERRORS.get(engine, ERRORS[""])


def answer_rows(
    question: str,
    answer: QueryAnswer,
    other: QueryAnswer | None,
    engines: Sequence[str],
) -> AnswerRows:
    """The table of one answer; `engines` are those of the run and the witness."""
    places = spread_places(len(answer.times), MOST_ROWS)
    has_times = not np.isnan(answer.times).any()
    head = ["t"] if has_times else []
    head += ["most likely"] if answer.species else []
    head += [engines[0], "±"]
    if other is not None:
        head += [engines[1], "±"] if answer.species else [engines[1], "±", "difference"]
    rows = [_row(answer, other, int(k), has_times=has_times) for k in places]
    return AnswerRows(question, ABOUT[answer.kind], head, rows)


def _row(
    answer: QueryAnswer, other: QueryAnswer | None, k: int, *, has_times: bool
) -> list[str]:
    """The numbers of one time."""
    row = [f"{answer.times[k]:g}"] if has_times else []
    values, errors = answer.values[k], answer.errors[k]
    if np.isnan(values).any():
        return [*row, *[""] * bool(answer.species), "the condition never holds", ""]
    peak: tuple[int, ...] = ()
    if answer.species:
        place = np.unravel_index(int(values.argmax()), values.shape)
        peak = tuple(int(one) for one in place)
        pairs = zip(answer.species, peak, strict=True)
        row.append(", ".join(f"{name} = {count}" for name, count in pairs))
    row += _told(values[peak], errors[peak])
    j = None if other is None else _same_time(other, answer.times[k])
    if other is None:
        return row
    if j is None or any(
        p >= n for p, n in zip(peak, other.values.shape[1:], strict=True)
    ):
        return [*row, *["", ""], *([] if answer.species else [""])]
    row += _told(other.values[j][peak], other.errors[j][peak])
    if not answer.species:
        row.append(_difference(answer, other, k, j))
    return row


def _difference(answer: QueryAnswer, other: QueryAnswer, k: int, j: int) -> str:
    """How far apart two answers are, and in errors where both together have one."""
    apart = float(answer.values[k] - other.values[j])
    spread = float(np.hypot(answer.errors[k], other.errors[j]))
    if not np.isfinite(apart):
        return ""
    if 0 < spread < np.inf:
        return f"{apart:+.2g} ({abs(apart) / spread:.1f} errors)"
    return f"{apart:+.2g}"


def _told(value: Any, error: Any) -> list[str]:
    known = "not known" if np.isinf(error) else f"{float(error):.1g}"
    return [f"{float(value):.4g}", known]


def _same_time(answer: QueryAnswer, time: float) -> int | None:
    """The position of a time among those of an answer; of none, the only one."""
    if np.isnan(time):
        return 0 if np.isnan(answer.times).all() else None
    near = int(np.abs(answer.times - time).argmin())
    is_there = np.isclose(answer.times[near], time, rtol=TIME_TOLERANCE, atol=0)
    return near if is_there else None


def drawn_answer(answer: QueryAnswer, other: QueryAnswer | None) -> dict[str, Any]:
    """What the script draws of an answer: a curve over time, laws, or nothing."""
    if not answer.species and len(answer.times) > 1:
        found = {"form": "line", **_curve(answer)}
        found |= {"label": _label(answer), "zero": answer.kind != "logp"}
        found |= {"log": False, "other": None}
        if answer.kind in ("prob", "hit"):
            positive = answer.values[answer.values > 0]
            found["log"] = bool(len(positive) > 1 and positive.min() < 0.02)
        if other is not None:
            found["other"] = _curve(other)
        return found
    if len(answer.species) == 1:
        return {"form": "law", **_laws(answer, other)}
    return {"form": "none"}


def _label(answer: QueryAnswer) -> str:
    return {"prob": "probability", "hit": "probability", "logp": "log probability"}.get(
        answer.kind, "mean"
    )


def _curve(answer: QueryAnswer) -> dict[str, Any]:
    places = spread_places(len(answer.times), MOST_ROWS)
    return {
        "times": as_plain(answer.times[places], 6),
        "values": as_plain(answer.values[places], 5),
        "errors": as_plain(answer.errors[places]),
    }


def _laws(answer: QueryAnswer, other: QueryAnswer | None) -> dict[str, Any]:
    """The law of one species at a few times; of a condition that holds."""
    holding = np.flatnonzero(~np.isnan(answer.values).any(axis=1))
    places = holding[spread_places(len(holding), MOST_CURVES)]
    if not len(places):
        return {"form": "none"}
    law = answer.values[places]
    seen = seen_range(law)
    binned = bin_counts(law, MOST_BINS, seen)
    found: dict[str, Any] = {
        "times": as_plain(answer.times[places], 6),
        "low": binned.low,
        "width": binned.width,
        "law": as_plain(binned.law),
    }
    if other is not None:
        wide = max(law.shape[1] - other.values.shape[1], 0)
        widened = np.pad(np.nan_to_num(other.values), ((0, 0), (0, wide)))
        laws = as_plain(bin_counts(widened, MOST_BINS, seen).law)
        same = [_same_time(other, float(t)) for t in answer.times[places]]
        found["witness"] = [None if j is None else laws[j] for j in same]
    return found
