"""The whole law of a run that found it as states, in one file of its directory.

    places             of every save time, the number i of its table of states
    states_i           that table: states x species
    weights_k          of save time k: probabilities, or weights of samples, if unequal
    groups_k           of save time k: the independent groups, where there are any
    bounds, is_exact   as in `Snapshot`, one a save time

Networks have their weights instead.
"""

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from crnlang.results.record import RunError
from crnlang.results.summary import Snapshot

LAW = "law.npz"
#: A law with more bytes than this stays out of the directory.
MOST_BYTES = 64_000_000


def pack_laws(snapshots: Sequence[Snapshot]) -> dict[str, bytes]:
    """The file by its name; nothing where the law is too large, or there is none.

    A table of states that several times share is kept once.
    """
    tables = {id(one.states): one.states for one in snapshots}
    known = list(tables)
    columns: dict[str, Any] = {
        "places": np.array([known.index(id(one.states)) for one in snapshots]),
        "bounds": np.array([one.bound for one in snapshots], dtype=float),
        "is_exact": np.array([one.is_exact for one in snapshots], dtype=bool),
    }
    for i, states in enumerate(tables.values()):
        small = np.min_scalar_type(int(states.max(initial=0)))
        columns[f"states_{i}"] = states.astype(small)
    for k, one in enumerate(snapshots):
        if one.weights is not None:
            columns[f"weights_{k}"] = one.weights
        if one.groups is not None:
            columns[f"groups_{k}"] = one.groups
    size = sum(column.nbytes for column in columns.values())
    if not snapshots or size > MOST_BYTES:
        return {}
    stream = BytesIO()
    np.savez_compressed(stream, **columns)
    return {LAW: stream.getvalue()}


def read_laws(
    directory: Path, times: Float[np.ndarray, " times"]
) -> tuple[Snapshot, ...]:
    """The law at every save time; empty where the run kept none.

    Raises:
        RunError: the file is damaged.
    """
    path = directory / LAW
    if not path.is_file():
        return ()
    try:
        with np.load(path, allow_pickle=False) as file:
            columns = dict(file)
        tables = [columns[f"states_{i}"] for i in range(max(columns["places"]) + 1)]
        return tuple(
            _snapshot(columns, k, float(time), tables) for k, time in enumerate(times)
        )
    except (OSError, KeyError, IndexError, ValueError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{path} cannot be read: {error}; run the model again"
        ) from error


def _snapshot(
    columns: Mapping[str, Any], place: int, time: float, tables: Sequence[Any]
) -> Snapshot:
    return Snapshot(
        time,
        tables[columns["places"][place]],
        columns.get(f"weights_{place}"),
        is_exact=bool(columns["is_exact"][place]),
        bound=float(columns["bounds"][place]),
        groups=columns.get(f"groups_{place}"),
    )
