"""The recording of a terminal in the documentation: its commands exist, run and agree.

`python tests/recording.py` records it anew.
"""

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest

from crnlang.cli import main

recording = pytest.importorskip("recording")  # no terminals on Windows

ROOT = Path(__file__).parent.parent
KEPT, EVENTS = recording.read(recording.CAST)
#: Without the network, which takes half a minute with what has to be compiled.
QUICK = [one for one in recording.COMMANDS if "network" not in one]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the examples, as the working directory."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(events):
    """What each command left on the screen, numbers and widths aside."""
    text = "\n".join(recording.last_screen(events))
    found = {}
    for part in text.removeprefix("$ ").split("\n$ "):
        command, *lines = part.split("\n")
        words = [re.sub(r"[-+]?[\d.]+(e[-+]\d+)?", "#", line).split() for line in lines]
        found[command] = [one for line in words for one in line if one.isalpha()]
    return found


def test_the_recording_is_of_the_commands_and_the_picture_of_the_recording():
    assert tuple(KEPT) == recording.COMMANDS
    assert list(shown(EVENTS)) == KEPT
    picture = recording.PICTURE.read_text(encoding="utf-8")
    assert picture == recording.draw(EVENTS)
    assert "recording.svg" in (ROOT / "docs" / "seeing.md").read_text(encoding="utf-8")
    assert not re.search(r"(href|src)=|url\(", picture)  # nothing is fetched


@pytest.mark.parametrize("command", KEPT)
def test_its_commands_exist(command, folder):
    program, name, *words = shlex.split(command)
    assert program == "crnc"
    for run in ("network", "exact"):
        (folder / run).mkdir()
    context = click.Context(main)
    found = main.get_command(context, name)
    assert found is not None
    found.make_context(name, words, parent=context)
    assert all(Path(one).is_file() for one in words if one.endswith(".crn"))


def test_what_is_quick_shows_what_was_recorded(folder):
    again = shown(recording.record(QUICK, folder))
    assert len(again) == 2
    assert again == {command: shown(EVENTS)[command] for command in again}


@pytest.mark.slow
def test_all_of_it_shows_what_was_recorded(folder):
    assert shown(recording.record(recording.COMMANDS, folder)) == shown(EVENTS)


def test_a_terminal_is_drawn_as_it_stands():
    screen = recording.Screen()
    screen.write("one\r\ntwo\x1b[1Athree\x1b[K\r\n\x1b[2K\x1b[1;31mred\x1b[0m now")
    assert [recording.plain(line) for line in screen.shown()] == ["onethree", "red now"]
    assert screen.shown()[1] == (("red", "s1 c31"), (" now", ""))
    screen.write("\r\n" + "x" * (recording.COLUMNS + 2))
    assert len(recording.plain(screen.shown()[-1])) == 2
    with pytest.raises(ValueError, match="unknown control sequence"):
        screen.write("\x1b[3J")
