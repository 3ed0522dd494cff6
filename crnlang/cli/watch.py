"""`crnc watch`: how a run goes that another process works on."""

import math
import shlex
import time
from pathlib import Path

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from crnlang.cli.complete import RunDirectory
from crnlang.cli.examples import examples
from crnlang.cli.progress import before
from crnlang.pipeline.watching import Look, State, look_at
from crnlang.results.progress import Progress

#: Exit code of a run that did not reach its end.
STOPPED = 3
#: Seconds between two looks: at a terminal, and where every look is a line.
LIVE, PLAIN = 1.0, 10.0
#: A run that has told nothing for so many seconds is said to be silent.
SILENT = 30.0
BAR_WIDTH = 40


@click.command(
    epilog=examples(
        "crnc watch runs/toggle-ssa",
        "crnc watch runs/toggle-ssa --every 60",
    )
)
@click.argument("run", type=RunDirectory())
@click.option(
    "--every",
    type=click.FloatRange(min=0.05),
    metavar="SECONDS",
    help="Time between two looks; default 1 at a terminal, else 10.",
)
def watch(run: Path, every: float | None) -> None:
    """Follow a run that another process works on, until it ends.

    As `crnc watch runs/toggle`, while `crnc run ... --out runs/toggle` goes on in
    another window or on another machine that shares the directory. Ctrl-C ends the
    watching, not the run. Not at a terminal it prints a line a look. Exit codes: 0 the
    run is complete, 3 it stopped early, was broken off or left nothing, 2 there is no
    such run.
    """
    console = Console()
    try:
        look = _follow(run, console, every)
    except KeyboardInterrupt:
        click.echo("no longer watching; the run goes on", err=True)
        return
    for line in _last_words(run, look):
        click.echo(line)
    if look.data is None or look.data.status != "complete":
        click.get_current_context().exit(STOPPED)


def _follow(run: Path, console: Console, every: float | None) -> Look:
    """Look again and again until the run ends; the last look."""
    look = look_at(run)
    if not console.is_terminal:
        while look.state is State.RUNNING:
            click.echo(_line(look.progress))
            time.sleep(every or PLAIN)
            look = look_at(run, was_seen=True)
        return look
    if look.state is not State.RUNNING:
        return look
    with Live(_view(look.progress), console=console, transient=True) as live:
        while look.state is State.RUNNING:
            live.update(_view(look.progress))
            time.sleep(every or LIVE)
            look = look_at(run, was_seen=True)
    return look


def _line(progress: Progress | None) -> str:
    """Where the run is, in one line."""
    if progress is None:
        return "starting"
    where = _where(progress) if progress.step else _before(progress)
    words = [progress.engine, where, *_numbers(progress)]
    words += [_part(progress), _left(progress), _silence(progress)]
    words += [f"note: {progress.messages[-1]}"] if progress.messages else []
    return "  ".join(filter(None, words))


def _view(progress: Progress | None) -> Group:
    """The same for a terminal, with a bar and the last messages."""
    if progress is None:
        return Group(Text("starting"))
    head = f"{progress.model}: {progress.engine}, {_clock(_age(progress.began))} so far"
    if not (progress.step or progress.part):
        return Group(Text(head, style="bold"), Text(_before(progress)))
    lines: list[Text | Table] = [Text(head, style="bold")]
    if progress.step:
        bar = ProgressBar(progress.until, progress.step["t"], width=BAR_WIDTH)
        lines.append(_row(_where(progress), bar, _left(progress)))
        lines.append(Text("  ".join(_numbers(progress))))
    if progress.part:
        bar = ProgressBar(progress.total, progress.number, width=BAR_WIDTH)
        lines.append(_row(_part(progress), bar, ""))
    lines += [Text(_silence(progress))] if _silence(progress) else []
    lines += [Text(f"note: {one}", style="yellow") for one in progress.messages]
    return Group(*lines)


def _row(where: str, bar: ProgressBar, left: str) -> Table:
    row = Table.grid(padding=(0, 2, 0, 0))
    row.add_row(where, bar, left)
    return row


def _where(progress: Progress) -> str:
    return f"t = {progress.step['t']:.4g} of {progress.until:g}"


def _before(progress: Progress) -> str:
    """What a run does that has told of no step; nothing where it tells of a part."""
    if progress.part:
        return ""
    seconds = _clock(_age(progress.began))
    return f"{before(progress.engine)}, {seconds} so far"


def _numbers(progress: Progress) -> list[str]:
    """The last step in a few words; what is blank or not known is left out."""
    step = progress.step
    if not step:
        return []
    words = [f"step {step['step']:.0f}", f"dt {step['dt']:.2g}"]
    if progress.steps_a_second > 0:
        words.append(f"{progress.steps_a_second:.2g} steps/s")
    words += [f"residual {step['residual']:.2g}", f"error {step['error']:.2g}"]
    if not math.isnan(step["bound"]):
        words.append(f"bound {step['bound']:.2g}")
    return [*words, f"effective sample size {step['effective_size']:.2g}"]


def _part(progress: Progress) -> str:
    is_told = bool(progress.part)
    return f"{progress.part} {progress.number:,} of {progress.total:,}" * is_told


def _left(progress: Progress) -> str:
    left = progress.seconds_left()
    return "" if left is None or progress.part else f"{_clock(left)} left"


def _silence(progress: Progress) -> str:
    """How long nothing was told, where something comes and this is long."""
    age = _age(progress.written)
    is_telling = progress.step or progress.part
    return f"nothing new for {_clock(age)}" if is_telling and age > SILENT else ""


def _age(moment: float) -> float:
    return max(time.time() - moment, 0.0)


def _clock(seconds: float) -> str:
    """`1:02:03`, `2:03` or `0:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _last_words(run: Path, look: Look) -> list[str]:
    """How the run ended, and what can be done."""
    again = f"continue with: {shlex.join(['crnc', 'resume', str(run)])}"
    go_on = [again] if look.can_be_continued else []
    match look.state:
        case State.ENDED if look.data is not None:
            data = look.data
            seconds = f", {data.wall_seconds:.3g} s" * (data.wall_seconds > 0)
            end = f"{run}: {data.status} at t = {data.times[-1]:g}{seconds}"
            if data.status == "complete":
                return [end, *(f"note: {note}" for note in data.notes)]
            return [end, data.sentence, *go_on]
        case State.BROKEN:
            step = look.progress.step if look.progress else {}
            where = f" after t = {step['t']:.4g}" if step else ""
            words = [f"{run}: broken off{where}: no process works on it any more"]
            return [*words, *(go_on or ["run the model again: it kept nothing"])]
        case _:
            return [f"{run}: ended and left nothing; its own output says why"]
