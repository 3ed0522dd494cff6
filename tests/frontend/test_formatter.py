"""The canonical layout: meaning and comments stay, twice is once, examples are it."""

import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.diagnostics import CrnError, Report, SourceText
from crnlang.frontend.formatter import format_source
from crnlang.frontend.layout import WIDTH
from crnlang.frontend.parse import parse_program
from crnlang.testing import programs

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.crn"))
DAMAGED = [
    path.read_text(encoding="utf-8")
    for path in (Path(__file__).parents[1] / "golden").glob("*.crn")
]


def tidy(text):
    return format_source(SourceText("test.crn", text))


def statements_of(text):
    report = Report()
    program = parse_program(SourceText("test.crn", text), report)
    assert report.found == ()
    return program.statements


def comments_of(text):
    """Found without the formatter's help: quotes first, then comments."""
    found = re.findall(r'"[^"\n]*"|((?:#|//)[^\n]*)', text)
    return [comment.rstrip() for comment in found if comment]


@given(programs())
def test_meaning_and_comments_stay_and_twice_is_once(text):
    result = tidy(text)
    assert statements_of(result) == statements_of(text)
    assert comments_of(result) == comments_of(text)
    assert tidy(result) == result


@given(st.data())
def test_damaged_programs_keep_their_meaning_or_are_refused(data):
    text = data.draw(st.sampled_from(DAMAGED))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    inserted = data.draw(st.text('()[]{}@=~-+*/^.,;:\n\r\f 02eAk"#', max_size=4))
    damaged = text[:start] + inserted + text[end:]
    try:
        result = tidy(damaged)
    except CrnError:
        return
    assert tidy(result) == result


@given(programs())
def test_the_page_is_tidy(text):
    result = tidy(text)
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = result.split(newline)
    assert lines[-1] == "" != lines[0]
    assert "\n" not in "".join(lines)
    for line, after in pairwise(lines):
        assert line == line.rstrip()
        assert line or after


@given(programs(), st.data())
def test_blanks_and_empty_lines_change_nothing(text, data):
    """Blanks at line ends, more empty lines, and no line end at the end of the file."""
    result = tidy(text).replace("\r\n", "\n")
    ends = st.sampled_from(["", "  ", "\t", "\f"])
    spread = "\n".join(
        line + data.draw(ends) if line else "\n\n" for line in result.split("\n")[:-1]
    )
    assert tidy(spread) == result


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_in_the_canonical_layout(path):
    text = path.read_text(encoding="utf-8")
    assert tidy(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A+2B→C⇌∅ via E@k ,2 *k,k", "A + 2 B -> C <-> 0 via E  @ k, 2*k, k"),
        ("r :2E1->2*  A@k", "r: 2 E1 -> 2 A  @ k"),
        ("A->0@propensity( ma( 2A )*k )", "A -> 0  @ propensity(ma(2 A)*k)"),
        ("param k=1E-3[ 1/ s ]in .5 ..1. log", "param k = 1E-3 [1/ s] in .5..1. log"),
        ("param k = 1. in 1. ..2", "param k = 1. in 1. ..2"),
        ("param k = ((a))**- -b^(c)", "param k = ((a))^--b^(c)"),
        ("param a=1,b= -2", "param a = 1, b = -2"),
        (
            "species X in 0..n +1~uniform( 0,n+1 )",
            "species X in 0..n+1 ~ uniform(0, n + 1)",
        ),
        ("set s=not a<-b or(c==d)", "set s = not a < -b or (c == d)"),
        ("func f(x , y)=if(x>y,x,y)", "func f(x, y) = if(x > y, x, y)"),
        (
            "query q=prob(s,given = A==1,at = 0 : T+1 : 2)",
            "query q = prob(s, given=A == 1, at=0:T+1:2)",
        ),
        (
            "query hit( s,from = A==1 and B<2,by=[1,2] )",
            "query hit(s, from=A == 1 and B < 2, by=[1, 2])",
        ),
        (
            "query logp(A = 1,X[ 0,3 ] = n+1 , at=1)",
            "query logp(A=1, X[0, 3]=n + 1, at=1)",
        ),
        ("solve m with fsp{}", "solve m with fsp {}"),
        ("solve m with fsp{t=0..1;;seed=3}", "solve m with fsp { t = 0..1; seed = 3 }"),
        ("solve m with fsp{\nt=0..1}", "solve m with fsp {\n  t = 0..1\n}"),
        ('model m   "a # b"', 'model m "a # b"'),
        ("crn 1;model m;;", "crn 1\nmodel m"),
    ],
)
def test_spelling(text, expected):
    assert tidy(text) == f"{expected}\n"


