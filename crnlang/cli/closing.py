"""What `crnc run` says at the end: numbers, answers, health, and what to do next."""

import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crnlang.compiler import Compilation
from crnlang.pipeline.found import Run
from crnlang.pipeline.verdict import verdict
from crnlang.results.record import QueryAnswer, RunData
from crnlang.settings import FspSettings

#: So many times, species and queries are printed; the run directory holds them all.
MOST_TIMES, MOST_ROWS = 4, 24
#: An answer with more numbers than this stays out of the JSON object.
MOST_NUMBERS = 100_000


def as_json_object(run: Run, directory: Path) -> dict[str, object]:
    """The run as JSON-ready values; infinite and missing numbers are null."""
    data = run.data
    return {
        "model": data.model,
        "engine": data.engine,
        "seed": data.seed,
        "outcome": run.outcome.word,
        "status": data.status,
        "sentence": data.sentence,
        "notes": list(run.data.notes),
        "directory": str(directory),
        "times": _plain(data.times),
        "means": {name: _plain(data.means[:, v]) for v, name in enumerate(data.names)},
        "sds": {name: _plain(data.sds[:, v]) for v, name in enumerate(data.names)},
        "samples": _plain(data.samples),
        "leak": None if data.leak is None else _plain(data.leak),
        "queries": {query.name: query_object(query) for query in data.queries},
        "seconds": {
            "compile": run.cost.compile_seconds,
            "run": run.cost.run_seconds,
            "total": data.wall_seconds,
        },
        "peak_memory_bytes": run.cost.peak_memory_bytes,
    }


def query_object(query: QueryAnswer) -> dict[str, object]:
    """An answer as JSON-ready values."""
    is_small = query.values.size <= MOST_NUMBERS
    return {
        "kind": query.kind,
        "species": list(query.species),
        "times": _plain(query.times),
        "values": _plain(query.values) if is_small else None,
        "errors": _plain(query.errors) if is_small else None,
    }


def _plain(numbers: np.ndarray) -> Any:
    """Nested lists with `None` for what JSON has no number for."""
    found: Any = numbers.astype(object)
    found[~np.isfinite(numbers)] = None
    return found.tolist()


def print_summary(
    console: Console,
    run: Run,
    compilation: Compilation,
    save: Sequence[float],
    directory: Path,
    overrides: Sequence[str],
) -> None:
    """Tables of means and answers, the verdict, where the run lies, what comes next."""
    title = "mean (standard deviation)" if run.data.has_law else "mean"
    console.print(Text(title, style="bold"))
    console.print(_species_table(run.data, save))
    if run.data.queries:
        console.print(Text("queries, at the last time of each", style="bold"))
        console.print(query_table(run.data.queries, run.data.samples[-1]))
    for note in run.data.notes:
        console.print(Text(f"note: {note}"))
    console.print(Text(verdict(run.data, compilation.lowered.space)))
    console.print(Text(_cost(run)))
    # soft_wrap: a path or a command that is cut by line breaks cannot be copied
    for line in _next_steps(run, compilation, directory, overrides):
        console.print(Text(line), soft_wrap=True)


