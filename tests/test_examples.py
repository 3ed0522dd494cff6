"""Every program in `examples/`: it checks, shows at each stage, has a header, runs."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from crnlang.cli import main
from crnlang.compiler import compile_file

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.crn"))
EXACT = ("fsp", "ssa", "we")
#: Networks that take long to compile, and are of a kind that another example tests.
SLOW = {
    "autoregulation_1",
    "autoregulation_2",
    "autoregulation_3",
    "cascade_feedback",
    "cascade_hill",
    "cascade_reverse",
    "dimerisation",
    "early_life",
    "lotka_volterra",
    "michaelis_menten",
    "repressilator",
    "schlogl_square",
    "schlogl_three",
    "telegraph",
}

#: Blocks of exact engines that take long however short the run.
HEAVY = {("schlogl_three", "check")}


def marks(path, block):
    is_slow = path.stem in SLOW and block.engine not in EXACT
    is_slow |= (path.stem, block.name) in HEAVY
    return [pytest.mark.slow] if is_slow else []


BLOCKS = [
    pytest.param(path, block, id=f"{path.stem}-{block.name}", marks=marks(path, block))
    for path in EXAMPLES
    for block in compile_file(path).network.solves
]
#: Share of the example's own time that the quick run covers.
SHARE = 1e-4
#: What makes an engine quick; the answer is then worth nothing.
QUICK = {
    "tdvp": ["samples=64", "width=4", "basis=4"],
    "natgrad": ["samples=64", "width=4", "basis=4"],
    "adam": ["samples=64", "width=4", "basis=4"],
    "fsp": [],
    "ssa": ["trajectories=20"],
    "we": ["walkers=1", "bins=4", "repeats=2", "resamplings=4"],
}


def crnc(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_checks_without_a_warning(path):
    result = crnc("check", path)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"{path}: OK: {path.stem}:")
    assert result.stderr == ""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("stage", ["ast", "network", "lowered", "kernel"])
def test_it_shows_at_each_stage(path, stage):
    result = crnc("show", path, "--stage", stage)
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) > 5


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_says_what_it_is_and_how_to_run_it(path):
    header, _ = path.read_text(encoding="utf-8").split("crn 1\n", 1)
    assert re.match(r"# [A-Z].+:", header)
    assert "# Shows: " in header
    command = re.search(r"# Run: +crnc run (\S+) --solve (\w+)\n", header)
    assert command is not None
    assert ROOT / command[1] == path
    blocks = {block.name for block in compile_file(path).network.solves}
    assert {"main", "check", command[2]} <= blocks


@pytest.mark.parametrize(("path", "block"), BLOCKS)
def test_every_solve_block_runs(path, block, tmp_path):
    _, end = dict(block.settings)["t"]
    until = f"{SHARE * end:g}"
    settings = [f"t=0..{until}", *QUICK[block.engine]]
    if "proposal" in dict(block.settings):  # no question is asked so early
        settings.append("proposal=alpha")
    if block.engine not in EXACT:
        settings.append(f"save=[{until}]")  # each law before would be another fit
    result = crnc(
        *("run", path, "--solve", block.name, "--out", tmp_path / "run", "--json"),
        *(part for setting in settings for part in ("--set", setting)),
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)
    assert any((tmp_path / "run").iterdir())
