"""`crnc fmt`, `crnc graph` and `crnc explain --latex`: files, streams, exit codes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from crnlang.cli import main

ROOT = Path(__file__).parents[2]
UNTIDY = "crn 1;model m\nspecies X in 0..3# three\nr:X->0@1\n"
TIDY = "crn 1\nmodel m\nspecies X in 0..3  # three\nr: X -> 0  @ 1\n"
WRONG = "crn 1\nX => 0 @ 1\n"


def crnc(*arguments, **options):
    return CliRunner().invoke(main, [str(a) for a in arguments], **options)


@pytest.fixture
def files(tmp_path):
    """An untidy, a tidy and a wrong file."""
    paths = [tmp_path / f"{name}.crn" for name in ("untidy", "tidy", "wrong")]
    for path, text in zip(paths, (UNTIDY, TIDY, WRONG), strict=True):
        path.write_bytes(text.encode())
    return paths


def test_files_are_rewritten_in_place(files, tmp_path):
    untidy, tidy, _ = files
    untidy.chmod(0o640)
    before = tidy.stat()
    result = crnc("fmt", untidy, tidy)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{untidy}: reformatted\n"
    assert untidy.read_text() == TIDY
    assert stat.S_IMODE(untidy.stat().st_mode) == 0o640
    after = tidy.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_check_lists_and_writes_nothing(files):
    untidy, tidy, _ = files
    result = crnc("fmt", "--check", untidy, tidy)
    assert result.exit_code == 1
    assert result.stderr == f"{untidy}: would be reformatted\n"
    assert untidy.read_text() == UNTIDY
    assert crnc("fmt", "--check", tidy).exit_code == 0


def test_diff_prints_and_writes_nothing(files):
    untidy, tidy, _ = files
    result = crnc("fmt", "--diff", untidy, tidy)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"--- {untidy}", f"+++ {untidy} (formatted)"]
    assert "-r:X->0@1" in lines
    assert "+r: X -> 0  @ 1" in lines
    assert untidy.read_text() == UNTIDY
    assert crnc("fmt", "--diff", "--check", untidy).exit_code == 1


def test_a_file_with_errors_is_left_and_the_others_are_not(files):
    untidy, _, wrong = files
    result = crnc("fmt", wrong, untidy)
    assert result.exit_code == 1
    assert f"{wrong}:2:3: error[CRN103]" in result.stderr
    assert wrong.read_text() == WRONG
    assert untidy.read_text() == TIDY


def test_a_file_that_is_no_text_is_left(tmp_path):
    path = tmp_path / "a.crn"
    path.write_bytes(b"crn 1\n\xff")
    result = crnc("fmt", path)
    assert result.exit_code == 1
    assert "error[CRN100]" in result.stderr
    assert path.read_bytes() == b"crn 1\n\xff"


def test_stdin_goes_to_stdout():
    result = crnc("fmt", "-", input=UNTIDY)
    assert (result.exit_code, result.stdout, result.stderr) == (0, TIDY, "")
    assert crnc("fmt", "-", "--check", input=UNTIDY).exit_code == 1
    failed = crnc("fmt", "-", input=WRONG)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert "<stdin>:2:3" in failed.stderr


def test_line_ends_and_byte_order_marks(tmp_path):
    path = tmp_path / "a.crn"
    path.write_bytes(b"\xef\xbb\xbf" + UNTIDY.replace("\n", "\r\n").encode())
    assert crnc("fmt", path).exit_code == 0
    assert path.read_bytes() == TIDY.replace("\n", "\r\n").encode()
    assert crnc("fmt", "--check", path).exit_code == 0


def test_a_link_stays_a_link(files, tmp_path):
    link = tmp_path / "link.crn"
    link.symlink_to(files[0])
    assert crnc("fmt", link).exit_code == 0
    assert link.is_symlink()
    assert files[0].read_text() == TIDY


def test_when_the_new_file_cannot_be_put_in_place_the_old_one_stays(
    files, tmp_path, monkeypatch
):
    def refuse(*_):
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "replace", refuse)
    result = crnc("fmt", files[0])
    assert result.exit_code == 2
    assert "cannot write" in result.output
    assert files[0].read_text() == UNTIDY
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_a_missing_file_is_wrong_usage(tmp_path):
    result = crnc("fmt", tmp_path / "none.crn")
    assert result.exit_code == 2
    assert "cannot read" in result.output


def test_a_misspelled_file_is_answered_with_the_nearest(files, monkeypatch):
    monkeypatch.chdir(files[0].parent)
    result = crnc("fmt", "untydy.crn")
    assert result.exit_code == 2
    assert "Did you mean 'untidy.crn'?" in " ".join(result.stderr.split())


def test_formatting_loads_no_engine(files):
    code = "import sys\nfrom crnlang.cli import main\n"
    code += f"main(['fmt', '--check', {str(files[1])!r}], standalone_mode=False)\n"
    code += "print({'jax', 'matplotlib', 'networkx'} & set(sys.modules))"
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ
    )
    assert process.stdout.strip() == "set()", process.stderr


@pytest.mark.parametrize("ending", ["dot", "svg"])
def test_graph_writes_a_file_and_says_where(tmp_path, ending):
    if ending == "svg":
        pytest.importorskip("networkx")
        pytest.importorskip("matplotlib")
    out = tmp_path / f"g.{ending}"
    result = crnc("graph", ROOT / "examples" / "toggle_switch.crn", "-o", out)
    assert (result.exit_code, result.stdout) == (0, f"{out}\n")
    assert {"dot": "digraph", "svg": "<svg"}[ending] in out.read_text()


def test_graph_refuses_other_endings(files, tmp_path):
    result = crnc("graph", files[1], "-o", tmp_path / "g.gif")
    assert result.exit_code == 2
    assert "must end in .svg, .png, .pdf, .dot" in " ".join(result.output.split())


def test_explain_prints_latex():
    result = crnc("explain", ROOT / "examples" / "toggle_switch.crn", "--latex")
    assert result.exit_code == 0
    assert (
        r"\mathit{b} \, \mathrm{Gy}_{\mathrm{on}} \, \mathrm{Px}^{2}" in result.stdout
    )
    assert "Engines" not in result.stdout
