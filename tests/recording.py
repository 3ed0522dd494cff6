"""Commands run at a terminal -> docs/recording.cast and docs/recording.svg.

    python tests/recording.py

The cast is the file format of asciinema, version 2: what came and when, with the
commands in its header (`asciinema play docs/recording.cast`). The picture is made of
it: an SVG that plays by itself, fetches nothing, and without animation shows the end.
"""

import fcntl
import json
import os
import pty
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parents[1]
CAST, PICTURE = ROOT / "docs" / "recording.cast", ROOT / "docs" / "recording.svg"
COMMANDS = (
    "crnc check examples/telegraph.crn",
    "crnc run examples/telegraph.crn --solve check --out exact --quiet",
    "crnc run examples/telegraph.crn --out network",
    "crnc compare network exact",
)
COLUMNS, ROWS = 96, 40
PROMPT = "\x1b[1;32m$\x1b[0m "
#: Seconds after a command was typed and after it has ended; the longest wait shown.
TYPED, ENDED, LONGEST = 0.6, 1.5, 1.0
#: Seconds between two pictures at least.
BETWEEN = 0.12
#: Size of a character and of a line, and room around all of them, in pixels.
WIDE, HIGH, ROOM = 7.8, 17, 14
COLOURS = {
    **{"30": "#5c6370", "31": "#e06c75", "32": "#98c379", "33": "#e5c07b"},
    **{"34": "#61afef", "35": "#c678dd", "36": "#56b6c2", "37": "#dcdfe4"},
}
CONTROL = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")

Event = tuple[float, str]
Line = tuple[tuple[str, str], ...]


def record(commands: Sequence[str], folder: Path) -> list[Event]:
    """What a terminal shows of commands that run in a folder, and when, in seconds."""
    events: list[Event] = []
    now = 0.0
    for command in commands:
        events.append((round(now, 3), f"{PROMPT}{command}\r\n"))
        now += TYPED
        last = time.monotonic()
        for text in _output(command, folder):
            waited, last = time.monotonic() - last, time.monotonic()
            now += min(waited, LONGEST)
            events.append((round(now, 3), text))
        now += ENDED
    return events


def _output(command: str, folder: Path) -> Iterator[str]:
    """The output of a command at a terminal of its own, piece by piece.

    Raises:
        CalledProcessError: it fails.
    """
    ours, theirs = pty.openpty()
    size = struct.pack("HHHH", ROWS, COLUMNS, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    words = [sys.executable, "-m", "crnlang", *shlex.split(command)[1:]]
    kept = {key: one for key, one in os.environ.items() if key not in ("NO_COLOR",)}
    environment = {**kept, "TERM": "xterm", "COLORTERM": "", "COLUMNS": str(COLUMNS)}
    process = subprocess.Popen(
        words, cwd=folder, env=environment, stdout=theirs, stderr=theirs, stdin=theirs
    )
    os.close(theirs)
    rest = b""
    while True:
        try:
            found = os.read(ours, 65536)
        except OSError:  # how Linux says that the terminal was closed
            break
        if not found:
            break
        rest += found
        whole = rest.decode(errors="ignore")
        rest = rest[len(whole.encode()) :]
        yield whole
    os.close(ours)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)


class Screen:
    """What stands on a terminal that is as high as it needs to be."""

    def __init__(self) -> None:
        self.lines: list[list[tuple[str, str]]] = [[]]
        self.row = self.column = 0
        self.style = ""

    def write(self, text: str) -> None:
        """Take up some output, with the few controls that `crnc` uses."""
        for numbers, letter, turn, plain in CONTROL.findall(text):
            if plain:
                self._put(plain)
            elif turn == "\r":
                self.column = 0
            elif turn:
                self.row += 1
                self.lines += [[]] * (self.row == len(self.lines))
            elif letter == "A":
                self.row = max(self.row - int(numbers or 1), 0)
            elif letter == "K":
                del self.lines[self.row][0 if numbers == "2" else self.column :]
            elif letter == "m":
                self._paint(numbers.split(";"))
            elif letter not in "hl":  # the cursor is shown or hidden
                raise ValueError(f"unknown control sequence: {numbers}{letter}")

    def _put(self, text: str) -> None:
        if self.column == COLUMNS:
            self.write("\r\n")
        text, rest = text[: COLUMNS - self.column], text[COLUMNS - self.column :]
        line = self.lines[self.row]
        line += [(" ", "")] * (self.column - len(line))
        cells = [(letter, self.style) for letter in text]
        line[self.column : self.column + len(cells)] = cells
        self.column += len(cells)
        if rest:
            self._put(rest)

    def _paint(self, numbers: Sequence[str]) -> None:
        for one in numbers:
            colour = one if one in COLOURS else str(int(one or 0) - 60)
            if colour in COLOURS:
                self.style = f"{self.style} c{colour}".strip()
            elif one in ("1", "2", "3"):
                self.style = f"{self.style} s{one}".strip()
            elif one in ("", "0", "39", "22", "23"):
                self.style = ""

    def shown(self) -> list[Line]:
        """Its lines as pieces of text with their styles, without what is blank."""
        found = [
            tuple(
                ("".join(letter for letter, _ in cells), style)
                for style, cells in groupby(line, key=lambda cell: cell[1])
            )
            for line in self.lines
        ]
        while found and not plain(found[-1]):
            found.pop()
        return found


