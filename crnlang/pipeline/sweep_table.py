"""The runs of a sweep -> one table: means and answers against the parameters.

`table.csv` has a row for each quantity and time: the run, the parameters, the engine,
`quantity` (`mean X`, `sd X`, or the name of a query), `time`, `value`, `error`. Errors
are those of samples: 0 for an exact law or a network that is read out exactly. Joint
laws (`dist`) stay in the runs. `table.zarr` has the same with an axis a parameter.
"""

import csv
import io
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from crnlang.pipeline.axes import spelled
from crnlang.pipeline.sweep import Done, Point, Sweep
from crnlang.results.checkpoint import WriteError
from crnlang.results.record import RunData
from crnlang.results.run_directory import read_run

TABLE, GRID, FAILURES = "table.csv", "table.zarr", "failures.csv"
Row = tuple[str, float, float, float]


def write_tables(sweep: Sweep, failed: Sequence[Done]) -> tuple[Path, str]:
    """Write the tables of all points that have a run; why there is no grid, if so.

    Raises:
        RunError: a run is damaged.
        WriteError: they cannot be written.
    """
    points = [point for point in sweep.points() if sweep.is_done(point)]
    runs = [(point, read_run(sweep.place(point))) for point in points]
    names = [axis.name for axis in sweep.axes]
    table = sweep.directory / TABLE
    head = ["run", *names, "engine", "quantity", "time", "value", "error"]
    lines = [
        [
            sweep.place(point).name,
            *map(spelled, point.values.values()),
            data.engine,
            quantity,
            *("" if np.isnan(one) else repr(float(one)) for one in numbers),
        ]
        for point, data in runs
        for quantity, *numbers in rows_of(data)
    ]
    failures = [
        [
            sweep.place(one.point).name,
            *map(spelled, one.point.values.values()),
            one.trouble,
        ]
        for one in failed
    ]
    try:
        _write(table, [head, *lines])
        if failures:
            _write(sweep.directory / FAILURES, [["run", *names, "reason"], *failures])
        else:
            (sweep.directory / FAILURES).unlink(missing_ok=True)
        why = _write_grid(sweep, runs)
    except OSError as error:
        raise WriteError(
            f"cannot write the table of {sweep.directory}: {error.strerror or error}; "
            "the runs are there: make room and give the same command again"
        ) from error
    return table, why


def rows_of(data: RunData) -> Iterator[Row]:
    """Quantity, time, value and error, over all save times; -inf and the like stay."""
    errors = mean_errors(data)
    for v, name in enumerate(data.names):
        for k, time in enumerate(data.times.tolist()):
            yield f"mean {name}", time, float(data.means[k, v]), float(errors[k, v])
    if data.has_law:
        for v, name in enumerate(data.names):
            for k, time in enumerate(data.times.tolist()):
                yield f"sd {name}", time, float(data.sds[k, v]), np.nan
    for query in data.queries:
        if query.species:
            continue
        numbers = zip(query.times, query.values, query.errors, strict=True)
        for time, value, error in numbers:
            yield query.name, float(time), float(value), float(error)


def mean_errors(data: RunData) -> Float[np.ndarray, "times species"]:
    """The standard error of each mean; 0 where no samples are behind it."""
    with np.errstate(invalid="ignore"):
        return data.sds / np.sqrt(data.samples)[:, None]


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Write a table in one go, so that a kill leaves the old one or the new one."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    draft = path.with_name(f".{path.name}.partial")
    draft.write_text(stream.getvalue(), encoding="utf-8")
    draft.replace(path)


def _write_grid(sweep: Sweep, runs: Sequence[tuple[Point, RunData]]) -> str:
    """Write `table.zarr`; why it cannot be a grid, or nothing."""
    target = sweep.directory / GRID
    shutil.rmtree(target, ignore_errors=True)
    if not runs:
        return "no point has a run"
    first = runs[0][1]
    for _, data in runs:
        if data.names != first.names or not np.array_equal(data.times, first.times):
            return "species or save times differ between points"
    draft = target.with_name(f".{GRID}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    grid(sweep, runs).to_zarr(draft, mode="w-", zarr_format=2, consolidated=True)
    draft.rename(target)
    return ""


def grid(sweep: Sweep, runs: Sequence[tuple[Point, RunData]]) -> Any:
    """Means, deviations and answers as an `xarray.Dataset`, nan where a run lacks."""
    import xarray as xr  # here, because it takes half a second to import

    shape = tuple(len(axis.values) for axis in sweep.axes)
    names = [axis.name for axis in sweep.axes]
    first = runs[0][1]
    tables: dict[str, Any] = {}

    def put(key: str, dims: tuple[str, ...], place: Any, values: np.ndarray) -> None:
        if key not in tables:
            whole = np.full((*shape, *values.shape), np.nan)
            tables[key] = ((*names, *dims), whole)
        if tables[key][1][place].shape == values.shape:
            tables[key][1][place] = values

    coordinates: dict[str, Any] = {axis.name: list(axis.values) for axis in sweep.axes}
    coordinates |= {"time": first.times, "species": list(first.names)}
    for point, data in runs:
        place = np.unravel_index(point.number - 1, shape)
        by_species = ("time", "species")
        put("mean", by_species, place, data.means)
        put("mean_error", by_species, place, mean_errors(data))
        put("sd", by_species, place, data.sds)
        for query in data.queries:
            if query.species:
                continue
            dims = (f"time_{query.name}",)
            coordinates.setdefault(dims[0], query.times)
            put(f"query_{query.name}", dims, place, query.values)
            put(f"error_{query.name}", dims, place, query.errors)
    return xr.Dataset(tables, coordinates, {"model": first.model})
