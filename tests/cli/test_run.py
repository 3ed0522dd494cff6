"""`crnc run`: streams, exit codes, directories, and what the user reads."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_engine import fake_evolve, step_info
from rich.console import Console

from crnlang.cli import main
from crnlang.cli.progress import LiveProgress, Pace, PlainProgress
from crnlang.compiler import compile_text
from crnlang.pipeline.choose import resolve_solve
from crnlang.solve.outcome import Outcome

ROOT = Path(__file__).parents[2]
TEXT = """crn 1
model decay
species X in 0..6 = 6
X -> 0 @ 1
query prob(X > 2, at=[1, 2])
query prob(X > 2, given=X > 9, at=2)
query dist(X, at=2)
solve main with tdvp { t = 0..2; save = [1, 2]; width = 3; basis = 2 }
solve exact with fsp { t = 0..2; save = [1, 2] }
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with `decay.crn`, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "decay.crn").write_text(TEXT)
    return tmp_path


def crnc(*arguments):
    return CliRunner().invoke(main, list(arguments))


def use_fake_engine(monkeypatch, outcome=Outcome.SUCCESSFUL, on_set=0):
    monkeypatch.setattr("crnlang.pipeline.neural.evolve", fake_evolve(outcome, on_set))


@pytest.mark.parametrize("example", ["birth_death", "toggle_switch"])
def test_examples_run_compare_and_plot(example, here):
    pytest.importorskip("matplotlib")
    file = str(ROOT / "examples" / f"{example}.crn")
    few = ["--set", "trajectories=300"]
    assert crnc("run", file, "--engine", "fsp", "--out", "a").exit_code == 0
    assert crnc("run", file, "--engine", "ssa", *few, "--out", "b").exit_code == 0
    compared = crnc("compare", "a", "b")
    assert compared.exit_code == 0
    assert "The runs" in compared.stdout
    assert crnc("plot", "a", "-o", "a.png").exit_code == 0
    assert (here / "a.png").stat().st_size > 1000


def test_the_summary_says_what_was_found_and_what_to_do_next(here, monkeypatch):
    use_fake_engine(monkeypatch)
    result = crnc("run", "decay.crn", "--out", "my run")
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "mean (standard deviation)" in text
    assert "the condition never holds" in text
    assert "most likely X = 6: 1" in text
    assert "8 steps, 8 tries rejected" in text
    assert "written to my run" in text
    assert "crnc run decay.crn --engine fsp --out 'my run-fsp'" in text
    assert "crnc compare 'my run' 'my run-fsp'" in text
    assert "decay: tdvp (block main), t = 0..2" in result.stderr
    assert "tdvp  t = 1 of 2  step 4" in result.stderr


PASSAGES = """crn 1
species X in 0..6 = 3
X -> 0 @ 1
query mfpt(from=X == 3, to=X == 0)
query hit(X == 6, by=[1, 2])
query logp(X=6, at=1)
query hit(X == 0, by=[1, 2])
query rate(from=X == 3, to=X == 0)
solve exact with fsp { t = 0..2; save = [2] }
"""


def test_the_summary_tells_passages_and_what_was_never_seen(here):
    """The mean is 1/3 + 1/2 + 1; P(X = 0) at t = 2 is (1 - exp(-2))^3 = 0.6465."""
    (here / "fall.crn").write_text(PASSAGES)
    exact = " ".join(crnc("run", "fall.crn", "--out", "a").stdout.split())
    assert "mfpt_1 1.833 ± " in exact
    assert "hit_2 2 2 0 ± " in exact
    assert "logp_X 1 1 -inf " in exact
    assert "hit_4 2 2 0.6465 ± " in exact
    assert "rate_5 1 " in exact
    few = ("--engine", "ssa", "--set", "trajectories=500")
    drawn = " ".join(crnc("run", "fall.crn", *few, "--out", "b").stdout.split())
    assert "hit_2 2 2 0: none of 500 samples" in drawn
    assert "logp_X 1 1 -inf: none of 500 samples" in drawn
    assert "`rate_5` is not answered: `ssa` cannot answer `rate`" in drawn
    assert "`mfpt_1` is not answered" in drawn
    assert "have not arrived by the end of the run, t = 2" in drawn


def test_json_has_null_where_there_is_no_time(here):
    (here / "fall.crn").write_text(PASSAGES)
    result = crnc("run", "fall.crn", "--json", "--quiet", "--out", "a")
    queries = json.loads(result.stdout)["queries"]
    assert queries["mfpt_1"]["times"] == [None]
    assert queries["mfpt_1"]["values"] == [pytest.approx(11 / 6)]
    assert queries["logp_X"]["values"] == [None]
    assert queries["hit_4"]["times"] == [1.0, 2.0]


def test_the_summary_says_how_much_was_followed_on_a_set(here, monkeypatch):
    use_fake_engine(monkeypatch, on_set=8)
    text = " ".join(crnc("run", "decay.crn", "--out", "a").stdout.split())
    assert "no variational step taken: 8 steps lost 0.01 of the law" in text
    assert "within a Hellinger distance of 0.05" in text
    assert "Healthy" not in text
    use_fake_engine(monkeypatch, on_set=3)
    text = " ".join(crnc("run", "decay.crn", "--out", "b").stdout.split())
    assert "Healthy by its own measures, which is no proof: 8 steps, 3 on a set" in text


