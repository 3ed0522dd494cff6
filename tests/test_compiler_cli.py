"""`crnc check | explain | show`: exit codes, streams, and no JAX."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import crnlang.cli.files
from crnlang.cli import main

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "birth_death.crn"


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_explain_says_what_the_file_means():
    text = run("explain", ROOT / "examples" / "toggle_switch.crn").stdout
    assert "b * Gy_on * Px^2" in text
    assert "Gx_on + Gx_off = 1" in text
    assert "25600" in text
    assert "fsp: yes" in text


def test_explain_refuses_the_exact_engine_for_large_boxes():
    text = run("explain", ROOT / "examples" / "mapk_cascade.crn").stdout
    assert "fsp: no" in text
    assert "cap from a conservation law" in text


def test_a_wrong_model_is_exit_code_1_on_stderr(tmp_path):
    path = tmp_path / "bad.crn"
    path.write_text("crn 1\nspecies X in 0..3\nX -> Y @ 1\n")
    result = run("check", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"{path}:3:6: error[CRN201]: unknown species `Y`" in result.stderr


def test_a_warning_is_exit_code_0(tmp_path):
    path = tmp_path / "doubtful.crn"
    path.write_text("species X in 0..3\nX -> 0 @ 1\n")
    result = run("check", path)
    assert result.exit_code == 0
    assert "warning[CRN218]" in result.stderr
    assert "OK" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [["check"], ["check", "no_such_file.crn"], ["show", "--stage", "moon"], ["what"]],
)
def test_wrong_usage_is_exit_code_2(arguments):
    assert run(*arguments).exit_code == 2


def test_a_bug_is_exit_code_70_with_a_sentence(monkeypatch):
    def broken(path):
        raise ZeroDivisionError

    monkeypatch.setattr(crnlang.cli.files, "compile_file", broken)
    result = run("check", EXAMPLE)
    assert result.exit_code == 70
    assert "This is a bug in crnlang" in result.stderr


def test_the_compiler_half_loads_no_jax():
    code = (
        "import sys, crnlang\nfrom crnlang.cli import main\n"
        f"main(['explain', {str(EXAMPLE)!r}], standalone_mode=False)\n"
        "assert not {'jax', 'equinox', 'optax', 'matplotlib'} & set(sys.modules)\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
