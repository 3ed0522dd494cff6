"""A run, and a witness beside it, -> its page (`crnc report`)."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.printer import format_size
from crnlang.pipeline.drawing import witness_name
from crnlang.pipeline.page_answers import about_errors, answer_rows, drawn_answer
from crnlang.pipeline.page_data import MOST_PANELS, PageData
from crnlang.pipeline.result import Result
from crnlang.pipeline.verdict import verdict
from crnlang.report.coarse import as_plain
from crnlang.report.equations import model_rows
from crnlang.report.health import Curve, health_curves, law_curves
from crnlang.report.page import (
    ComparisonRows,
    HealthRow,
    Page,
    render_page,
)
from crnlang.results.compare import Comparison, compare_runs, label
from crnlang.results.record import Pair, QueryAnswer, RunData
from crnlang.solve.outcome import STAGES

#: Hellinger distance up to which the verdict is that two runs agree.
TOLERANCE = 0.05
#: Laws whose distances are drawn: those furthest apart.
MOST_DISTANCES = 6
#: Rows of the comparison, and numbers of a setting that are written out.
MOST_LAWS, MOST_LISTED = 200, 12


def report_run(
    result: Result,
    versions: Mapping[str, Any],
    *,
    status: str = "",
    witness: Result | None = None,
    joints: Sequence[Pair] = (),
) -> str:
    """The page of a run as HTML; `joints` are joint laws beyond those it holds.

    `status` is that of its record, where it is not given.

    Raises:
        RunError: a joint law cannot be had, or the witness shares no species or time.
    """
    data = result.data
    lowered = result.lowered
    numbers = PageData(result, witness, None if lowered is None else lowered.network)
    comparison = None if witness is None else compare_runs(data, witness.data)
    questions = _questions(lowered)
    pairs = [(one, _partner(one, witness)) for one in data.queries]
    engines = [data.engine, witness_name(data, witness.data) if witness else ""]
    curves = [*health_curves(data.engine, data.health)]
    curves += law_curves(data.times, data.samples, data.leak)
    page = Page(
        name=data.model,
        title=lowered.network.title if lowered else "",
        engine=engines[0],
        witness=engines[1],
        status=status or data.status,
        facts=_facts(data, lowered),
        sentences=_sentences(data, lowered),
        notes=_notes(data, lowered),
        about_errors=about_errors(data.engine),
        answers=[
            answer_rows(questions.get(one.name, one.name), one, other, engines)
            for one, other in pairs
        ],
        law_notes=_law_notes(numbers),
        first_filter=_first_filter(numbers),
        comparison=None if comparison is None else _comparison_rows(comparison),
        health_sentences=_stages(data),
        health=[_health_row(curve) for curve in curves],
        model=None if lowered is None else model_rows(lowered),
        source=result.model,
        settings=[(key, _plain(one)) for key, one in sorted(result.settings.items())],
        versions=[(key, _plain(one)) for key, one in sorted(versions.items())],
        data={
            "engine": engines[0],
            "witness_engine": engines[1],
            "times": as_plain(data.times[numbers.frames], 6),
            "laws": numbers.laws(),
            "means": numbers.means(),
            "lattice": numbers.lattice(),
            "joints": numbers.joints(joints),
            "answers": [drawn_answer(one, other) for one, other in pairs],
            "health": [_drawn_curve(curve) for curve in curves],
            "distances": None if comparison is None else _distances(comparison),
            "most_panels": MOST_PANELS,
        },
    )
    return render_page(page)


def _questions(lowered: LoweredNetwork | None) -> dict[str, str]:
    """The text of each query by its name, as it stands in the file."""
    queries = lowered.network.queries if lowered else ()
    return {
        query.name: " ".join(query.span.text.split()).removeprefix("query ")
        for query in queries
    }


def _partner(answer: QueryAnswer, witness: Result | None) -> QueryAnswer | None:
    """The answer of the witness to the same question."""
    if witness is None:
        return None
    other = witness.answers.get(answer.name)
    is_same = other is not None and (other.kind, other.species) == (
        answer.kind,
        answer.species,
    )
    return other if is_same else None


def _facts(data: RunData, lowered: LoweredNetwork | None) -> list[tuple[str, str]]:
    facts = [
        ("engine", data.engine),
        *[("to t =", f"{time:g}") for time in data.times[-1:]],
        ("save times", str(len(data.times))),
        ("copy numbers", str(len(data.names))),
        ("seed", str(data.seed)),
    ]
    if lowered is not None:
        states = lowered.space.number_of_states()
        facts.insert(-1, ("states", format_size(states)))
    if data.wall_seconds:
        spent = data.wall_seconds
        facts.append(("seconds", f"{spent:.0f}" if spent >= 100 else f"{spent:.3g}"))
    return facts


def _sentences(data: RunData, lowered: LoweredNetwork | None) -> list[str]:
    said = [] if data.status == "complete" else [data.sentence]
    if lowered is not None and len(data.times):
        said.append(verdict(data, lowered.space))
    return said


def _notes(data: RunData, lowered: LoweredNetwork | None) -> list[str]:
    notes = list(data.notes)
    if lowered is None:
        notes.append(
            "The model reads other files, which are not where they were when it was "
            "run: its equations are not shown, and lattices not as images."
        )
    return notes


def _law_notes(numbers: PageData) -> list[str]:
    """What of the law is not on the page."""
    data = numbers.data
    frames, _, names = numbers.chosen
    notes: list[str] = []
    if len(frames) < len(data.times):
        notes.append(f"{len(frames)} of {len(data.times)} save times are shown.")
    if len(names) < len(data.names):
        notes.append(
            f"The laws of {len(names)} of {len(data.names)} copy numbers are shown; "
            "`crnc plot --species NAME` draws any other."
        )
    return notes


def _first_filter(numbers: PageData) -> str:
    """What a lattice shows at first: its first site."""
    lattice = numbers.lattice()
    return lattice["names"][0] if lattice else ""


def _stages(data: RunData) -> list[str]:
    """How many steps of each kind were taken."""
    if "stage" not in data.health:
        return []
    said = {
        "set": "on a set of states that holds all of the law",
        "projection": "on selected states, to which the network is fitted",
        "tdvp": "of the time-dependent variational principle on a batch",
        "natgrad": "of natural gradient towards an Euler step",
        "adam": "of Adam towards an Euler step",
        "conditionals": "of every conditional by itself at sampled prefixes",
        "independent": "of every count by itself, the others averaged",
    }
    numbers = np.bincount(data.health["stage"].astype(int), minlength=len(STAGES))
    parts = [
        f"{number} {said[stage]}"
        for number, stage in zip(numbers.tolist(), STAGES, strict=True)
        if number
    ]
    return [f"Steps: {'; '.join(parts)}."]


def _health_row(curve: Curve) -> HealthRow:
    known = curve.values[np.isfinite(curve.values)]
    low, high = f"{known.min():.4g}", f"{known.max():.4g}"
    told = f"Here {low}." if low == high else f"Here {low} to {high}."
    meaning = curve.meaning
    return HealthRow(meaning.key, meaning.title, meaning.sentence, told)


def _drawn_curve(curve: Curve) -> dict[str, Any]:
    return {
        "key": curve.meaning.key,
        "label": curve.meaning.title.lower(),
        "t": as_plain(curve.times, 6),
        "values": as_plain(curve.values),
    }


def _comparison_rows(comparison: Comparison) -> ComparisonRows:
    """A row a law, at the time where the distance is largest."""
    rows: list[list[str]] = []
    for key, distances in comparison.distances.items():
        k = int(np.argmax(distances))
        shift = ["", ""]
        if isinstance(key, str):
            differences = comparison.means[key][k], comparison.sds[key][k]
            shift = [f"{one:+.3g}" for one in differences]
        numbers = f"{distances[k]:.2e}", f"{comparison.noise[key][k]:.2e}"
        rows.append([label(key), *numbers, f"{comparison.times[k]:g}", *shift])
    rows.sort(key=lambda row: -float(row[1]))
    notes = [
        f"Only in {name}: {', '.join(only[:MOST_LISTED])}."
        for only, name in (
            (comparison.only_a, "this run"),
            (comparison.only_b, "the other run"),
        )
        if only
    ]
    if len(rows) > MOST_LAWS:
        notes.append(f"The {MOST_LAWS} laws furthest apart of {len(rows)} are listed.")
    head = ("law", "Hellinger", "noise", "at t", "mean there − here", "sd there − here")
    return ComparisonRows(comparison.verdict(TOLERANCE), head, rows[:MOST_LAWS], notes)


def _distances(comparison: Comparison) -> dict[str, Any]:
    """The distances over time of the laws that are furthest apart."""
    items = sorted(comparison.distances.items(), key=lambda one: -float(one[1].max()))
    return {
        "times": as_plain(comparison.times, 6),
        "laws": [
            {
                "name": label(key),
                "distance": as_plain(distance),
                "limit": as_plain(comparison.limit[key]),
            }
            for key, distance in items[:MOST_DISTANCES]
        ],
    }


def _plain(value: Any) -> str:
    """A setting or a version in words."""
    if isinstance(value, list | tuple):
        if all(isinstance(one, str) for one in value):
            return shlex.join(value)
        short = [f"{one:g}" for one in value[:MOST_LISTED]]
        more = len(value) - len(short)
        return ", ".join(short) + (f", … ({more} more)" if more else "")
    return f"{value:g}" if isinstance(value, float) else str(value)
