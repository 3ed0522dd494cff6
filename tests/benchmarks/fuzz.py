"""Mutated files through the compiler half: each is a model or has errors, and soon.

    python tests/benchmarks/fuzz.py --count 10000 --seed 1 --keep /tmp/fuzz

A mutant comes from a `.crn` file of this repository by a few edits of its bytes, its
words, its numbers or its lines. It must compile or be refused with errors: no other
exception, and no more than `LIMIT` seconds of computing. What compiles is also shown,
explained and formatted, as the commands do it. The last line sums up; mutants that fail
are kept.
"""

import argparse
import collections
import contextlib
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
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


def main() -> int:
    """Examine mutants; print each failure and a summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for mutants that fail")
    chosen = parser.parse_args()
    failures, models, codes = 0, 0, collections.Counter[str]()
    slowest, begin = (0.0, 0), time.perf_counter()
    for number in range(chosen.count):
        content = mutate(Random(f"{chosen.seed}:{number}"))
        start = time.process_time()
        try:
            with time_limit(LIMIT):
                found = examine(content)
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            failures += 1
            print(f"mutant {number}:\n{traceback.format_exc()}", flush=True)
            if chosen.keep is not None:
                chosen.keep.mkdir(parents=True, exist_ok=True)
                (chosen.keep / f"{number}.crn").write_bytes(content)
        else:
            models += all(d.severity != "error" for d in found)
            codes.update({d.code for d in found})
        slowest = max(slowest, (time.process_time() - start, number))
    seconds = time.perf_counter() - begin
    print(
        f"{chosen.count} mutants of seed {chosen.seed} in {seconds:.0f} s: "
        f"{failures} failures, {models} models, {len(codes)} different codes, "
        f"slowest {slowest[0]:.2f} s (mutant {slowest[1]})"
    )
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
