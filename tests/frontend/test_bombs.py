"""Files that ask for too much are refused soon, and in few words."""

import time

import pytest

from crnlang.compiler import MAX_BYTES, FileTooLargeError, compile_file, compile_text
from crnlang.diagnostics import LONGEST_LINE, CrnError

HEAD = "crn 1\nspecies X in 0..3\n"
#: Seconds of computing; a second on the machine of a user, which may be busy here.
SOON = 5.0


def codes_of(text):
    start = time.process_time()
    with pytest.raises(CrnError) as caught:
        compile_text(text)
    assert time.process_time() - start < SOON
    assert max(map(len, str(caught.value).splitlines())) < LONGEST_LINE + 200
    return {diagnostic.code for diagnostic in caught.value.diagnostics}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("crn 1\nlattice grid(1000, 1000, 1000)\n", "CRN403"),
        ("crn 1\nlattice chain(1e9)\n", "CRN403"),
        (f"{HEAD}X -> 0 @ {'(' * 100_000}1{')' * 100_000}\n", "CRN111"),
        (f"{HEAD}X -> 0 @ {'(' * 100_000}1\n", "CRN111"),
        (f"{HEAD}X -> 0 @ 1{'+1' * 10_000}\n", "CRN111"),
        (f"{HEAD}X -> 0 @ {'-' * 10_000}1\n", "CRN111"),
        (f"{HEAD}X -> 0 @ X{'[' * 10_000}\n", "CRN101"),
        ("crn 1\nspecies X in 0..1e12\nX -> 0 @ 1\n", "CRN211"),
        (f"{HEAD}X -> 0 @ 1\nquery dist(X, at=0:1e9:1e-9)\n", "CRN214"),
        (f"{HEAD}X -> 0 @ 9^9^9^9\n", "CRN304"),
        (f"{HEAD}{'X -> ' * 10_000}X @ 1\n", "CRN208"),
    ],
    ids=lambda value: value[:40] if value.startswith("crn") else value,
)
def test_a_bomb_is_an_error(text, code):
    assert code in codes_of(text)


def test_what_stands_below_a_bomb_is_still_read():
    text = f"{HEAD}X -> 0 @ {'(' * 100_000}1\nY -> 0 @ 1\n"
    assert codes_of(text) == {"CRN111", "CRN201"}


def test_functions_that_double_are_refused():
    doubled = "".join(
        f"func g{i}(x) = g{i - 1}(x) + g{i - 1}(x)\n" for i in range(1, 60)
    )
    text = f"{HEAD}func g0(x) = x\n{doubled}X -> 0 @ propensity(g59(X))\n"
    assert codes_of(text) == {"CRN216"}


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
