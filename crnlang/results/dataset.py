"""The record of a run as one labelled xarray dataset in a zarr directory, and back.

    marginal(time, species, count)          mean, sd(time, species)
    joint_A_B(time, count_A, count_B)       leak, samples(time)
    query_NAME(time_NAME, count_A, ...)     error_NAME, of the same shape
    health_KEY(step)

The attributes hold the engine, the model, the seed, the status and its sentence.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from crnlang.results.record import QueryAnswer, RunData, RunError

#: Raised when the layout changes, so that a reader never misreads an older run.
FORMAT = 1


def to_dataset(data: RunData) -> Any:
    """The record as an `xarray.Dataset`."""
    import xarray as xr  # here, because it takes half a second to import

    by_time, by_species = ("time",), ("time", "species")
    variables: dict[str, Any] = {
        "cap": (("species",), data.caps),
        "samples": (by_time, data.samples),
        "marginal": ((*by_species, "count"), data.marginals),
        "mean": (by_species, data.means),
        "sd": (by_species, data.sds),
    }
    if data.leak is not None:
        variables["leak"] = (by_time, data.leak)
    joint_names = _distinct(f"joint_{a}_{b}" for a, b in data.joints)
    for place, (a, b) in enumerate(data.joints):
        dims = ("time", f"count_{a}", f"count_{b}")
        about = {"species": [a, b], "place": place}
        variables[joint_names[place]] = (dims, data.joints[a, b], about)
    query_names = _distinct(query.name for query in data.queries)
    for place, query in enumerate(data.queries):
        variables |= _query_variables(query_names[place], query, place)
    for key, values in data.health.items():
        variables[f"health_{key}"] = (("step",), values)
    top = data.marginals.shape[2]
    coordinates = {"time": data.times, "species": list(data.names), "count": range(top)}
    return xr.Dataset(
        variables,
        {name: (name, np.asarray(values)) for name, values in coordinates.items()},
        {
            "crnlang_run": FORMAT,
            "engine": data.engine,
            "model": data.model,
            "seed": data.seed,
            "status": data.status,
            "sentence": data.sentence,
            "wall_seconds": data.wall_seconds,
            "notes": list(data.notes),
        },
    )


def _query_variables(name: str, query: QueryAnswer, place: int) -> dict[str, Any]:
    """The values, errors and times of one answer."""
    time = f"time_{name}"
    dims = (time, *(f"count_{one}" for one in query.species))
    about = {
        "name": query.name,
        "kind": query.kind,
        "species": list(query.species),
        "place": place,
    }
    return {
        f"query_{name}": (dims, query.values, about),
        f"error_{name}": (dims, query.errors),
        time: ((time,), query.times),
    }


def _distinct(names: Iterable[str]) -> list[str]:
    """The names as words of a file name, made different where they collide."""
    found: list[str] = []
    for name in names:
        word = re.sub(r"\W+", "_", name)
        same = sum(one == word or one.startswith(f"{word}__") for one in found)
        found.append(f"{word}__{same + 1}" if same else word)
    return found


def from_dataset(dataset: Any) -> RunData:
    """The record that `to_dataset` stored."""
    about = dataset.attrs
    names = tuple(str(name) for name in dataset["species"].values)

    def of(prefix: str) -> list[tuple[str, Any]]:
        found = [
            (str(name).removeprefix(prefix), variable)
            for name, variable in dataset.variables.items()
            if str(name).startswith(prefix)
        ]
        return sorted(found, key=lambda item: item[1].attrs.get("place", 0))

    return RunData(
        engine=about["engine"],
        model=about["model"],
        seed=int(about["seed"]),
        names=names,
        caps=dataset["cap"].values,
        times=dataset["time"].values,
        samples=dataset["samples"].values,
        marginals=dataset["marginal"].values,
        means=dataset["mean"].values,
        sds=dataset["sd"].values,
        joints={tuple(v.attrs["species"]): v.values for _, v in of("joint_")},
        queries=tuple(
            QueryAnswer(
                name=variable.attrs["name"],
                kind=variable.attrs["kind"],
                species=tuple(variable.attrs["species"]),
                times=dataset[f"time_{word}"].values,
                values=variable.values,
                errors=dataset[f"error_{word}"].values,
            )
            for word, variable in of("query_")
        ),
        leak=dataset["leak"].values if "leak" in dataset else None,
        health={key: variable.values for key, variable in of("health_")},
        status=about["status"],
        sentence=about["sentence"],
        wall_seconds=float(about["wall_seconds"]),
        notes=tuple(about.get("notes", ())),  # runs of older versions kept none
    )


def save_dataset(data: RunData, path: Path) -> None:
    """Write the record to a new zarr directory."""
    to_dataset(data).to_zarr(path, mode="w-", zarr_format=2, consolidated=True)


def load_dataset(path: Path) -> RunData:
    """Read the record from a zarr directory.

    Raises:
        RunError: it is missing, damaged, or of another version of the layout.
    """
    import xarray as xr  # here, because it takes half a second to import

    try:
        with xr.open_zarr(path, chunks=None) as dataset:
            found = dataset.attrs.get("crnlang_run")
            if found != FORMAT:
                raise RunError(
                    f"{path} has layout {found}, and this crnlang reads {FORMAT}; "
                    "use the version of crnlang in its versions.json"
                )
            return from_dataset(dataset.load())
    except (OSError, KeyError, ValueError, json.JSONDecodeError) as error:
        raise RunError(
            f"{path} cannot be read: {error}; run the model again"
        ) from error
