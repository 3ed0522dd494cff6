"""Help texts with examples that parse, and what Tab offers."""

import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from crnlang.cli import COMMANDS, main
from crnlang.settings import ENGINES

ROOT = Path(__file__).parents[2]


def command(name):
    found = main.get_command(click.Context(main), name)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder as the examples expect it: models, foreign files, runs."""
    path = tmp_path_factory.mktemp("folder")
    shutil.copytree(ROOT / "examples", path / "examples")
    for name in ("model.xml", "model.net"):
        (path / name).write_text("")
    for name in ("runs/toggle-fsp", "runs/toggle-ssa", "runs/notes", "other"):
        (path / name).mkdir(parents=True)
    for name in ("runs/toggle-fsp", "runs/toggle-ssa"):
        (path / name / "manifest.json").write_text("{}")
        shutil.copy(ROOT / "examples/toggle_switch.crn", path / name / "model.crn")
    return path


def examples_of(name):
    """The commands below `Examples:` in a help text."""
    context = click.Context(command(name), info_name=name)
    text = command(name).get_help(context)
    assert "Examples:" in text
    lines = text.split("Examples:")[1].splitlines()
    return [line.strip() for line in lines if line.strip()]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_in_a_help_text_parses(name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = examples_of(name)
    assert found
    for line in found:
        words = shlex.split(line)
        words = words[
            : next((i for i, w in enumerate(words) if w in (">", ">>")), None)
        ]
        assert words[:2] == ["crnc", name]
        context = command(name).make_context(name, words[2:])
        assert context.params is not None


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_text_says_more_than_one_sentence(name):
    paragraphs = (command(name).help or "").split("\n\n")
    assert len(paragraphs) > 1
    assert len(paragraphs[1].split()) > 10


def offered(*words):
    """What Tab offers for the last of some words."""
    *before, incomplete = words
    shell = ShellComplete(main, {}, "crnc", "_CRNC_COMPLETE")
    return [item.value for item in shell.get_completions(list(before), incomplete)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("s",), ["selftest", "show", "sweep"]),
        (("do",), ["doctor"]),
        (("run", "x.crn", "--engine", ""), [*ENGINES, "auto"]),
        (("run", "x.crn", "--engine", "fsp", "--set", "s"), ["save=", "states="]),
        (("run", "--engine", "fsp", "--set", "states="), ["states=auto", "states=box"]),
        (("run", "x.crn", "--set", "traj"), ["trajectories="]),
        (("run", "x.crn", "--set", "nothing=a"), []),
        (("run", "examples/toggle_switch.crn", "--solve", ""), ["main", "check"]),
        (("run", "examples/none.crn", "--solve", ""), []),
        (("sweep", "examples/birth_death.crn", "--param", ""), ["k=", "d="]),
        (("plot", "runs/t"), ["runs/toggle-fsp", "runs/toggle-ssa"]),
        (("compare", "runs/toggle-fsp", "runs/"), ["runs/notes/", "runs/toggle-fsp"]),
        (("resume", "r"), ["runs/"]),
        (("resume", "nowhere/"), []),
        (("plot", "runs/toggle-fsp", "--species", "P"), ["Px", "Py"]),
        (("query", "runs/toggle-fsp", "prob(P"), ["prob(Px", "prob(Py"]),
        (("query", "runs/toggle-fsp", "dist(Px, Gx_of"), ["dist(Px, Gx_off"]),
        (("query", "runs/notes", "prob(P"), []),
        (("completion", "f"), ["fish"]),
    ],
)
def test_tab_offers_what_fits(words, found, folder, monkeypatch):
    monkeypatch.chdir(folder)
    result = offered(*words)
    assert set(found) <= set(result)
    if found in ([], ["doctor"]):
        assert result == found


def test_commands_are_offered_with_their_sentence():
    shell = ShellComplete(main, {}, "crnc", "_CRNC_COMPLETE")
    items = {item.value: item.help for item in shell.get_completions([], "")}
    assert items == COMMANDS
    assert [one.value for one in shell.get_completions([], "--v")] == ["--version"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_shells_ask_crnc(shell):
    found = CliRunner().invoke(main, ["completion", shell])
    assert found.exit_code == 0
    assert "_CRNC_COMPLETE" in found.stdout
    if shutil.which(shell):
        checked = subprocess.run(
            [shell, "-n"], input=found.stdout, capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stderr


def test_another_shell_is_wrong_usage():
    assert CliRunner().invoke(main, ["completion", "tcsh"]).exit_code == 2