@pytest.mark.parametrize("text", ["", "\n\n", " \t"])
def test_nothing_stays_nothing(text):
    assert tidy(text) == ""


LONG = ", ".join(f"name_{i}" for i in range(12))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"query dist({LONG}, at=1)",
            ["query dist(", *(f"  name_{i}," for i in range(12)), "  at=1", ")"],
        ),
        (
            "solve m with fsp { save = [" + ", ".join(["1000000"] * 14) + "] }",
            [
                "solve m with fsp {",
                "  save = [",
                "    " + ", ".join(["1000000"] * 9) + ",",
                "    " + ", ".join(["1000000"] * 5),
                "  ]",
                "}",
            ],
        ),
        (
            "A -> 0 @ propensity(" + " + ".join(["k*A*longer_name^2"] * 5) + ")",
            [
                "A -> 0  @ propensity(",
                "  k*A*longer_name^2",
                *["  + k*A*longer_name^2"] * 4,
                ")",
            ],
        ),
        (
            "query prob(a > 1 or b < 2 and (c == 3 or d == 4) or eeeeeeeeee >= 5 or "
            "ffffffff != 6, at=1)",
            [
                "query prob(",
                "  a > 1 or b < 2 and (c == 3 or d == 4) or eeeeeeeeee >= 5 "
                "or ffffffff != 6,",
                "  at=1",
                ")",
            ],
        ),
        (
            "query dist( # which\nA ,\n# and\nB # the last\n,at=1) # end",
            [
                "query dist(  # which",
                "  A,",
                "  # and",
                "  B,  # the last",
                "  at=1",
                ")  # end",
            ],
        ),
        (f"species {LONG} in 0..3", [f"species {LONG} in 0..3"]),
    ],
)
def test_long_statements_and_comments_break_inside_brackets(text, expected):
    result = tidy(text)
    assert result.split("\n")[:-1] == expected
    assert tidy(result) == result
    assert all(len(line) <= WIDTH for line in expected[1:])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (  # a block is lined up; an empty line begins another
            "a:A->0@k\nlonger: A + B -> 0 @ k\n\n\n\nB->0@k",
            "a:      A -> 0      @ k\nlonger: A + B -> 0  @ k\n\nB -> 0  @ k",
        ),
        (
            "species X in 0..80=40 # one\nspecies X22 in 0..4\nspecies Y = 3 # two",
            "species X   in 0..80 = 40  # one\nspecies X22 in 0..4\n"
            "species Y = 3              # two",
        ),
        (
            "param a=1\nparam bcd=2 in 1..3\nparam e = 10 in 1..30 log",
            "param a   = 1\nparam bcd = 2  in 1..3\nparam e   = 10 in 1..30 log",
        ),
        (  # too different to be lined up
            "species A = 1\nspecies " + LONG[:60] + " = 1",
            "species A = 1\nspecies " + LONG[:60] + " = 1",
        ),
        (  # a comment that goes on below stays below
            "param a = 1 # one\n            # more\n   # other",
            "param a = 1  # one\n             # more\n# other",
        ),
        (
            "solve m with fsp { # why\n\n\nt=0..1 # one\n# own\n\n\nseed=3\n\n}",
            "solve m with fsp {  # why\n  t = 0..1  # one\n  # own\n\n  seed = 3\n}",
        ),
        (  # a unit is text, with whatever stands in it
            "param k=1[ 1/s // per second\n] in 0..1",
            "param k = 1 [ 1/s // per second\n] in 0..1",
        ),
        ("crn 1\r\nmodel  m\r\n", "crn 1\r\nmodel m\r"),
    ],
)
def test_pages(text, expected):
    assert tidy(text) == f"{expected}\n"


@pytest.mark.parametrize("text", ["A => B @ k", "param k = (1", "solve m with fsp {"])
def test_a_syntax_error_is_raised(text):
    with pytest.raises(CrnError):
        tidy(text)
