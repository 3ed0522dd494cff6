"""Mutated files through the compiler half: each is a model or has errors, and soon.

    python tests/benchmarks/fuzz.py --count 10000 --seed 1 --keep /tmp/fuzz

A mutant comes from a `.crn` file of this repository by a few edits of its bytes, its
words, its numbers or its lines. It must compile or be refused with errors: no other
exception, and no more than `LIMIT` seconds of computing. What compiles is also shown,
explained and formatted, as the commands do it. The last lines sum up, for `--log FILE`
too; mutants that fail are kept. A mutant comes from the seed and its number alone, so
that any number of processes (`--processes 16`) finds the same. JAX is not needed.
"""

import argparse
import collections
import contextlib
import multiprocessing
import re
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType

from crnlang.cli.explain import explanation
from crnlang.compiler import Compilation, compile_text, decode
from crnlang.diagnostics import CrnError, Diagnostic, SourceText, render_all
from crnlang.frontend.formatter import format_source
from crnlang.frontend.outline import outline
from crnlang.ir.printer import print_lowered, print_network
from crnlang.report.graph import build_graph, format_dot
from crnlang.report.latex import format_latex

ROOT = Path(__file__).parents[2]
SOUND, WRONG = (
    [
        path.read_bytes()
        for folder in folders
        for path in sorted((ROOT / folder).glob("*.crn"))
    ]
    for folders in (("examples", "tests/golden"), ("tests/errors",))
)
SEEDS = [*SOUND, *WRONG]
#: Seconds of computing for one mutant.
LIMIT = 4.0
MOST_BYTES = 20_000
WORD = re.compile(rb"[ \t]+|\w+|[^\w\s]+|\n")
NUMBER = re.compile(rb"(?<!\w)\d[\d.]*(?:e[+-]?\d+)?")
WORDS = sorted({word for seed in SEEDS for word in WORD.findall(seed)})
NUMBERS = [
    *(b"0", b"1", b"-1", b"2", b"0.5", b"3.7", b"1e-9", b"1e-320", b"1e9", b"1e308"),
    *(b"999", b"1000", b"65536", b"2147483648", b"9223372036854775808", b"1" * 30),
    *(b"1/0", b"0/0", b"-0", b"t", b"1e300*1e300", b"2^0.5", b"10^10^10", b"1e999"),
]


def mutate(random: Random) -> bytes:
    """A file of the repository after a few edits."""
    content = random.choice(random.choice([SOUND, WRONG]))
    for _ in range(random.choice([1, 1, 1, 2, 3, 6])):
        content = random.choice(EDITS)(random, content)
    return content[:MOST_BYTES]


def _slice(random: Random, size: int, longest: int) -> slice:
    start = random.randint(0, size)
    return slice(start, min(size, start + random.randint(0, longest)))


def _edit_bytes(random: Random, content: bytes) -> bytes:
    """Other bytes, more or fewer, in the place of some."""
    place = _slice(random, len(content), 8)
    return (
        content[: place.start]
        + random.randbytes(random.randint(0, 4))
        + (content[place.stop :])
    )


def _edit_signs(random: Random, content: bytes) -> bytes:
    """As `_edit_bytes`, but signs that the language knows."""
    place = _slice(random, len(content), 3)
    signs = bytes(random.choices(b'()[]{}@=~<>-+*/^.,;:\n\r\t 019eAt"#_', k=3))
    return (
        content[: place.start] + signs[: random.randint(0, 3)] + (content[place.stop :])
    )


def _edit_words(random: Random, content: bytes) -> bytes:
    """Words taken away, doubled, exchanged, or from another file."""
    words = WORD.findall(content)
    place = _slice(random, len(words), 6)
    chosen = words[place]
    words[place] = random.choice(
        [[], chosen * 2, chosen[::-1], [random.choice(WORDS)], [*chosen, b" - "]]
    )
    return b"".join(words)


def _edit_number(random: Random, content: bytes) -> bytes:
    """A number as extreme as any."""
    found = list(NUMBER.finditer(content))
    if not found:
        return content
    number = random.choice(found)
    value = random.choice(NUMBERS)
    return content[: number.start()] + value + content[number.end() :]


def _edit_lines(random: Random, content: bytes) -> bytes:
    """Lines taken away, doubled, out of order, or from another file."""
    lines = content.splitlines(keepends=True)
    place = _slice(random, len(lines), 4)
    chosen = lines[place]
    others = random.choice(SEEDS).splitlines(keepends=True)
    foreign = others[_slice(random, len(others), 4)]
    lines[place] = random.choice([[], chosen * 2, chosen[::-1], foreign])
    return b"".join(lines)


def _repeat(random: Random, content: bytes) -> bytes:
    """One word very often: deep nesting, long chains, many terms."""
    words = WORD.findall(content)
    if not words:
        return content
    place = random.randrange(len(words))
    words[place] *= random.choice([2, 40, 400])
    return b"".join(words)


