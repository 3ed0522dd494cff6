"""`crnc resume` of `ssa` and `we`: after kills and signals, to the same bits."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from compiled_once import compiled_once
from killed import killed_in_turn

from crnlang.cli import main
from crnlang.results.run_directory import read_run

TEXT = """crn 1
model refilled
species X in 0..9 = 6
X -> 0 @ 1
0 -> X @ 2
query prob(X > 7, at=[0.5, 1])
query hit(X == 0, by=[0.5, 1])
solve ssa with ssa { t = 0..1; save = [0.5, 1]; trajectories = 400; checkpoint = 0 }
solve we with we {
    t = 0..1; save = [0.5, 1]; bins = 4; walkers = 4; repeats = 2; resamplings = 8
    checkpoint = 0
}
"""
ENGINES = ("ssa", "we")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with `refilled.crn`, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "refilled.crn").write_text(TEXT)
    return tmp_path


@pytest.fixture(autouse=True, scope="module")
def _compiled_once():
    with compiled_once():
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The directories of runs that were not broken off, by engine."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "refilled.crn").write_text(TEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for engine in ENGINES:
            words = ("--solve", engine, "--quiet", "--out", engine)
            assert crnc("run", "refilled.crn", *words).exit_code == 0
    return {engine: folder / engine for engine in ENGINES}


def crnc(*arguments):
    return CliRunner().invoke(main, list(arguments))


def assert_same_numbers(a, b):
    assert Path(a, "law.npz").read_bytes() == Path(b, "law.npz").read_bytes()
    one, other = read_run(Path(a)), read_run(Path(b))
    assert one.status == other.status == "complete"
    assert (one.means == other.means).all()
    assert one.leak is not None
    assert other.leak is not None
    assert (one.leak == other.leak).all()
    assert [query.name for query in one.queries] == ["prob_1", "hit_2"]
    for mine, theirs in zip(one.queries, other.queries, strict=True):
        assert np.array_equal(mine.values, theirs.values)
        assert np.array_equal(mine.errors, theirs.errors)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """A folder with runs that were killed twice, named by engine."""
    folder = tmp_path_factory.mktemp("killed")
    (folder / "refilled.crn").write_text(TEXT)
    commands = []
    for engine in ENGINES:
        words = ("refilled.crn", "--solve", engine, "--quiet", "--out")
        commands.append((3, "run", *words, engine))
        commands.append((7, "resume", engine))  # in the middle of `hit`
    killed_in_turn("refilled.crn", folder, *commands)
    return folder


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_was_killed_goes_on_to_the_same_bits(
    killed, whole, engine, monkeypatch
):
    monkeypatch.chdir(killed)
    Path(engine).rename("killed")
    assert sorted(path.name for path in Path("killed").iterdir()) == ["checkpoint"]
    state = Path("killed/checkpoint/state.npz")
    content = state.read_bytes()
    state.write_bytes(content[: len(content) // 2])
    damaged = crnc("resume", "killed")
    assert damaged.exit_code == 2
    assert "its checkpoint is damaged" in damaged.stderr
    state.write_bytes(content)
    result = crnc("resume", "killed", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["status"] == "complete"
    assert_same_numbers(whole[engine], "killed")
    assert not Path("killed/checkpoint").exists()
    assert "killed is finished" in crnc("resume", "killed").stderr
    Path("killed").rename(engine)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_kills_at_random_moments(here, engine):
    long = TEXT.replace("= 400", "= 2000000").replace(
        "resamplings = 8", "resamplings = 9000"
    )
    (here / "refilled.crn").write_text(long.replace("checkpoint = 0", "checkpoint = 1"))
    words = ("refilled.crn", "--solve", engine, "--quiet", "--out")
    assert crnc("run", *words, "whole").exit_code == 0
    rng, kills = random.Random(3), 0
    arguments = ("run", *words, "killed")
    while True:
        process = subprocess.Popen([sys.executable, "-m", "crnlang", *arguments])
        time.sleep(5 + 10 * rng.random())
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills += Path("killed/checkpoint/run.json").is_file()
        has_begun = Path("killed").exists()
        arguments = ("resume", "killed", "--quiet") if has_begun else arguments
    assert process.returncode == 0
    assert kills >= 2
    assert_same_numbers("whole", "killed")


@pytest.mark.parametrize("engine", ["ssa", pytest.param("we", marks=pytest.mark.slow)])
def test_a_signal_ends_a_run_after_its_piece(here, whole, engine):
    words = ("run", "refilled.crn", "--solve", engine, "--out", "a")
    process = subprocess.Popen(
        [sys.executable, "-m", "crnlang", *words], stderr=subprocess.PIPE, text=True
    )
    while not Path("a/checkpoint/progress.json").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)  # while numba compiles
    _, said = process.communicate()
    assert process.returncode == 143, said
    assert "stopping after this step" in said
    assert "interrupted; continue with: crnc resume a" in said
    assert Path("a/checkpoint/state.npz").is_file()
    assert crnc("resume", "a").exit_code == 0
    assert_same_numbers(whole[engine], "a")