def plain(line: Line) -> str:
    """A line as text."""
    return "".join(text for text, _ in line).rstrip()


def last_screen(events: Sequence[Event]) -> list[str]:
    """What stands on the terminal at the end, as text."""
    screen = Screen()
    for _, text in events:
        screen.write(text)
    return [plain(line) for line in screen.shown()]


def draw(events: Sequence[Event]) -> str:
    """The recording as an SVG that plays once and ends on the last screen."""
    screen, frames = Screen(), list[tuple[float, list[Line]]]()
    for place, (moment, text) in enumerate(events):
        screen.write(text)
        is_last = place == len(events) - 1
        if (
            is_last
            or events[place + 1][0] - (frames[-1][0] if frames else -1) > BETWEEN
        ):
            frames.append((round(moment, 2), screen.shown()))
    rows = max(len(lines) for _, lines in frames)
    pieces = [part for row in range(rows) for part in _row(frames, row)]
    width, height = COLUMNS * WIDE + 2 * ROOM, rows * HIGH + 2 * ROOM
    colours = "".join(f".c{key}{{fill:{one}}}" for key, one in COLOURS.items())
    style = (
        f"text{{font:13px monospace;fill:#dcdfe4;white-space:pre}}{colours}"
        ".s1{font-weight:bold}.s2{opacity:.6}.s3{font-style:italic}"
    )
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" '
        f'width="{width:g}" height="{height}" role="img" aria-label="A terminal: crnc '
        f'checks, runs and compares a model">\n<style>{style}</style>\n'
        f'<rect width="100%" height="100%" rx="8" fill="#21252b"/>\n'
    )
    return head + "\n".join(pieces) + "\n</svg>\n"


def _row(frames: Sequence[tuple[float, list[Line]]], row: int) -> Iterator[str]:
    """The texts that stand in one row, each with the time when it does."""
    seen = [(t, lines[row] if row < len(lines) else ()) for t, lines in frames]
    runs = [(line, next(same)[0]) for line, same in groupby(seen, lambda one: one[1])]
    for place, (line, begin) in enumerate(runs):
        if not plain(line):
            continue
        parts, column = [], 0
        for text, style in line:
            at = f'x="{ROOM + column * WIDE:g}" textLength="{len(text) * WIDE:g}"'
            kind = f' class="{style}"' if style else ""
            if text.strip():
                parts.append(f"<tspan {at}{kind}>{escape(text)}</tspan>")
            column += len(text)
        is_last = place == len(runs) - 1
        to, start = ("hidden", 0.0) if is_last else ("visible", begin)
        spent = begin if is_last else runs[place + 1][1] - begin
        first = "" if is_last else ' visibility="hidden"'
        change = (
            f'<set attributeName="visibility" to="{to}" begin="{start:g}s" '
            f'dur="{spent:.4g}s"/>'
            if spent
            else ""
        )
        y = ROOM + row * HIGH + 13
        yield f'<text y="{y}"{first}>{"".join(parts)}{change}</text>'


def read(path: Path) -> tuple[list[str], list[Event]]:
    """The commands of a cast, and what came when."""
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    events = [(moment, text) for moment, _, text in map(json.loads, lines)]
    return json.loads(head)["commands"], events


def main() -> None:
    """Record anew."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "examples", Path(folder, "examples"))
        events = record(COMMANDS, Path(folder))
    head = {"version": 2, "width": COLUMNS, "height": ROWS, "commands": COMMANDS}
    rows = [[moment, "o", text] for moment, text in events]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in [head, *rows])
    CAST.write_text(text + "\n", encoding="utf-8")
    PICTURE.write_text(draw(events), encoding="utf-8")


if __name__ == "__main__":
    main()
