"""Run directories: what is written is read, nothing is overwritten, damage is seen."""

import tempfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from crnlang.results.record import QueryAnswer, RunData, RunError
from crnlang.results.run_directory import (
    create_run_directory,
    read_files,
    read_run,
    write_run,
)

NAMES = ("A", "B_C", "A_B", "C")


@st.composite
def contents(draw):
    """The arguments of a run; it is built in the test, not inside the strategy."""
    caps = np.array(draw(st.lists(st.integers(1, 4), min_size=4, max_size=4)))
    levels = {name: int(cap) + 1 for name, cap in zip(NAMES, caps, strict=True)}
    times = np.arange(draw(st.integers(1, 3)), dtype=float)
    size = len(times)

    def values(*shape):
        return draw(arrays(float, shape, elements=st.floats(0, 1)))

    pairs = draw(st.lists(st.sampled_from([("A", "B_C"), ("A_B", "C")]), unique=True))
    law = values(size, levels["A"], levels["B_C"])
    queries = [("d", "dist", ("A", "B_C"), times, law, law / 10)]
    queries += [
        (name, "prob", (), times, values(size), values(size))
        for name in draw(st.lists(st.sampled_from(["p", "p 1", "p+1"]), unique=True))
    ]
    return queries, {
        "engine": "fsp",
        "model": "m",
        "seed": draw(st.integers(0, 2**40)),
        "names": NAMES,
        "caps": caps,
        "times": times,
        "samples": np.full(size, np.inf),
        "marginals": values(size, 4, max(levels.values())),
        "means": values(size, 4),
        "sds": values(size, 4),
        "joints": {(a, b): values(size, levels[a], levels[b]) for a, b in pairs},
        "leak": draw(st.none() | st.just(times)),
        "health": draw(st.just({}) | st.just({"dt": np.array([0.1, 0.2])})),
        "status": draw(st.sampled_from(["complete", "stopped"])),
        "sentence": draw(st.text()),
        "wall_seconds": 1.5,
    }


def assert_same(a, b):
    if isinstance(a, np.ndarray):
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, QueryAnswer | RunData):
        for field in fields(a):
            assert_same(getattr(a, field.name), getattr(b, field.name))
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
    else:
        assert a == b


SIMPLE = RunData(
    engine="ssa",
    model="m",
    seed=1,
    names=("X",),
    caps=np.array([1]),
    times=np.array([0.0, 1.0]),
    samples=np.array([10.0, 10.0]),
    marginals=np.array([[[1.0, 0.0]], [[0.5, 0.5]]]),
    means=np.array([[0.0], [0.5]]),
    sds=np.array([[0.0], [0.5]]),
    joints={},
    queries=(),
    leak=None,
)


@settings(max_examples=15)
@given(contents())
def test_what_is_written_is_read(drawn):
    queries, fields_ = drawn
    answers = tuple(QueryAnswer(*query) for query in queries)
    data = RunData(**fields_, queries=answers)
    with tempfile.TemporaryDirectory() as folder:
        path = write_run(Path(folder) / "run", data, "crn 1\n", {"engine": "fsp"})
        assert_same(data, read_run(path))


def test_the_model_settings_and_extra_files_lie_beside_the_result(tmp_path):
    path = create_run_directory(tmp_path / "run", "m", "ssa")
    write_run(path, SIMPLE, "crn 1 # ü\n", {"seed": 1}, {"weights.eqx": b"\0\1"})
    files = read_files(path)
    assert files.model == "crn 1 # ü\n"
    assert files.settings == {"seed": 1}
    assert {"crnlang", "python", "numpy", "xarray", "command"} <= set(files.versions)
    assert (path / "weights.eqx").read_bytes() == b"\0\1"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_the_default_directory_is_fresh(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {create_run_directory(None, "toggle", "fsp") for _ in range(3)}
    assert len(found) == 3
    assert all(path.match("runs/toggle-fsp-????????-??????-????") for path in found)


def test_a_run_never_overwrites(tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(RunError, match="never overwrites"):
        create_run_directory(tmp_path, "m", "ssa")
    with pytest.raises(RunError, match="never overwrites"):
        write_run(tmp_path, SIMPLE, "", {})
    with pytest.raises(RunError, match="is a file"):
        create_run_directory(tmp_path / "note.txt", "m", "ssa")


def test_a_missing_or_foreign_directory_is_refused(tmp_path):
    with pytest.raises(RunError, match="no run at"):
        read_run(tmp_path / "nowhere")
    with pytest.raises(RunError, match="not a run directory"):
        read_run(tmp_path)


@pytest.mark.parametrize("how", ["changed", "removed", "unreadable"])
def test_a_damaged_directory_is_refused(tmp_path, how):
    path = write_run(tmp_path / "run", SIMPLE, "crn 1\n", {})
    chunk = path / "result.zarr" / "mean" / "0.0"
    if how == "changed":
        chunk.write_bytes(b"damage")
    elif how == "removed":
        chunk.unlink()
    else:
        (path / "manifest.json").write_text("{")
    with pytest.raises(RunError, match="is damaged"):
        read_run(path)
