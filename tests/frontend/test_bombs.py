"""Files that ask for too much are refused soon, and in few words."""

import re
import resource
import subprocess
import sys

import pytest

from crnlang.compiler import MAX_BYTES, FileTooLargeError, compile_file, compile_text
from crnlang.diagnostics import LONGEST_LINE, CrnError

HEAD = "crn 1\nspecies X in 0..3\n"
RATE = f"{HEAD}X -> 0 @ "
SOUND = f"{RATE}1\n"
SITES = """crn 1
lattice grid(256, 256)
species X in 0..3 per site
0 <-> X @ 1, 1
"""
MANY = 100_000
#: Seconds of computing, a second for the start among them; the machine may be busy.
SOON, LARGE = 5.0, 10.0


def check(path, seconds):
    """What `crnc check` says of a file: in a process without checks of types."""
    command = [sys.executable, "-m", "crnlang", "check", str(path)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    process = subprocess.run(command, capture_output=True, text=True)
    taken = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    said = process.stdout + process.stderr
    assert process.returncode in (0, 1), said[-2000:]
    assert taken < seconds
    assert max(map(len, said.splitlines())) < 2 * LONGEST_LINE + 200
    return set(re.findall(r"error\[(CRN\d+)\]", said))


def series(first, pattern, count):
    """A first line, then one for each number, which may speak of the one before."""
    lines = [pattern.format(i=i, before=i - 1) for i in range(1, count)]
    return "\n".join([first, *lines, ""])


#: A bomb by its name, and the error that it must be refused with.
BOMBS = {
    "sites": ("crn 1\nlattice grid(1000, 1000, 1000)\n", "CRN403"),
    "chain of sites": ("crn 1\nlattice chain(1e9)\n", "CRN403"),
    "cap": ("crn 1\nspecies X in 0..1e12\nX -> 0 @ 1\n", "CRN211"),
    "times": (f"{SOUND}query dist(X, at=0:1e9:1e-9)\n", "CRN214"),
    "tower": (f"{RATE}9^9^9^9\n", "CRN304"),
    # expressions: refused for their depth, or, longer still, for their length
    "brackets": (f"{RATE}{'(' * 20_000}1{')' * 20_000}\n", "CRN111"),
    "open brackets": (f"{RATE}{'(' * 20_000}1\n", "CRN111"),
    "index": (f"{RATE}X{'[' * 20_000}\n", "CRN111"),
    "more brackets": (f"{RATE}{'(' * MANY}1{')' * MANY}\n", "CRN118"),
    "sum": (f"{RATE}1{'+1' * 20_000}\n", "CRN111"),
    "longer sum": (f"{RATE}1{'+1' * MANY}\n", "CRN118"),
    "sum of species": (f"{RATE}propensity(X{'+X' * MANY})\n", "CRN118"),
    "product": (f"{RATE}1{'*1' * MANY}\n", "CRN118"),
    "quotients": (f"{RATE}1{'/2' * 20_000}\n", "CRN111"),
    "powers": (f"{RATE}1{'^1' * 20_000}\n", "CRN111"),
    "minuses": (f"{RATE}{'-' * 20_000}1\n", "CRN111"),
    "more minuses": (f"{RATE}{'-' * 1_000_000}1\n", "CRN118"),
    "nots": (f"{RATE}{'not ' * 20_000}1\n", "CRN111"),
    "ands": (f"{RATE}1{' and 1' * 20_000}\n", "CRN111"),
    "comparisons": (f"{RATE}1{' < 1' * MANY}\n", "CRN118"),
    "nested ifs": (f"{RATE}{'if(1,' * 6000}1{',0)' * 6000}\n", "CRN111"),
    "more nested ifs": (f"{RATE}{'if(1,' * MANY}1{',0)' * MANY}\n", "CRN118"),
    "sum of ifs": (f"{RATE}{'if(1,1,0)+' * 4000}1\n", "CRN111"),
    "arguments": (f"{RATE}if(1{',1' * 20_000})\n", "CRN205"),
    "unit": (f"{HEAD}param k = 1 [{'s/' * 20_000}s]\nX -> 0 @ k\n", "CRN111"),
    "blank unit": (f"{HEAD}param k = 1 [{'s ' * 40_000}]\nX -> 0 @ k\n", "CRN430"),
    # statements
    "steps of a chain": (f"{HEAD}{'X -> ' * 10_000}X @ 1\n", "CRN208"),
    "arrow": (f"{HEAD}X {'-' * 1_000_000}> 0 @ 1\n", "CRN118"),
    "terms": (f"crn 1\nspecies X in 0..3\n0{' + X' * 10_000} -> 0 @ 1\n", "CRN112"),
    "laws": (f"{SOUND[:-1]}{', 1' * 10_000}\n", "CRN208"),
    "labels": (f"{HEAD}{'a: ' * 20_000}X -> 0 @ 1\n", "CRN101"),
    "words": (f"{RATE}{'a ' * 40_000}\n", "CRN114"),
    "name": (f"{RATE}{'a' * 1_000_000}\n", "CRN201"),
    "number": (f"{RATE}{'1' * 1_000_000}\n", "CRN116"),
    "settings": (f"{SOUND}solve a with fsp {{{'t = 1;' * MANY}}}\n", "CRN118"),
    "braces": (f"{SOUND}solve a with fsp {'{' * MANY}\n", "CRN118"),
    "lines below a solve": (
        f"{SOUND}solve a with fsp {{t = 0..1}}\n" + "x = 1\n" * 10_000 + "}\n",
        "CRN117",
    ),
    # files of errors
    "wrong lines": (HEAD + "X ->\n" * MANY, "CRN113"),
    "strange letters": (SOUND + "é\n" * MANY, "CRN102"),
    "ends": ("crn 1\n" + "}\n" * MANY, "CRN101"),
    "heads": ("crn 1\n" + "module m() {\n" * MANY, "CRN420"),
    "heads on a line": ("crn 1\n" + "module m() {" * MANY, "CRN118"),
    "named heads": (series("crn 1", "module m{i}() {{", MANY), "CRN420"),
    "typing errors": (
        series("crn 1", "species X{i}abc in 0..3", 4000)
        + series("", "X{i}abd -> 0 @ 1", 800),
        "CRN201",
    ),
    "long names": (
        f"crn 1\nspecies {'a' * MANY} in 0..3\n{'a' * (MANY - 1)}b -> 0 @ 1\n",
        "CRN201",
    ),
    # what is written out where it is used
    "functions that call": (
        series(f"{HEAD}func f0(x) = x", "func f{i}(x) = f{before}(x)", 3000)
        + "X -> 0 @ f2999(1)\n",
        "CRN216",
    ),
    "deep functions that call": (
        series(
            f"{HEAD}func f0(x) = x",
            f"func f{{i}}(x) = {'1 + (' * 70}f{{before}}(x){')' * 70}",
            150,
        )
        + "X -> 0 @ f149(1)\n",
        "CRN216",
    ),
    "observables that add": (
        series(f"{SOUND}observe o0 = X", "observe o{i} = o{before} + 1", 3000),
        "CRN216",
    ),
    "observables that double": (
        series(f"{SOUND}observe o0 = X", "observe o{i} = o{before} + o{before}", 64),
        "CRN216",
    ),
    "sets that double": (
        series(f"{SOUND}set o0 = X > 1", "set o{i} = o{before} and o{before}", 64),
        "CRN216",
    ),
    "modules that double": (
        series(
            f"{HEAD}module m0(S) {{\nS -> 0 @ 1\n}}",
            "module m{i}(S) {{; use m{before}(S) as a; use m{before}(S) as b; }}",
            64,
        )
        + "use m63(X) as u\n",
        "CRN420",
    ),
    "sums over many sites": (
        """crn 1
lattice grid(256, 256)
massaction falling
param k[i, j] = 0.1*(i + 1), l = 1
species X in 0..4 per site = 1
0 -> X @ k
event at 4: k = 0, X = min(X + 1, 4)
event at 0/0: l = 2*l
observe both = sum(X + 2*k*X^2)
set full = any(k*X == 4)
observe m = mean(k*X^2) + X[0, 1]
query expect(m + both, at=1)
query prob(full and all(k*X > 0), at=[1, 5])
""",
        "CRN212",
    ),
    "events that add": (
        series(f"{HEAD}param k = 1\nX -> 0 @ k", "event at {i}: k = k + 1", 2000),
        "CRN216",
    ),
}


@pytest.mark.parametrize(("text", "code"), BOMBS.values(), ids=list(BOMBS))
def test_a_bomb_is_an_error(text, code, tmp_path):
    (tmp_path / "bomb.crn").write_text(text)
    assert code in check(tmp_path / "bomb.crn", SOON)


@pytest.mark.parametrize(
    "text",
    [
        SOUND + "\n" * 1_000_000,
        SOUND + ";" * 1_000_000,
        SOUND + "# a comment\n" * 1_000_000,
        f"{SOUND[:-1]}{' ' * 5_000_000}\n",
        f"{SOUND[:-1]} # {'x' * 5_000_000}\n",
        series(SOUND, "param k{i} = {i}", 30_000),
        series(f"{SOUND}param k0 = 1", "param k{i} = k{before}", 30_000),
        f"{SOUND}param a = 1{''.join(f', k{i} = {i}' for i in range(10_000))}\n",
        series(SOUND, "func f{i}(x) = x + {i}", 20_000),
        series(f"{SOUND}observe o0 = X", "observe o{i} = o{before}", 20_000),
        series(f"{HEAD}param k = 1\nX -> 0 @ k", "event at {i}: k = {i}", 2000),
        series(SOUND, "query dist(X, at=1)", 10_000),
        series(
            f"{SITES}param k[i, j] = i + j\nevent at 4: k = k/2\nobserve o0 = sum(X)",
            "observe o{i} = sum(k*X^2 + {i}*X)",
            300,
        ),
        f"{SITES}query mfpt(from=all(X == 0), to=any(X > 2))\n",
        series(
            series(SOUND, "query hit(X > 1, by=1)", 3000),
            "solve a{i} with fsp {{ t = 0..1; states = box }}",
            3000,
        ),
        series(
            f"{SOUND}module m0(S) {{\nS -> 0 @ 1\n}}",
            "module m{i}(S) {{; use m{before}(S) as a; }}",
            2000,
        ),
    ],
    ids=lambda text: f"{text[len(SOUND) : len(SOUND) + 12]!r}",
)
def test_a_large_file_compiles_soon(text, tmp_path):
    (tmp_path / "large.crn").write_text(text)
    assert check(tmp_path / "large.crn", LARGE) == set()


def codes_of(text):
    with pytest.raises(CrnError) as caught:
        compile_text(text)
    return {diagnostic.code for diagnostic in caught.value.diagnostics}


def test_what_stands_below_a_bomb_is_still_read():
    text = f"{RATE}{'(' * 20_000}1\nY -> 0 @ 1\n"
    assert codes_of(text) == {"CRN111", "CRN201"}


def test_a_bomb_does_not_hide_the_reaction_that_it_is_in():
    """No echo: the bomb changes X, so the law of X and Y does not give Y a cap."""
    text = f"crn 1\nspecies X in 0..3 = 1\nspecies Y\nX -> Y @ 1{'+1' * 20_000}\n"
    assert codes_of(text) == {"CRN111"}


def test_what_is_not_read_may_declare_names():
    text = HEAD + "Y -> 0 @ 1\n" + "X ->\n" * 2000 + "species Y in 0..3\n"
    assert codes_of(text) == {"CRN113"}


def test_a_huge_file_is_not_even_read(tmp_path):
    path = tmp_path / "big.crn"
    with path.open("wb") as file:
        file.truncate(100 * MAX_BYTES)
    with pytest.raises(FileTooLargeError, match="1600 MB"):
        compile_file(path)


def test_files_in_a_circle_are_refused(tmp_path):
    for this, other in (("a", "b"), ("b", "a")):
        text = f'crn 1\nimport "{other}.crn" as m\nspecies X in 0..3\n0 -> X @ 1\n'
        (tmp_path / f"{this}.crn").write_text(text)
    with pytest.raises(CrnError, match="a circle"):
        compile_file(tmp_path / "a.crn")


def test_a_file_that_is_imported_again_is_read_once(tmp_path):
    """Twice by each of 19 files, one behind the other: half a million times in all."""
    for i in range(19):
        below = f"f{i + 1}.crn"
        text = f'crn 1\nimport "{below}" as a\nimport "./{below}" as b\n{SOUND[6:]}'
        (tmp_path / f"f{i}.crn").write_text(text)
    (tmp_path / "f19.crn").write_text("crn 1\nmodule m(S) {\nS -> 0 @ 1\n}\n")
    assert check(tmp_path / "f0.crn", SOON) == set()