def _species_table(data: RunData, save: Sequence[float]) -> Table:
    """Mean and standard deviation of each species at a few of the save times."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("species")
    places = shown_places(data.times, save)
    for place in places:
        table.add_column(f"t = {data.times[place]:g}", justify="right")
    for v, name in enumerate(data.names[:MOST_ROWS]):
        cells = [
            f"{data.means[k, v]:.4g}"
            + (f" ({data.sds[k, v]:.3g})" if data.has_law else "")
            for k in places
        ]
        table.add_row(name, *cells)
    if len(data.names) > MOST_ROWS:
        table.caption = f"and {len(data.names) - MOST_ROWS} more"
    return table


def shown_places(times: np.ndarray, save: Sequence[float]) -> list[int]:
    """Positions of a few times: the last one, and others evenly before it.

    Save times of the user come before those that queries added, and the start, where
    nothing has happened, comes last.
    """
    chosen = [k for k, t in enumerate(times) if np.isclose(t, save, rtol=1e-9).any()]
    chosen = [k for k in chosen if times[k] > 0] or chosen or [0]
    if len(times) - 1 not in chosen:
        chosen.append(len(times) - 1)
    picks = np.linspace(0, len(chosen) - 1, min(MOST_TIMES, len(chosen)))
    return [chosen[round(pick)] for pick in picks]


def query_table(
    queries: Sequence[QueryAnswer], samples: float, names: Sequence[str] = ()
) -> Table:
    """The answer of each query at the last time that it asks for, if it has times.

    `names` are shown in the place of their own.
    """
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("query", "times"):
        table.add_column(title)
    table.add_column("t", justify="right")
    table.add_column("answer")
    shown = names or [query.name for query in queries]
    for name, query in list(zip(shown, queries, strict=True))[:MOST_ROWS]:
        has_times = not np.isnan(query.times[-1])
        count = str(len(query.times)) if has_times else ""
        time = f"{query.times[-1]:g}" if has_times else ""
        table.add_row(Text(name), count, time, _last(query, samples))
    if len(queries) > MOST_ROWS:
        table.caption = f"and {len(queries) - MOST_ROWS} more"
    return table


def _last(query: QueryAnswer, samples: float) -> str:
    """The answer at the last time; of a law, its peak.

    `samples` is the effective number behind it, inf for an exact law.
    """
    values, errors = query.values[-1], query.errors[-1]
    if np.isnan(values).any():
        return "the condition never holds"
    if query.kind != "dist":
        is_unseen = (query.kind, float(values)) in (("logp", -np.inf), ("hit", 0.0))
        if is_unseen and np.isfinite(samples):
            return f"{float(values):g}: none of {samples:,.0f} samples"
        return _with_error(float(values), float(errors))
    peak = np.unravel_index(int(values.argmax()), values.shape)
    where = ", ".join(
        f"{name} = {count}" for name, count in zip(query.species, peak, strict=True)
    )
    chance = _with_error(float(values[peak]), float(errors[peak]))
    return f"most likely {where}: {chance}"


def _with_error(value: float, error: float) -> str:
    if np.isinf(error) and np.isfinite(value):
        return f"{value:.4g}, error not known"
    return f"{value:.4g} ± {error:.1g}" if 0 < error < np.inf else f"{value:.4g}"


def _cost(run: Run) -> str:
    compiling = run.cost.compile_seconds
    text = f"{run.data.wall_seconds:.1f} s"
    if compiling >= 0.05:
        text += f", of which {compiling:.1f} s compiling"
    peak = run.cost.peak_memory_bytes
    return (
        text if peak is None else f"{text}; {math.ceil(peak / 2**20)} MiB at the peak"
    )


def _next_steps(
    run: Run, compilation: Compilation, directory: Path, overrides: Sequence[str]
) -> list[str]:
    """Where the run lies, and commands worth copying."""
    picture = shlex.join(["crnc", "plot", str(directory), "-o", f"{directory}.png"])
    lines = [f"written to {directory}", f"  {picture}"]
    witness = _witness(run, compilation)
    if witness is None:
        return lines
    path = compilation.network.source.path
    times = [
        word for text in overrides if _is_question(text) for word in ("--set", text)
    ]
    exact = str(directory.with_name(f"{directory.name}-{witness}"))
    command = ["crnc", "run", path, "--engine", witness, *times, "--out", exact]
    what = "the exact law" if witness == "fsp" else "exact trajectories"
    return [
        *lines,
        f"to compare with {what}:",
        f"  {shlex.join(command)}",
        f"  {shlex.join(['crnc', 'compare', str(directory), exact])}",
    ]


def _is_question(override: str) -> bool:
    return override.partition("=")[0].strip() in ("t", "until", "save")


def _witness(run: Run, compilation: Compilation) -> str | None:
    """The exact engine that can check this run, if another one can."""
    states = compilation.lowered.space.number_of_states()
    is_offered = any(block.engine == "fsp" for block in compilation.network.solves)
    if run.data.engine == "fsp" or not run.data.has_law:
        return None
    if is_offered or states <= FspSettings.max_states:
        return "fsp"
    return None if run.data.engine == "ssa" else "ssa"
