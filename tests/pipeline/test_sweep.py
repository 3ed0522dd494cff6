"""Sweeps: values of parameters, points that are kept, skipped, refused or fail."""

import csv
import json
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from crnlang.cli import main
from crnlang.compiler import compile_text
from crnlang.pipeline import run_compiled
from crnlang.pipeline import sweep as sweeps
from crnlang.pipeline.axes import Axis, parse_axes, spelled, with_values
from crnlang.pipeline.interface import open_run
from crnlang.pipeline.sweep import Sweep, begin, run_points
from crnlang.pipeline.sweep_table import rows_of, write_tables
from crnlang.results.record import RunError
from crnlang.settings import SettingError
from crnlang.solve.outcome import Outcome

MODEL = """crn 1
model decay
param k = 1 [1/s] in 0.1..10 log, l = 2*k  # the rate, and twice as much
param start = 3
module other(S) {
  param k = 7
  S -> 0 @ 0*k
}
species X in 0..6 = start
lose: X -> 0 @ l
use other(X) as o
query p = prob(X > 0, at=[0.5, 1])
query dist(X, at=1)
solve main with fsp { t = 0..1; save = [1] }
"""
COMPILED = compile_text(MODEL)


def axes(*texts):
    return parse_axes(texts, COMPILED)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("k=1,2,5", (1, 2, 5)),
        ("k = 3", (3,)),
        ("k=[1, -2e-3]", (1, -0.002)),
        ("k=0.1:10:log:3", (0.1, 1, 10)),
        ("k=0:1:lin:5", (0, 0.25, 0.5, 0.75, 1)),
        ("k=0:1:0.25", (0, 0.25, 0.5, 0.75, 1)),
        ("k=range:3", (0.1, 1, 10)),
        ("k=2:9:log:1", (2,)),
    ],
)
def test_lists_and_grids(text, values):
    (axis,) = axes(text)
    assert axis == Axis("k", values)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("k", "names no values"),
        ("k=", "names no values"),
        ("m=1", "declares no parameter `m`"),
        ("o_k=1", "declares no parameter `o_k`"),
        ("starts=1", "did you mean `start`"),
        ("k=1,x", "cannot be `x`"),
        ("k=inf", "cannot be `inf`"),
        ("k=1,2,1", "twice"),
        ("k=0:1:log:3", "above 0"),
        ("k=2:1:lin:3", "ascend"),
        ("k=1:2:log:0", "whole number above 0"),
        ("k=1:2:cubic:3", "no list and no grid"),
        ("k=1:2", "no list and no grid"),
        ("k=2:1:0.5", "no values"),
        ("start=range:3", "has no range in the file"),
        ("k=1:2:lin:200000", "whole number above 0"),
    ],
)
def test_what_cannot_be_read_is_told_with_a_way_out(text, words):
    with pytest.raises(SettingError, match=words) as found:
        axes(text)
    assert found.value.fix


def test_parameters_are_given_once_and_points_are_not_too_many():
    with pytest.raises(SettingError, match="given twice"):
        axes("k=1", "k=2")
    with pytest.raises(SettingError, match="160,000 points"):
        axes("k=1:2:lin:400", "start=1:2:lin:400")


def test_parameters_of_sites_are_not_varied():
    text = "crn 1\nlattice grid(2)\nparam k[i] = i\nspecies X in 0..2 per site\n"
    with pytest.raises(SettingError, match="value for each site"):
        parse_axes(["k=1,2"], compile_text(text + "0 -> X @ k\n"))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_all_their_digits(value):
    assert float(spelled(value)) == value


@given(st.floats(0, 100), st.integers(0, 6))
def test_values_stand_where_the_old_ones_stood(k, start):
    text = with_values(COMPILED.program, {"start": start, "k": k})
    found = {one.name: one.value for one in compile_text(text).network.parameters}
    assert (found["k"], found["l"], found["start"]) == (k, 2 * k, start)
    assert found["o_k"] == 7
    assert "in 0.1..10 log, l = 2*k  # the rate, and twice as much" in text
    assert with_values(COMPILED.program, {}) == MODEL


def sweep(directory, *texts, model=MODEL, **options):
    compilation = compile_text(model, str(directory.parent / "decay.crn"))
    return Sweep(compilation, parse_axes(texts, compilation), directory, **options)


