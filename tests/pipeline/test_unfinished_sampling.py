"""Samplings that were broken off: what is shown is what the whole run shows there."""

import os

import numpy as np
import pytest
from click.testing import CliRunner
from compiled_once import compiled_once

from crnlang.cli import main
from crnlang.compiler import compile_text
from crnlang.pipeline import run_compiled
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.found import Silent
from crnlang.pipeline.reporting import report_run
from crnlang.pipeline.resume import PLAN, begin_run
from crnlang.pipeline.unfinished import open_any
from crnlang.results import checkpoint
from crnlang.results.record import RunError

TEXT = """crn 1
model refilled
species X in 0..9 = 6
X -> 0 @ 1
0 -> X @ 2
event at 0.5: X = min(X + 1, 9)
query prob(X > 7, at=[0.5, 1])
query prob(X < 1, at=[0.5, 1])
query hit(X == 0, by=[0.5, 1])
query mfpt(from=X == 6, to=X <= 1)
solve ssa with ssa {
    t = 0..1; save = [0.5, 1]; trajectories = 400; checkpoint = 0
}
solve we with we {
    t = 0..1; save = [0.5, 1]; bins = 4; walkers = 4; repeats = 2; resamplings = 8
    checkpoint = 0
}
"""


class StopsAt(Silent):
    """Ends a run after so many pieces of a part whose name begins like this."""

    def __init__(self, part, number):
        self.at = part, number

    def part(self, part, number, total):
        if part.startswith(self.at[0]) and number >= self.at[1]:
            raise KeyboardInterrupt


def begun(directory, engine):
    compilation = compile_text(TEXT, str(directory / "refilled.crn"))
    choice = resolve_solve(compilation.network, engine)
    directory.mkdir()
    begin_run(directory, compilation, choice)
    return compilation, choice


def age(directory):
    """Make a run one that began long ago."""
    os.utime(directory / checkpoint.FOLDER / checkpoint.BEGUN, (0, 0))


@pytest.fixture(scope="module", autouse=True)
def _compiled_once():
    with compiled_once():
        yield


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A function that begins a run and ends it at a part; what its directory holds."""

    def stop(engine, part, number):
        directory = tmp_path_factory.mktemp("stopped") / "run"
        with pytest.raises(KeyboardInterrupt):
            run_compiled(*begun(directory, engine), StopsAt(part, number), directory)
        age(directory)
        return open_any(directory)

    return stop


@pytest.fixture(scope="module")
def whole():
    """The record of a run by engine, not broken off."""
    compilation = compile_text(TEXT)
    return {
        engine: run_compiled(
            compilation, resolve_solve(compilation.network, engine), Silent()
        ).data
        for engine in ("ssa", "we")
    }


def answers(data):
    return {one.name: one for one in data.queries}


def test_the_trajectories_so_far_are_a_law_to_the_end(stopped):
    opened = stopped("ssa", "trajectories", 100)
    data = opened.result.data
    number = int(data.samples[0])
    assert opened.status == "unfinished"
    assert 100 <= number < 400
    assert f"trajectories {number} of 400 done" in data.sentence
    assert "no process works on it any more; go on with: crnc resume" in data.sentence
    assert data.times.tolist() == [0.5, 1.0]
    np.testing.assert_allclose(data.marginal("X").sum(axis=1), 1)
    many = data.marginal("X")[:, 8:].sum(axis=1)
    np.testing.assert_allclose(answers(data)["prob_1"].values, many)
    assert set(answers(data)) == {"prob_1", "prob_2"}
    assert "query `hit_3` is not answered: the run has not come so far" in data.notes


def test_a_passage_so_far_is_answered_with_its_own_error(stopped, whole):
    data = stopped("ssa", "hit_3", 30).result.data
    assert (data.means == whole["ssa"].means).all()
    hit = answers(data)["hit_3"]
    assert hit.times.tolist() == [0.5, 1.0]
    assert (hit.errors > answers(whole["ssa"])["hit_3"].errors).all()
    assert "mfpt_4" not in answers(data)


@pytest.mark.parametrize(("rounds", "times"), [(3, []), (5, [0.5]), (8, [0.5, 1.0])])
def test_ensembles_so_far_are_the_law_of_the_times_passed(
    stopped, whole, rounds, times
):
    """Round 4 reaches t = 0.5, and the fifth begins with the event there."""
    opened = stopped("we", "ensemble 1", rounds)
    data = opened.result.data
    assert data.times.tolist() == times
    assert f"ensemble 1: round {rounds} of 8 done" in data.sentence
    size = len(times)
    assert (data.means == whole["we"].means[:size]).all()
    assert (data.sds == whole["we"].sds[:size]).all()
    if times:
        found, all_of_it = answers(data)["prob_1"], answers(whole["we"])["prob_1"]
        assert (found.values == all_of_it.values[:size]).all()
        assert (found.errors == all_of_it.errors[:size]).all()
    page = report_run(opened.result, opened.versions, status=opened.status)
    assert 'class="unfinished"' in page
    assert "go on with: crnc resume" in page
    assert ('id="laws"' in page) == bool(times)


def test_an_event_at_a_save_time_is_waited_for(stopped):
    assert stopped("we", "ensemble 1", 4).result.data.times.tolist() == []


def test_questions_with_ensembles_of_their_own_are_answered_as_far_as_these(
    stopped, whole
):
    second = stopped("we", "ensemble 2", 5).result.data
    assert (second.means == whole["we"].means).all()
    assert answers(second)["prob_2"].times.tolist() == [0.5]
    assert "for some questions before" in " ".join(second.notes)
    third = stopped("we", "ensemble 3", 5).result.data
    hit, known = answers(third)["hit_3"], answers(whole["we"])["hit_3"]
    assert hit.times.tolist() == [0.5]
    assert (hit.values == known.values[:1]).all()
    assert (hit.errors == known.errors[:1]).all()
    fourth = stopped("we", "ensemble 4", 5).result.data
    assert "query `mfpt_4` is not answered: the run has not come so far" in fourth.notes


@pytest.mark.parametrize("engine", ["ssa", "we"])
def test_before_anything_is_kept_it_says_what_to_do(tmp_path, engine):
    begun(tmp_path / "run", engine)
    with pytest.raises(RunError, match="no checkpoint so far; wait for its first"):
        open_any(tmp_path / "run")  # begun just now, it is about to start
    age(tmp_path / "run")
    with pytest.raises(RunError, match="broken off before its first; go on with: crnc"):
        open_any(tmp_path / "run")


def test_the_command_says_how_far_it_is(stopped, tmp_path, monkeypatch):
    directory = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_compiled(*begun(directory, "ssa"), StopsAt("trajectories", 20), directory)
    age(directory)
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["report", "run"])
    assert told.exit_code == 0, told.output
    assert told.stdout == "run.html\n"
    assert "go on with: crnc resume run." in told.stderr
    assert "of 400 done" in told.stderr
    with checkpoint.held(directory):
        assert "crnc watch" in open_any(directory).result.data.sentence
    (tmp_path / PLAN).write_text("{}")
    assert "`crnc sweep` command" in open_any(directory).result.data.sentence