def test_json_is_one_object_and_nothing_else(here):
    result = crnc("run", "decay.crn", "--engine", "fsp", "--json")
    found = json.loads(result.stdout)
    assert found["outcome"] == "successful"
    assert found["times"] == [1, 2]
    assert found["means"]["X"][0] == pytest.approx(6 * 0.36787944)
    assert found["samples"] == [None, None]
    assert found["queries"]["prob_1"]["times"] == [1, 2]
    assert found["queries"]["prob_2_given"]["values"] == [None]
    assert len(found["queries"]["dist_X"]["values"][0]) == 7
    assert set(found["seconds"]) == {"compile", "run", "total"}
    assert (here / found["directory"] / "manifest.json").is_file()


def test_quiet_prints_the_directory_only(here):
    result = crnc("run", "decay.crn", "--engine", "fsp", "--quiet")
    assert result.stderr == ""
    assert Path(result.stdout.strip()).parent == Path("runs")
    assert (here / result.stdout.strip() / "cost.json").is_file()


def test_a_run_is_never_overwritten(here):
    assert crnc("run", "decay.crn", "--engine", "fsp", "--out", "a").exit_code == 0
    before = (here / "a" / "manifest.json").read_text()
    again = crnc("run", "decay.crn", "--engine", "fsp", "--out", "a")
    assert again.exit_code == 2
    assert "never overwrites" in again.stderr
    assert (here / "a" / "manifest.json").read_text() == before


@pytest.mark.parametrize(
    ("outcome", "code"), [(Outcome.STEP_TOO_SMALL, 3), (Outcome.INTERRUPTED, 130)]
)
def test_a_run_that_stops_early_is_written_and_says_why(
    here, monkeypatch, outcome, code
):
    use_fake_engine(monkeypatch, outcome)
    result = crnc("run", "decay.crn", "--json", "--out", "a")
    assert result.exit_code == code
    assert outcome.sentence in result.stderr
    assert "last good time is t = 1" in result.stderr
    found = json.loads(result.stdout)
    assert (found["status"], found["outcome"]) == ("stopped", outcome.word)
    assert found["times"] == [1]
    assert "later times is not answered" in found["notes"][0]
    assert crnc("compare", "a", "a").exit_code == 0


def test_an_engine_that_refuses_leaves_no_directory(here):
    most = ["--set", "max_states=2"]
    result = crnc("run", "decay.crn", "--engine", "fsp", *most, "--out", "a")
    assert result.exit_code == 3
    assert "more than `max_states` = 2" in result.stderr
    assert not (here / "a").exists()


def test_ctrl_c_in_a_witness_leaves_nothing(here, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("crnlang.pipeline.witnesses.solve_fsp", interrupted)
    result = crnc("run", "decay.crn", "--engine", "fsp", "--out", "a")
    assert result.exit_code == 130
    assert "nothing was written" in result.stderr
    assert not (here / "a").exists()


def test_a_bug_is_exit_code_70(here, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("crnlang.pipeline.witnesses.solve_fsp", broken)
    result = crnc("run", "decay.crn", "--engine", "fsp", "--out", "a")
    assert result.exit_code == 70
    assert "This is a bug in crnlang" in result.stderr
    assert not (here / "a").exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (["--solve", "exatc"], "did you mean `exact`?"),
        (["--set", "smaples=3"], "did you mean `samples`?"),
        (["--set", "samples"], "write `--set key=value`"),
        (["--engine", "moon"], "not one of"),
        (["--seed", "-1"], "at least 0"),
        (["--set", "t=3"], "write `t = 0..40`"),
    ],
)
def test_wrong_usage_is_exit_code_2_with_a_way_out(here, wrong, words):
    result = crnc("run", "decay.crn", *wrong)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "Usage: main run" in result.stderr
    assert not (here / "runs").exists()


def test_a_wrong_model_is_exit_code_1(here):
    (here / "bad.crn").write_text("crn 1\nX -> Y @ 1\n")
    result = crnc("run", "bad.crn")
    assert result.exit_code == 1
    assert "bad.crn:2:1" in result.stderr


def test_show_prints_the_kernel(here):
    result = crnc("show", "decay.crn", "--stage", "kernel")
    assert result.exit_code == 0
    assert "# local generator of decay" in result.stdout


def test_plain_progress_speaks_at_save_times(capsys):
    choice = resolve_solve(compile_text(TEXT).network)
    progress = PlainProgress(choice)
    for step in range(1, 9):
        progress.step(step_info(step, 2.0))
    progress.part("reading", 1, 2)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[1] for line in lines] == ["t = 1 of 2", "t = 2 of 2"]


def test_the_live_line_fits_a_terminal():
    choice = resolve_solve(compile_text(TEXT).network)
    for width in (80, 160):
        progress = LiveProgress(choice, Console(width=width))
        assert "compiling" in str(list(progress.line().columns[1].cells))
        progress.step(step_info(1, 2.0))
        assert "step 1" in str(list(progress.line().columns[-1].cells))


def test_the_time_left_comes_from_the_steps_after_the_first(monkeypatch):
    now = iter([100.0, 110.0, 120.0])
    monkeypatch.setattr("crnlang.cli.progress.time.monotonic", lambda: next(now))
    pace = Pace(until=10.0)
    pace.mark(1.0)
    assert pace.left() == ""
    pace.mark(2.0)
    assert pace.left() == "1:20 left"
    pace.mark(10.0)
    assert pace.left() == ""