EDITS: list[Callable[[Random, bytes], bytes]] = [
    *(_edit_bytes, _edit_signs, _edit_words, _edit_number, _edit_lines, _repeat),
    *(_edit_signs, _edit_words, _edit_number, _edit_lines),
]


def examine(content: bytes) -> tuple[Diagnostic, ...]:
    """What the compiler says of a file; every text it can make of it has been made.

    Raises:
        AssertionError: something said is out of place, or formatting is not final.
    """
    try:
        text = decode(content, "mutant.crn")
        result = compile_text(text, "mutant.crn")
    except CrnError as error:
        result, found = None, error.diagnostics
        text = found[0].span.source.text
    else:
        found = result.warnings
    places = [d.span.start for d in found]
    assert places == sorted(places)
    assert all(0 <= d.span.start <= d.span.end <= len(text) for d in found)
    assert found == () or render_all(found).startswith("mutant.crn:")
    is_wrong = any(d.severity == "error" for d in found)
    assert is_wrong == (result is None)
    with contextlib.suppress(CrnError):
        tidy = format_source(SourceText("mutant.crn", text))
        assert format_source(SourceText("mutant.crn", tidy)) == tidy
    if result is not None:
        _show(result)
    return found


def _show(result: Compilation) -> None:
    """Make every text that a command prints of a model."""
    outline(result.program)
    print_network(result.network)
    print_lowered(result.lowered)
    explanation(result.lowered)
    format_latex(result.lowered)
    format_dot(build_graph(result.network))


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` where the body computes for longer."""

    def stop(_: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"after {seconds} s, in {frame}")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)


@dataclass
class Summary:
    """What some mutants have come to; those of two runs can be added."""

    count: int = 0
    models: int = 0
    codes: collections.Counter[str] = field(default_factory=collections.Counter)
    slowest: tuple[float, int] = (0.0, 0)
    failures: dict[int, str] = field(default_factory=dict)

    def __add__(self, other: "Summary") -> "Summary":
        return Summary(
            self.count + other.count,
            self.models + other.models,
            self.codes + other.codes,
            max(self.slowest, other.slowest),
            dict(sorted({**self.failures, **other.failures}.items())),
        )

    def text(self, seed: int) -> str:
        """The summary in lines: counts, how often each code was told, failures."""
        refused = self.count - self.models - len(self.failures)
        told = ", ".join(f"{code} {n}" for code, n in sorted(self.codes.items()))
        lines = [
            f"mutants: {self.count}, numbers 0..{self.count - 1} of seed {seed}",
            f"models {self.models}, refused {refused}, failures {len(self.failures)}",
            f"files by code: {told or 'none'}",
            f"slowest: {self.slowest[0]:.2f} s (mutant {self.slowest[1]})",
        ]
        lines += [f"mutant {number}: {what}" for number, what in self.failures.items()]
        return "\n".join(lines)


def examine_mutants(seed: int, numbers: range, keep: Path | None) -> Summary:
    """Examine the mutants with these numbers; print and keep those that fail."""
    found = Summary(len(numbers))
    for number in numbers:
        content = mutate(Random(f"{seed}:{number}"))
        start = time.process_time()
        try:
            with time_limit(LIMIT):
                told = examine(content)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            reason = str(error).partition("\n")[0]
            found.failures[number] = f"{type(error).__name__} {reason}".strip()
            print(f"mutant {number}:\n{traceback.format_exc()}", flush=True)
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{number}.crn").write_bytes(content)
        else:
            found.models += all(d.severity != "error" for d in told)
            found.codes.update({d.code for d in told})
        found.slowest = max(found.slowest, (time.process_time() - start, number))
    return found


def examine_in_processes(
    seed: int, count: int, processes: int, keep: Path | None
) -> Summary:
    """The same mutants, and so the same summary, whatever the number of processes."""
    if processes == 1:
        return examine_mutants(seed, range(count), keep)
    shares = [range(first, count, processes) for first in range(processes)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        runs = [pool.submit(examine_mutants, seed, one, keep) for one in shares]
        return sum((run.result() for run in runs), Summary())


def commit() -> str:
    """The commit of the working tree."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def main() -> int:
    """Examine mutants; print each failure and a summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for mutants that fail")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--log", type=Path, help="file that the summary is added to")
    chosen = parser.parse_args()
    begin, date = time.perf_counter(), time.strftime("%Y-%m-%d %H:%M:%S %z")
    processes = max(1, min(chosen.processes, chosen.count))
    found = examine_in_processes(chosen.seed, chosen.count, processes, chosen.keep)
    seconds = time.perf_counter() - begin
    text = (
        f"{date}, commit {commit()}, {processes} processes, {seconds:.0f} s\n"
        f"{found.text(chosen.seed)}\n"
    )
    print(text, end="")
    if chosen.log is not None:
        with chosen.log.open("a", encoding="utf-8") as log:
            log.write(f"{text}\n")
    return int(bool(found.failures))


if __name__ == "__main__":
    sys.exit(main())
