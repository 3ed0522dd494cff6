"""How a run goes, told while it goes: one live line, or now and then a plain one.

Everything goes to stderr, so that stdout holds results only.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table

from crnlang.pipeline.choose import Choice
from crnlang.pipeline.found import Silent, Watcher
from crnlang.settings import ENGINES, NeuralSettings
from crnlang.solve.outcome import StepInfo

#: A plain line comes at most this often, in seconds, and at every save time.
QUIET_SECONDS = 5.0
#: The pace of a run is measured over so many steps.
PACE_STEPS = 20
#: Columns that the text of the live line needs; the bar takes what is left.
TEXT_WIDTH = 76
WIDEST_BAR = 30
#: What the words of a step mean, said once.
KEY = (
    "each step: dt, its length; residual, the part of the motion that was missed;\n"
    "ESS, effective sample size: so many independent draws would be as exact"
)


@contextmanager
def watching(choice: Choice, *, is_quiet: bool) -> Iterator[Watcher]:
    """A watcher that suits stderr: silent, a live line on a terminal, plain lines."""
    console = Console(stderr=True)
    if is_quiet:
        yield Silent()
        return
    if isinstance(choice.settings, NeuralSettings):
        click.echo(KEY, err=True)
    if console.is_terminal:
        live = LiveProgress(choice, console)
        with Live(
            get_renderable=live.line,
            console=console,
            transient=True,
            refresh_per_second=8,
        ):
            yield live
    else:
        yield PlainProgress(choice)


class Pace:
    """How much time a run has left, from its last steps.

    The first step is not counted: it holds the compilation.
    """

    def __init__(self, until: float) -> None:
        self.until = until
        self.marks: deque[tuple[float, float]] = deque(maxlen=PACE_STEPS + 1)

    def mark(self, t: float) -> None:
        """The run is at `t` now."""
        self.marks.append((t, time.monotonic()))

    def left(self) -> str:
        """`1:32 left`; empty while nothing is known."""
        if len(self.marks) < 2:
            return ""
        (t_then, then), (t_now, now) = self.marks[0], self.marks[-1]
        if not t_then < t_now < self.until:
            return ""
        seconds = round((self.until - t_now) / (t_now - t_then) * (now - then))
        minutes, seconds = divmod(max(seconds, 0), 60)
        hours, minutes = divmod(minutes, 60)
        clock = f"{hours}:{minutes:02}" if hours else f"{minutes}"
        return f"{clock}:{seconds:02} left"


def before(engine: str) -> str:
    """What a run of an engine does before it tells of a step or a part."""
    if issubclass(ENGINES.get(engine, object), NeuralSettings):
        return "compiling the first step"
    return "compiling" if engine in ("ssa", "we") else "working"


def told(info: StepInfo) -> str:
    """The state of one step in a few words."""
    return (
        f"step {info.step}  dt {info.dt:.2g}  residual {info.residual:.2g}  "
        f"ESS {info.effective_size:.2g}"
    )


class LiveProgress:
    """One line that is drawn anew several times a second."""

    def __init__(self, choice: Choice, console: Console) -> None:
        self.console = console
        self.engine = choice.engine
        self.until = choice.settings.until
        self.before = before(self.engine)
        self.bar_width = min(console.width - TEXT_WIDTH, WIDEST_BAR)
        self.started = time.monotonic()
        self.pace = Pace(self.until)
        self.reached, self.end = 0.0, self.until
        self.where, self.words = "", ""
        self.spinner = Spinner("dots")

    def step(self, info: StepInfo) -> None:
        """Remember the step for the next drawing."""
        self.pace.mark(info.t)
        self.reached, self.end = info.t, self.until
        self.where = f"t = {info.t:.4g} of {self.until:g}"
        self.words = f"{told(info)}  {self.pace.left()}"

    def trouble(self, sentence: str) -> None:
        """Say it above the line."""
        self.console.print(f"note: {sentence}", markup=False, highlight=False)

    def part(self, part: str, number: int, total: int) -> None:
        """Remember how far the part is."""
        self.reached, self.end = number, total
        self.where = f"{part} {number:,} of {total:,}"
        self.words = f"{time.monotonic() - self.started:.0f} s"

    def line(self) -> Table:
        """The line as it stands."""
        seconds = time.monotonic() - self.started
        row = Table.grid(padding=(0, 2, 0, 0))
        if not self.where:
            row.add_row(self.spinner, f"{self.engine}  {self.before}, {seconds:.0f} s")
            return row
        row.add_column(no_wrap=True)
        cells = [self.spinner, f"{self.engine}  {self.where}"]
        if self.bar_width >= 5:
            bar = ProgressBar(self.end, self.reached, width=self.bar_width)
            row.add_row(*cells, bar, self.words)
        else:
            row.add_row(*cells, self.words)
        return row


class PlainProgress:
    """A line at every save time, and otherwise every few seconds."""

    def __init__(self, choice: Choice) -> None:
        self.engine = choice.engine
        self.save = choice.settings.save
        self.pace = Pace(choice.settings.until)
        self.t = 0.0
        self.spoken = time.monotonic()

    def step(self, info: StepInfo) -> None:
        """Say where the run is, if a save time was passed or it was long silent."""
        self.pace.mark(info.t)
        is_due = any(self.t < time <= info.t for time in self.save)
        self.t = info.t
        where = f"t = {info.t:.4g} of {self.save[-1]:g}"
        self._say(f"{where}  {told(info)}  {self.pace.left()}", is_due=is_due)

    def trouble(self, sentence: str) -> None:
        """Say it."""
        click.echo(f"note: {sentence}", err=True)

    def part(self, part: str, number: int, total: int) -> None:
        """Say how far the part is, if it was long silent."""
        self._say(f"{part} {number:,} of {total:,}", is_due=False)

    def _say(self, words: str, *, is_due: bool) -> None:
        now = time.monotonic()
        if is_due or now - self.spoken >= QUIET_SECONDS:
            click.echo(f"{self.engine}  {words.rstrip()}", err=True)
            self.spoken = now
