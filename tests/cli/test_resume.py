"""`crnc resume`: after kills, signals and a full disc, to the same bits; refusals."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from fake_engine import fake_evolve

from crnlang.cli import main
from crnlang.results import checkpoint
from crnlang.results.checkpoint import held
from crnlang.results.run_directory import read_run
from crnlang.solve.evolve import evolve
from crnlang.solve.outcome import Outcome

TEXT = """crn 1
model decay
species X in 0..6 = 6
X -> 0 @ 1
solve main with natgrad {
    t = 0..0.5; save = [0.25, 0.5]; width = 3; basis = 2; samples = 16; epochs = 1
    dt = 0.002; checkpoint = 0
}
solve exact with fsp { t = 0..2; save = [1, 2] }
"""
CRNC = [sys.executable, "-m", "crnlang"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with `decay.crn`, as the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "decay.crn").write_text(TEXT)
    return tmp_path


def crnc(*arguments):
    return CliRunner().invoke(main, list(arguments))


def start(*arguments):
    """A process of its own, its output kept."""
    return subprocess.Popen(
        [*CRNC, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(path, process):
    """Wait until a file is there or the process has ended."""
    while not path.exists() and process.poll() is None:
        time.sleep(0.01)


def weights(directory):
    return [path.read_bytes() for path in sorted(Path(directory).glob("weights_*"))]


def assert_same_numbers(a, b):
    assert len(weights(a)) == 2
    assert weights(a) == weights(b)
    one, other = read_run(Path(a)), read_run(Path(b))
    assert one.status == other.status == "complete"
    assert (one.means == other.means).all()
    for name, values in one.health.items():
        if name != "seconds":
            assert values.tolist() == pytest.approx(
                other.health[name].tolist(), rel=0, abs=0, nan_ok=True
            )


def kill_often(rng, most):
    """Start a run and kill it at random moments, again and again; the number of kills.

    The last attempt is left alone.
    """
    kills = 0
    process = start("run", "decay.crn", "--quiet", "--out", "killed")
    while kills < most:
        wait_for(Path("killed/checkpoint/run.json"), process)
        if rng.random() < 0.8:
            wait_for(Path("killed/checkpoint/state.npz"), process)
        time.sleep(rng.random() * 1.5)
        if process.poll() is not None:
            break
        process.kill()
        process.communicate()
        kills += 1
        if not Path("killed/checkpoint").exists():
            return kills  # it was finished, and about to exit
        process = start("resume", "killed", "--quiet")
    _, said = process.communicate()
    assert process.returncode == 0, said
    return kills


def test_a_run_that_was_killed_goes_on_to_the_same_bits(here):
    assert crnc("run", "decay.crn", "--quiet", "--out", "whole").exit_code == 0
    assert kill_often(random.Random(1), most=2) >= 1
    assert_same_numbers("whole", "killed")
    assert not Path("killed/checkpoint").exists()
    assert [path.name for path in here.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_twenty_kills(here):
    long = TEXT.replace("0..0.5", "0..4").replace("[0.25, 0.5]", "[2, 4]")
    (here / "decay.crn").write_text(long)
    assert crnc("run", "decay.crn", "--quiet", "--out", "whole").exit_code == 0
    assert kill_often(random.Random(2), most=20) == 20
    assert_same_numbers("whole", "killed")


@pytest.mark.parametrize(
    ("number", "code", "shell"),
    [(signal.SIGTERM, 143, ""), (signal.SIGINT, 130, "trap '' INT; exec ")],
)
def test_a_signal_ends_a_run_after_its_step(here, number, code, shell):
    """Also where a shell has Ctrl-C ignored, as for what runs in the background."""
    words = f'{shell}"{sys.executable}" -m crnlang run decay.crn --set t=0..9 --out a'
    process = subprocess.Popen(
        ["sh", "-c", words if shell else f"exec {words}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(Path("a/checkpoint/state.npz"), process)
    os.kill(process.pid, number)
    _, said = process.communicate()
    assert process.returncode == code, said
    assert "stopping after this step" in said
    assert "continue with: crnc resume a" in said
    data = read_run(Path("a"))
    assert data.status == "stopped"
    assert 0 < data.times[-1] < 9
    assert Path("a/checkpoint/state.npz").is_file()


def stopped_run(*options):
    """A run `a` that was interrupted after 150 of 250 steps."""

    def interrupted(model, generator, settings, save, report, *rest):
        def counted(info):
            report(info)
            if info.step == 150:
                raise KeyboardInterrupt

        return evolve(model, generator, settings, save, counted, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crnlang.pipeline.neural.evolve", interrupted)
        result = crnc("run", "decay.crn", "--out", "a", *options)
    assert result.exit_code == 130, result.output
    return result


def test_an_interrupted_run_is_written_and_goes_on(here):
    assert crnc("run", "decay.crn", "--quiet", "--out", "whole").exit_code == 0
    said = stopped_run("--set", "checkpoint=60").stderr
    assert "continue with: crnc resume a" in said
    assert read_run(Path("a")).times.tolist() == pytest.approx([0.25, 0.3])
    result = crnc("resume", "a", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["times"] == [0.25, 0.5]
    assert_same_numbers("whole", "a")
    again = crnc("resume", "a")
    assert again.exit_code == 2
    assert "a is finished: t = 0.5 was reached" in again.stderr


@pytest.fixture
def stopped(here):
    """A folder with a run `a` that was interrupted."""
    stopped_run()
    return here


def refused(*words):
    before = {
        path: path.read_bytes() for path in Path("a").rglob("*") if path.is_file()
    }
    result = crnc("resume", "a")
    assert result.exit_code == 2, result.output
    for word in words:
        assert word in " ".join(result.stderr.split())
    after = {path: path.read_bytes() for path in Path("a").rglob("*") if path.is_file()}
    for name in ("lock", "progress.json"):  # of who works on it, for who looks at it
        del before[Path("a/checkpoint", name)], after[Path("a/checkpoint", name)]
    assert before == after


def test_what_has_changed_is_refused(stopped):
    file = stopped / "decay.crn"
    file.write_text(TEXT.replace("@ 1", "@ 2"))
    refused("decay.crn has changed since, in line 4", "Change it back")
    file.write_text(TEXT)
    path = stopped / "a" / "checkpoint" / "run.json"
    begun = json.loads(path.read_text())
    begun["settings"]["samples"] = 32
    path.write_text(json.dumps(begun))
    refused("`samples` was 32 and is 16")
    begun["settings"]["samples"] = 16
    path.write_text(json.dumps(begun | {"lowered": "0"}))
    refused("what", "means has changed since")
    path.write_text("{")
    refused("cannot be read", "run the model again")
    path.write_text(json.dumps(begun))
    with held(Path("a")):
        refused("is being worked on by process")
    state = stopped / "a" / "checkpoint" / "state.npz"
    content = state.read_bytes()
    state.write_bytes(content[:400])
    refused("its checkpoint is damaged")
    state.write_bytes(content)
    file.unlink()  # the text in the checkpoint is enough
    assert crnc("resume", "a").exit_code == 0


def test_other_versions_are_told(stopped):
    path = stopped / "a" / "checkpoint" / "run.json"
    begun = json.loads(path.read_text())
    begun["versions"]["jax"] = "0.0.1"
    path.write_text(json.dumps(begun))
    result = crnc("resume", "a")
    assert result.exit_code == 0
    assert "note: jax was 0.0.1, is" in result.stderr


def test_a_run_that_stopped_by_itself_is_not_continued(here, monkeypatch):
    monkeypatch.setattr(
        "crnlang.pipeline.neural.evolve", fake_evolve(Outcome.STEP_TOO_SMALL)
    )
    result = crnc("run", "decay.crn", "--out", "a")
    assert result.exit_code == 3
    assert "crnc resume" not in result.stderr
    assert not Path("a/checkpoint").exists()
    result = crnc("resume", "a")
    assert result.exit_code == 2
    assert "would stop there again" in result.stderr
    assert "Raise `tolerance`" in result.stderr


def test_what_is_no_run_is_refused(here):
    assert "there is no run at nowhere" in crnc("resume", "nowhere").stderr
    (here / "empty").mkdir()
    assert "is not a run directory" in crnc("resume", "empty").stderr


def test_a_witness_keeps_no_checkpoints(here):
    """It is killed while it works; what to do instead is a command."""
    words = "import crnlang.pipeline.witnesses as w, os, sys\n"
    words += "w.solve_fsp = lambda *_: os.kill(os.getpid(), 9)\n"
    words += "from crnlang.cli import main; main()"
    command = [sys.executable, "-c", words, "run", "decay.crn", "--solve", "exact"]
    killed = subprocess.run([*command, "--out", "a"], capture_output=True, check=False)
    assert killed.returncode == -9
    result = crnc("resume", "a")
    assert result.exit_code == 2
    assert "`fsp` keeps no checkpoints" in result.stderr
    assert "--solve exact --engine fsp --seed 0" in result.stderr


def full_disc(monkeypatch, *, after=0):
    """No file can be flushed to the disc, or renamed onto it, after so many."""
    left = [after]

    def full(*_):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)


def test_a_full_disc_at_the_start_is_told(here, monkeypatch):
    full_disc(monkeypatch)
    result = crnc("run", "decay.crn", "--out", "a")
    assert result.exit_code == 3
    assert "cannot write the run directory a: No space left" in result.stderr
    assert not Path("a").exists()


def test_a_full_disc_leaves_the_last_checkpoint(here, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        full_disc(patch, after=200)
        patch.setattr("crnlang.results.run_directory.save_dataset", full)
        result = crnc("run", "decay.crn", "--out", "a")
    assert result.exit_code == 3
    assert result.stderr.count("no checkpoint can be written into a: No space") == 1
    assert "cannot write the run directory a: No space left" in result.stderr
    assert "make room, then continue with: crnc resume a" in result.stderr
    assert [path.name for path in Path("a").iterdir()] == ["checkpoint"]
    assert crnc("resume", "a").exit_code == 0
    assert crnc("run", "decay.crn", "--quiet", "--out", "whole").exit_code == 0
    assert_same_numbers("whole", "a")


def test_a_full_disc_leaves_what_an_interrupted_run_had_written(stopped, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = read_run(Path("a"))
    with monkeypatch.context() as patch:
        patch.setattr("crnlang.results.run_directory.save_dataset", full)
        assert crnc("resume", "a").exit_code == 3
    assert read_run(Path("a")).times.tolist() == before.times.tolist()
    assert crnc("resume", "a").exit_code == 0


def test_a_directory_that_cannot_be_written_is_told(here, monkeypatch):
    def forbidden(self, *_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", forbidden)
    result = crnc("run", "decay.crn", "--out", "a")
    assert result.exit_code == 3
    assert "cannot make the run directory a: Permission denied" in result.stderr


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    checkpoint.replace_file(path, b"old")
    full_disc(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [child.name for child in tmp_path.iterdir()] == ["file"]
