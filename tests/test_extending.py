"""`docs/extending.md`: its files and changes, made in a copy of the package, work."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"<!-- (?P<kind>file|change|test)(?:: (?P<path>\S+))? -->\n"
    r"```(?:py|diff)\n(?P<text>.*?)```",
    re.DOTALL,
)


def changed(text, difference):
    """A text with one place changed: ` ` stays, `-` goes, `+` comes."""
    lines = difference.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before) == 1, f"not there, or more than once:\n{before}"
    return text.replace(before, after)


@pytest.fixture(scope="module")
def extended(tmp_path_factory):
    """A folder with the package as the page extends it, and the page's tests."""
    folder = tmp_path_factory.mktemp("extended")
    for name in ("crnlang", "grammar"):
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    number = 0
    for block in BLOCK.finditer(PAGE):
        if block["kind"] == "test":
            path = folder / f"test_{number}.py"
            path.write_text(block["text"], encoding="utf-8")
            number += 1
            continue
        path = folder / block["path"]
        is_new = block["kind"] == "file"
        assert path.exists() != is_new
        before = "" if is_new else path.read_text(encoding="utf-8")
        after = block["text"] if is_new else changed(before, block["text"])
        path.write_text(after, encoding="utf-8")
    assert number == 3
    return folder


def test_the_additions_of_the_page_work(extended):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    environment = {**os.environ, "PYTHONPATH": str(extended), "PYTEST_ADDOPTS": ""}
    ran = subprocess.run(
        command, cwd=extended, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert "7 passed" in ran.stdout


def test_no_block_of_the_page_is_left_out():
    assert len(re.findall(r"^```(?:py|diff)$", PAGE, re.MULTILINE)) == len(
        BLOCK.findall(PAGE)
    )


def test_the_additions_are_in_the_house_style(extended):
    pytest.importorskip("ruff")
    shutil.copy(ROOT / "pyproject.toml", extended)
    new = [block["path"] for block in BLOCK.finditer(PAGE) if block["kind"] == "file"]
    for arguments in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *arguments, *new]
        ran = subprocess.run(command, cwd=extended, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout
