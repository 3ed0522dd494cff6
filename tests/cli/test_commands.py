"""`crnc compare` and `crnc plot`: what they print, and how they end."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from crnlang.cli import main
from crnlang.compiler import compile_text
from crnlang.results.run_directory import write_run
from crnlang.results.summary import Snapshot, summarise

TEXT = """crn 1
model pair
species X in 0..3 = 0
species Y in 0..2 = 0
r: 0 <-> X @ 1, 1
s: 0 <-> Y @ 1, 1
query dist(X, Y, at=[1])
"""
LOWERED = compile_text(TEXT).lowered
STATES = np.array([(x, y) for x in range(4) for y in range(3)])


@pytest.fixture
def two_runs(tmp_path):
    paths = []
    for number, weights in enumerate((np.ones(12), np.arange(1.0, 13.0))):
        snapshots = [Snapshot(t, STATES, weights, is_exact=True) for t in (0.0, 1.0)]
        data = summarise(LOWERED, snapshots, engine="fsp", seed=0)
        paths.append(str(write_run(tmp_path / f"run{number}", data, TEXT, {})))
    return paths


def invoke(command, *arguments):
    return CliRunner().invoke(main, [command, *arguments])


def test_compare_prints_a_table_and_a_verdict(two_runs):
    found = invoke("compare", *two_runs)
    assert found.exit_code == 0
    assert "The runs differ" in found.output
    assert "(X, Y)" in found.output
    same = invoke("compare", two_runs[0], two_runs[0], "--tolerance", "0.01")
    assert "The runs agree" in same.output


def test_compare_prints_json(two_runs):
    found = json.loads(invoke("compare", *two_runs, "--json").output)
    assert found["times"] == [0.0, 1.0]
    assert set(found["marginals"]) == {"X", "Y"}
    assert len(found["joints"]["X,Y"]) == 2
    distances = [*found["marginals"].values(), *found["joints"].values()]
    assert found["max_hellinger"] == max(map(max, distances))


@pytest.mark.parametrize(("limit", "code"), [("0.9", 0), ("0.01", 3)])
def test_compare_fails_above_a_limit(two_runs, limit, code):
    assert invoke("compare", *two_runs, "--fail-above", limit).exit_code == code


def test_a_missing_run_is_wrong_usage(tmp_path):
    nowhere = str(tmp_path / "nowhere")
    for command in ("compare", "plot"):
        extra = [nowhere] if command == "compare" else ["-o", str(tmp_path / "a.png")]
        found = invoke(command, nowhere, *extra)
        assert found.exit_code == 2
        assert "no run at" in found.output


def test_plot_draws_what_is_asked_for(two_runs, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "a.png"
    chosen = ["--species", "X", "--joint", "Y,X", "--time", "1"]
    found = invoke("plot", two_runs[0], "-o", str(out), *chosen)
    assert found.exit_code == 0
    assert Path(found.output.strip()) == out
    assert out.stat().st_size > 1000


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--species", "x"], "did you mean `X`?"),
        (["--joint", "X"], "two species"),
        (["--joint", "X,X"], "two different species"),
        (["--time", "7"], "it has 0, 1"),
        (["-o", "a.gif"], "must end in"),
    ],
)
def test_plot_says_what_is_wrong(two_runs, tmp_path, wrong, words):
    found = invoke("plot", two_runs[0], "-o", str(tmp_path / "a.png"), *wrong)
    assert found.exit_code == 2
    assert words in " ".join(found.output.split())


WRITERS = {
    "graph": ("graph", "m.crn", "-o", "out.svg"),
    "export": ("export", "m.crn", "-o", "out.net"),
    "import": ("import", "m.net", "-o", "out.crn", "--cap", "9"),
    "bounds": ("bounds", "m.crn", "--trajectories", "100", "--write", "out.crn"),
    "plot": ("plot", "a", "-o", "out.png"),
    "report": ("report", "a", "-o", "out.html"),
}


@pytest.mark.parametrize("command", WRITERS)
def test_a_file_that_exists_is_kept_unless_it_is_said(
    command, two_runs, tmp_path, monkeypatch
):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    Path("m.crn").write_text("crn 1\nspecies X in 0..9 = 5\nX -> 0 @ 1\n")
    assert invoke("export", "m.crn", "-o", "m.net").exit_code == 0
    Path("a").symlink_to(two_runs[0])
    words = WRITERS[command]
    out = next(Path(word) for word in words if word.startswith("out."))
    out.write_text("mine")
    kept = invoke(*words)
    assert kept.exit_code == 2
    assert "exists and is not overwritten" in " ".join(kept.output.split())
    assert out.read_text() == "mine"
    replaced = invoke(*words, "--overwrite")
    assert replaced.exit_code == 0, replaced.output
    assert out.read_bytes() != b"mine"
    words = [word.replace("out.", "nowhere/out.") for word in words]
    lost = invoke(*words)
    assert lost.exit_code == 2
    assert "there is no folder" in " ".join(lost.output.split())
