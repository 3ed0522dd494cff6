"""Text -> surface tree: statements, numbers, recovery, and arbitrary text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError, Report, SourceText, render
from crnlang.frontend import ast
from crnlang.frontend.parse import parse_program
from crnlang.ir.expr import Function


def parse(text):
    report = Report()
    program = parse_program(SourceText("test.crn", text), report)
    return program.statements, [d.code for d in report.found]


def parse_one(text):
    (statement,), codes = parse(text)
    assert codes == []
    return statement


WORDS = """crn 1 model param species in .. = ~ @ -> <-> => , ; { } ( ) [ ] + - * / ^ **
    not and or < == A B 2A 2E1 0 ∅ 1e5 1e999 ma( propensity( via query dist( at= given=
    prob solve with tdvp massaction falling observe set func f(x) t pi " # // : lattice
    if( falling( hill( poisson( é . $"""
PIECES = st.sampled_from([*WORDS.split(), "\n", "\n", "\t", '"title"'])


def diagnostics_of(text):
    try:
        return compile_text(text).warnings
    except CrnError as error:
        return error.diagnostics


@given(st.lists(PIECES, max_size=60).map(" ".join) | st.text(max_size=200))
def test_arbitrary_text_raises_only_crn_error(text):
    for diagnostic in diagnostics_of(text):
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert render(diagnostic).startswith("<text>:")


VALID = """crn 1
model m "title"
massaction falling
param k = 1e-2 [1/s] in 1e-3..1 log
func f(x) = x/(1 + x)
species A, B in 0..9 = 2
a: 2 A <-> B @ k, 2*k
A -> 0 @ propensity(f(A) + hill(B, 1, 2, 3))
observe n = A + B
set s = n > 3 and not A == 1
query prob(s, given=A < 3, at=0:5:1)
solve main with tdvp {
  t = 0..5
}
"""


@given(st.data())
def test_damaged_programs_raise_only_crn_error(data):
    start = data.draw(st.integers(0, len(VALID)))
    end = data.draw(st.integers(start, min(len(VALID), start + 8)))
    inserted = data.draw(st.text('(){}[]@=~<>-+*/^.,;:\n 0129eAkt"#', max_size=4))
    for diagnostic in diagnostics_of(VALID[:start] + inserted + VALID[end:]):
        assert diagnostic.code in render(diagnostic)


@pytest.mark.parametrize("opening", ["(", "-", "not ", "2^", "1+", "f(", "[", "exp("])
def test_deep_nesting_is_an_error_not_a_crash(opening):
    with pytest.raises(CrnError):
        compile_text("crn 1\nparam k = " + opening * 5000 + "1")


def test_deep_parentheses_are_fine():
    statement = parse_one("param k = " + "(" * 150 + "1" + ")" * 150)
    assert isinstance(statement.value, ast.Literal)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 X", (2, "X")),
        ("2X", (2, "X")),
        ("2*X", (2, "X")),
        ("2E1", (2, "E1")),
        ("2e", (2, "e")),
        ("2E1A", (2, "E1A")),
        ("X", (1, "X")),
        ("12e3x", (12, "e3x")),
    ],
)
def test_coefficients(text, expected):
    (side, empty) = parse_one(f"{text} -> 0 @ k").sides
    (term,) = side.terms
    assert (term.coefficient, term.species.text) == expected
    assert term.span.text == text
    assert term.species.span.text == expected[1]
    assert empty.terms == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), ("1.", 1.0), (".5", 0.5), ("1e-4", 1e-4), ("2.5E+3", 2500.0)],
)
def test_numbers(text, value):
    assert parse_one(f"param k = {text}").value.value == value


def test_range_of_whole_numbers_is_two_numbers():
    bounds = parse_one("species X in 0..84").bounds
    assert (bounds.low.value, bounds.high.value) == (0.0, 84.0)


def test_binding_of_operators():
    value = parse_one("set s = not a < -b^c*d or e and f").condition
    assert value.function is Function.OR
    negation, both = value.operands
    assert both.function is Function.AND
    (comparison,) = negation.operands
    assert comparison.function is Function.LT
    product = comparison.operands[1]
    assert product.function is Function.MUL
    assert product.operands[0].function is Function.NEG
    assert product.operands[0].operands[0].function is Function.POW


def test_power_binds_to_the_right():
    value = parse_one("param k = 2**3^4").value
    assert value.operands[1].function is Function.POW


def test_every_span_covers_its_text():
    statement = parse_one("  param k = 2*(a + 1) [1/s] in 1..2 log   # comment")
    assert statement.span.text == "k = 2*(a + 1) [1/s] in 1..2 log"
    assert statement.unit == "1/s"
    assert statement.range.span.text == "in 1..2 log"


def test_each_bad_statement_is_reported_and_the_others_are_kept():
    statements, codes = parse("param a = 1\nA => B @ k\nX = 5; param b = 2\nA -> B")
    a, reaction, unread, b, without_rate = statements
    assert (a.name.text, b.name.text) == ("a", "b")
    assert reaction.sides[0].terms[0].species.text == "A"
    assert unread == ast.Unread("", frozenset("X"), unread.span)
    assert [s.span.text for s in without_rate.sides] == ["A", "B"]
    assert reaction.laws[0].constant.name == "k"
    assert without_rate.laws == (ast.UnreadLaw(True, without_rate.span),)
    assert codes == ["CRN103", "CRN105", "CRN104"]


def test_an_open_bracket_ends_at_the_next_statement_word():
    statements, codes = parse("param a = (1 +\n2\nspecies X in 0..3\n")
    assert codes == ["CRN108"]
    assert isinstance(statements[1], ast.SpeciesDeclaration)


def test_line_breaks_inside_brackets_count_for_nothing():
    statement = parse_one("query dist(\n  A,\n  B,\n  at=[1,\n 2]\n)")
    assert len(statement.arguments) == 2


def test_settings_are_separated_by_lines_or_semicolons():
    statement = parse_one("solve m with fsp {\n\n t = 0..1; seed = 3\n\n}")
    assert [s.key.text for s in statement.settings] == ["t", "seed"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends(newline):
    statements, codes = parse(newline.join(["crn 1", "param k = 1", ""]))
    assert len(statements) == 2
    assert codes == []