def swept(found, processes=1):
    begin(found)
    heard = []
    done = run_points(found, processes, heard.append)
    assert heard == done
    write_tables(found, [one for one in done if one.trouble])
    return done


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A sweep of two parameters, one of which starts the run outside of its cap."""
    found = sweep(tmp_path_factory.mktemp("sweep") / "out", "k=0.5,1", "start=2,9,3")
    return found, swept(found)


def test_a_failed_point_does_not_end_the_others(finished):
    found, done = finished
    assert [one.point.number for one in done] == [1, 2, 3, 4, 5, 6]
    failed = [one for one in done if one.trouble]
    assert [str(one.point) for one in failed] == [
        "k = 0.5, start = 9",
        "k = 1, start = 9",
    ]
    assert "error[CRN3" in failed[0].trouble
    with (found.directory / "failures.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["run"] for row in rows] == ["0002", "0005"]
    assert not found.place(failed[0].point).exists()


def test_each_point_is_an_ordinary_run(finished):
    found, _ = finished
    result = open_run(found.directory / "0004")
    assert result.mean("X", 1) == pytest.approx(2 * np.exp(-2))
    assert result.query("prob(X == 2, at=1)").values[0] == pytest.approx(np.exp(-4))


def test_the_table_has_means_and_answers_against_the_parameters(finished):
    found, _ = finished
    with (found.directory / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["quantity"] for row in rows} == {"mean X", "sd X", "p"}
    for row in rows:
        mean = np.exp(-2 * float(row["k"]) * float(row["time"]))
        start = float(row["start"])
        if row["quantity"] == "mean X":
            assert float(row["value"]) == pytest.approx(start * mean)
            assert float(row["error"]) == 0
        elif row["quantity"] == "p":
            assert float(row["value"]) == pytest.approx(1 - (1 - mean) ** start)
    ends = [row for row in rows if row["quantity"] == "p" and row["time"] == "1.0"]
    assert [(row["run"], row["engine"]) for row in ends] == [
        ("0001", "fsp"),
        ("0003", "fsp"),
        ("0004", "fsp"),
        ("0006", "fsp"),
    ]


def test_the_grid_has_an_axis_for_each_parameter(finished):
    xarray = pytest.importorskip("xarray")
    found, _ = finished
    with xarray.open_zarr(found.directory / "table.zarr", chunks=None) as grid:
        mean = grid["mean"].sel(k=1, start=3, time=1, species="X").item()
        assert mean == pytest.approx(3 * np.exp(-2))
        assert grid["query_p"].dims == ("k", "start", "time_p")
        assert np.isnan(grid["query_p"].sel(start=9)).all()


def test_finished_points_are_skipped_and_missing_ones_made(finished, monkeypatch):
    found, _ = finished
    again = sweep(found.directory, "k=0.5,1", "start=2,9,3")
    asked = []
    monkeypatch.setattr(sweeps, "run_task", lambda task: asked.append(task) or "no")
    begin(again)
    run_points(again, 1, lambda _: None)
    assert [task.directory.name for task in asked] == ["0002", "0005"]
    assert [task.seed for task in asked] == [1, 4]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": MODEL.replace("0..6", "0..7")}, "text of the model"),
        ({"engine": "ssa"}, 'engine changed \\(was null, is "ssa"\\)'),
        ({"seed": 3}, "seed changed"),
        ({"overrides": {"t": (0.0, 2.0)}}, "what `--set` says"),
    ],
)
def test_another_sweep_is_refused(finished, change, words):
    directory = finished[0].directory
    with pytest.raises(RunError, match=words):
        begin(sweep(directory, "k=0.5,1", "start=2,9,3", **change))
    with pytest.raises(RunError, match="`--param`"):
        begin(sweep(directory, "k=0.5,1", "start=2,9"))


def test_a_file_that_moved_is_the_same_sweep(finished):
    found, _ = finished
    plan = json.loads((found.directory / "sweep.json").read_text())
    plan["file"] = "/elsewhere/decay.crn"
    (found.directory / "sweep.json").write_text(json.dumps(plan))
    begin(found)


def test_a_directory_with_something_else_is_not_touched(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="holds something that is no sweep"):
        begin(sweep(tmp_path, "k=1"))
    with pytest.raises(RunError, match="no sweep"):
        begin(sweep(tmp_path / "notes.txt", "k=1"))


def test_after_an_interruption_the_same_sweep_goes_on(tmp_path):
    found = sweep(tmp_path / "out", "k=1,2")
    begin(found)

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_points(found, 1, stop)
    assert [found.is_done(point) for point in found.points()] == [True, False]
    assert [one.point.number for one in swept(found)] == [2]


def test_a_point_that_is_interrupted_ends_the_sweep_and_is_not_kept(
    tmp_path, monkeypatch
):
    def interrupted(*arguments):
        run = run_compiled(*arguments)
        return replace(run, outcome=Outcome.INTERRUPTED)

    monkeypatch.setattr(sweeps, "run_compiled", interrupted)
    found = sweep(tmp_path / "out", "k=1,2")
    begin(found)
    with pytest.raises(KeyboardInterrupt):
        run_points(found, 1, lambda _: None)
    assert not any(map(found.is_done, found.points()))
    assert not any(found.place(point).exists() for point in found.points())


def test_a_point_that_stopped_early_is_told_again(tmp_path, monkeypatch):
    def stopped(*arguments):
        run = run_compiled(*arguments)
        data = replace(run.data, status="stopped", sentence="Too wide.")
        return replace(run, data=data, outcome=Outcome.STEP_TOO_SMALL)

    found = sweep(tmp_path / "out", "k=1,2")
    with monkeypatch.context() as patch:
        patch.setattr(sweeps, "run_compiled", stopped)
        first = swept(found)
    assert [one.trouble for one in first] == ["stopped early: Too wide."] * 2
    heard = []
    assert run_points(found, 1, heard.append) == first
    assert heard == []


class Threads(ThreadPoolExecutor):
    """Threads instead of processes; a point with k = 2 kills its process."""

    def __init__(self, processes, mp_context):
        super().__init__(processes)

    def submit(self, fn, /, *args, **kwargs):
        if "k = 2" not in args[0].text:
            return super().submit(fn, *args, **kwargs)
        future = Future()
        future.set_exception(BrokenProcessPool())
        return future


def test_a_process_that_dies_takes_only_its_points_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeps, "ProcessPoolExecutor", Threads)
    monkeypatch.setattr(sweeps, "run_task", lambda task: "")
    found = sweep(tmp_path / "out", "k=1,2,3,4")
    begin(found)
    done = run_points(found, 2, lambda _: None)
    troubles = {one.point.values["k"]: one.trouble for one in done}
    assert set(troubles) == {1, 2, 3, 4}
    assert "its process died" in troubles[2]
    assert (troubles[3], troubles[4]) == ("", "")


@pytest.mark.slow
def test_processes_find_what_one_process_finds(tmp_path):
    one, two = (sweep(tmp_path / name, "k=0.5,1,2") for name in ("one", "two"))
    swept(one)
    swept(two, processes=2)
    tables = [(found.directory / "table.csv").read_text() for found in (one, two)]
    assert tables[0] == tables[1]


def test_runs_of_other_times_make_a_table_but_no_grid(tmp_path):
    model = MODEL.replace("t = 0..1; save = [1]", "t = 0..start; save = [start]")
    found = sweep(tmp_path / "out", "start=1,2", model=model)
    begin(found)
    run_points(found, 1, lambda _: None)
    table, why = write_tables(found, [])
    assert "save times differ" in why
    assert table.is_file()
    assert not (found.directory / "table.zarr").exists()


def test_means_without_deviations_have_no_error():
    data = open_run_of_means()
    rows = list(rows_of(data))
    assert {row[0] for row in rows} == {"mean X"}
    assert all(np.isnan(row[3]) for row in rows)


def open_run_of_means():
    from crnlang.results.record import RunData

    times = np.array([0.0, 1.0])
    return RunData(
        engine="ode",
        model="decay",
        seed=0,
        names=("X",),
        caps=np.array([6]),
        times=times,
        samples=np.full(2, np.nan),
        marginals=np.zeros((2, 1, 0)),
        means=np.ones((2, 1)),
        sds=np.full((2, 1), np.nan),
        joints={},
        queries=(),
        leak=None,
    )


def test_the_command_reports_failures_at_the_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "decay.crn").write_text(MODEL)
    command = ["sweep", "decay.crn", "--param", "start=3,9", "--out", "scan"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 3
    assert result.stdout.strip() == "scan/table.csv"
    assert "1 of 2: start = 3\n" in result.stderr
    assert "failed: start = 9: decay.crn:9:9: error[CRN3" in result.stderr
    assert "1 of 2 points failed" in result.stderr
    wrong = CliRunner().invoke(main, [*command[:-1], "other", "--param", "m=1"])
    assert wrong.exit_code == 2
    assert not (tmp_path / "other").exists()
