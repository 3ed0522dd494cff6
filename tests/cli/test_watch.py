"""`crnc watch`: what it says of runs that go on, have ended, or were broken off."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from click.testing import CliRunner
from fake_engine import step_info
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from crnlang.cli import main
from crnlang.cli.watch import _clock, _line, _view
from crnlang.compiler import compile_text
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.found import Silent
from crnlang.pipeline.progress_writer import MOST_MESSAGES, ProgressWriter
from crnlang.pipeline.resume import begin_run
from crnlang.results import checkpoint
from crnlang.results.progress import PROGRESS, Progress, read_progress, write_progress
from crnlang.results.run_directory import write_run
from crnlang.results.summary import Snapshot, summarise

TEXT = """crn 1
model decay
species X in 0..6 = 6
X -> 0 @ 1
solve main with tdvp { t = 0..2; save = [1, 2] }
solve exact with fsp { t = 0..2; save = [1, 2] }
"""


def crnc(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def begun(directory, solve):
    """A run that has begun in a directory; its choice."""
    compilation = compile_text(TEXT)
    choice = resolve_solve(compilation.network, solve)
    directory.mkdir()
    begin_run(directory, compilation, choice)
    return choice


@pytest.fixture
def run(tmp_path):
    """The directory of a neural run, and the writer of its progress."""
    directory = tmp_path / "run"
    choice = begun(directory, "main")
    return directory, ProgressWriter(Silent(), directory, "decay", choice)


def ended(directory, **changes):
    """A finished run of `fsp`, its record changed."""
    lowered = compile_text(TEXT).lowered
    laws = [Snapshot(t, np.array([[6 - int(t)]]), is_exact=True) for t in (1.0, 2.0)]
    data = replace(summarise(lowered, laws, engine="fsp", seed=0), **changes)
    return write_run(directory, data, TEXT, {})


@pytest.fixture
def looked(monkeypatch):
    """A function that waits until the watcher has looked, and told what it saw."""
    module = import_module("crnlang.cli.watch")
    look_at, looks = module.look_at, []

    def counted(*given, **named):
        found = look_at(*given, **named)
        looks.append(found)
        return found

    def wait():
        # one look may have begun before, and what another sees is told before a third
        wanted, end = len(looks) + 3, time.monotonic() + 20
        while len(looks) < wanted and time.monotonic() < end:
            time.sleep(0.01)

    monkeypatch.setattr(module, "look_at", counted)
    return wait


def test_a_finished_run_is_told(tmp_path):
    found = crnc("watch", ended(tmp_path / "run", notes=("mind the gap",)))
    assert found.exit_code == 0
    assert "complete at t = 2" in found.output
    assert "note: mind the gap" in found.output


def test_lines_come_while_it_runs_and_stop_when_it_is_broken_off(run, looked):
    directory, writer = run
    with checkpoint.held(directory):
        told = ThreadPoolExecutor(1).submit(crnc, "watch", directory, "--every", "0.05")
        for step in range(1, 5):
            writer.spoken = 0.0  # each step is written at once
            writer.step(step_info(step, 2.0))
            looked()
    result = told.result(timeout=20)
    *lines, last, advice = result.output.splitlines()
    assert result.exit_code == 3
    assert "compiling the first step" in lines[0] or "step 1" in lines[0]
    assert any("t = 1 of 2  step 4  dt 0.25" in line for line in lines)
    assert any(
        "error 0.01  bound 0.04  effective sample size 2.4e+03" in line
        for line in lines
    )
    assert "broken off after t = 1" in last
    assert advice == f"continue with: crnc resume {directory}"


def test_what_cannot_be_continued_is_not_said_to_be(tmp_path):
    directory = tmp_path / "run"
    begun(directory, "exact")
    old = time.time() - 100
    os.utime(directory / "checkpoint" / "run.json", (old, old))
    found = crnc("watch", directory)
    assert found.exit_code == 3
    assert "broken off" in found.output
    assert "crnc resume" not in found.output


def test_a_run_that_leaves_nothing_is_told(run, looked):
    directory, _ = run
    with checkpoint.held(directory):
        told = ThreadPoolExecutor(1).submit(crnc, "watch", directory, "--every", "0.05")
        looked()
        checkpoint.end(directory)
    result = told.result(timeout=20)
    assert result.exit_code == 3
    assert "left nothing" in result.output


def test_a_run_that_stopped_early_says_why(tmp_path):
    found = crnc("watch", ended(tmp_path / "run", status="stopped", sentence="Tired."))
    assert found.exit_code == 3
    assert "stopped at t = 2" in found.output
    assert "Tired." in found.output


def test_no_run_is_wrong_usage(tmp_path):
    assert crnc("watch", tmp_path / "nowhere").exit_code == 2


def test_progress_is_written_at_most_once_a_second_and_keeps_the_last_messages(run):
    directory, writer = run
    writer.step(step_info(1, 2.0))
    writer.step(step_info(2, 2.0))
    assert read_progress(directory).step["step"] == 1
    for number in range(9):
        writer.trouble(f"trouble {number}")
    found = read_progress(directory)
    assert found.step["step"] == 2
    assert len(found.messages) == MOST_MESSAGES
    assert found.messages[-1] == "trouble 8"


def test_the_view_of_a_terminal_holds_time_pace_and_messages(run):
    _, writer = run
    writer.step(step_info(4, 2.0))
    seen = replace(
        writer.progress,
        time_a_second=0.1,
        steps_a_second=2.0,
        messages=("the disc is full",),
        written=time.time() - 90,
    )
    console = Console(width=100)
    with console.capture() as captured:
        console.print(_view(seen))
    text = captured.get()
    for words in (
        "decay: tdvp",
        "t = 1 of 2",
        "0:10 left",
        "2 steps/s",
        "disc is full",
    ):
        assert words in text
    assert "nothing new for 1:30" in text


def test_a_part_without_steps_is_told(run):
    _, writer = run
    writer.part("hit_1: trajectories", 1_500, 20_000)
    words = "hit_1: trajectories 1,500 of 20,000"
    assert words in _line(writer.progress)
    console = Console(width=80)
    with console.capture() as captured:
        console.print(_view(writer.progress))
    assert words in captured.get()


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"laws": 3}', "\x00"])
def test_damaged_progress_is_none(run, content):
    directory, _ = run
    (directory / "checkpoint" / PROGRESS).write_text(content)
    assert read_progress(directory) is None
    assert _line(None) == "starting"


NUMBERS = st.floats(0, 1e6)


@given(NUMBERS, NUMBERS, st.lists(st.text(max_size=20), max_size=3))
def test_progress_is_read_as_it_was_written(tmp_path_factory, pace, until, messages):
    directory = tmp_path_factory.mktemp("progress")
    (directory / "checkpoint").mkdir()
    step = {"t": 1.0, "dt": 0.5}
    wanted = Progress(
        "m", "ssa", until, 1.0, 2.0, step, pace, pace, "walks", 1, 2, tuple(messages)
    )
    write_progress(directory, wanted)
    found = read_progress(directory)
    assert found is not None
    assert replace(found, written=2.0) == wanted
    left = wanted.seconds_left()
    assert (left is None) == (pace == 0)
    assert json.loads((directory / "checkpoint" / PROGRESS).read_text())["written"] > 2


@given(st.integers(0, 10**6))
def test_clocks_are_read_back(seconds):
    parts = [int(part) for part in _clock(float(seconds)).split(":")]
    assert sum(part * 60**k for k, part in enumerate(reversed(parts))) == seconds
