"""What stands under the pointer (`|` before it), and where its name is declared."""

import pytest

from crnlang.compiler import analyse_text
from crnlang.editor.hover import find_hover
from crnlang.editor.places import find_declaration
from crnlang.editor.symbols import find_symbols
from crnlang.editor.words import FUNCTIONS, INSIDE, QUERIES, STATEMENTS
from crnlang.frontend.grammar import reserved_words
from crnlang.frontend.questions import USAGE
from crnlang.frontend.rooms import BUILT_IN_FUNCTIONS
from crnlang.frontend.tokens import STATEMENT_WORDS

TEXT = """crn 1  # π 🧬
model m "a title"
massaction power
param b = 1e-4, twice = 2*b
species G in 0..1 = 1
species P, Q in 0..9
species Off
func f(x, y) = x + y*b
pair: G + 2 P <-> Off @ b, twice
0 -> P @ propensity(f(P, hill(Q, 1, 2, 3)))
observe total = P + 2*Q
module half(S) {
  param own = 2
  cut: S -> 0 @ own
}
use half(P) as h1
query prob(total > 3, at=1)
query hit(total > 3, by=1)
solve main with ssa { t = 0..1; trajectories = 10 }
"""


def at(marked, text=TEXT):
    """The analysis of the text, and the offset of `|` in the marked piece of it."""
    piece = marked.replace("|", "")
    assert text.count(piece) == 1
    return analyse_text(text), text.index(piece) + marked.index("|")


@pytest.mark.parametrize(
    ("marked", "words"),
    [
        (
            "|pair:",
            ["pair: G + 2 P -> Off @ propensity(b * G * P^2)", "pair_rev: Off ->"],
        ),
        ("<-|> Off", ["propensity(b * G * P^2)", "propensity(twice * Off)"]),
        ("0 |-> P @", ["r2: 0 -> P @ propensity(P + hill(Q, 1, 2, 3) * b)"]),
        ("|cut:", ["h1_cut: P -> 0 @ propensity(h1_own * P)"]),
        ("@ b, t|wice", ["param twice = 2*b", "`twice = 0.0002`"]),
        ("species |Off", ["`Off in 0..1 = 0`, cap from a conservation law"]),
        ("prob(|total", ["observe total = P + 2*Q", "`P + 2 * Q`"]),
        ("(|f(P,", ["func f(x, y) = x + y*b"]),
        ("|hill(Q", ["hill(x, v, K, n)", "v x^n/(x^n + K^n)"]),
        ("= x + |y*b", ["func f(x, y)"]),
        ("|massaction", ["massaction falling"]),
        ("|prob(total", ["prob(condition, at=times)"]),
        ("|hit(total", ["hit(condition, from=condition, by=times)", "was entered"]),
        ("with s|sa", ["Gillespie"]),
        ("|trajectories", ["number of trajectories", "at least 1", "default 10000"]),
    ],
)
def test_hover(marked, words):
    found = find_hover(*at(marked))
    assert [word for word in words if word not in found.text] == []
    assert found.span.start <= at(marked)[1] <= found.span.end


@pytest.mark.parametrize("marked", ["# π |🧬", '"a |title"'])
def test_comments_and_titles_mean_nothing(marked):
    assert find_hover(*at(marked)) is None


def test_a_file_with_errors_still_shows_what_is_sound():
    text = TEXT + "query prob(nonesuch, at=1)\nbroken: P -> Q @ nonesuch\n"
    found = find_hover(*at("|pair:", text))
    assert "propensity(b * G * P^2)" in found.text
    assert find_hover(*at("|broken:", text)) is None


@pytest.mark.parametrize(
    ("marked", "declared"),
    [
        ("@ |b, twice", "b = 1e-4"),
        ("2 |P <->", "P, Q in"),
        ("prob(|total", "total = P"),
        ("(|f(P,", "f(x, y)"),
        ("= x + |y*b", "y) ="),
        ("@ |own", "own = 2"),
        ("cut: |S", "S) {"),
        ("use |half", "half(S)"),
    ],
)
def test_definition(marked, declared):
    found = find_declaration(*at(marked))
    assert found.source.text[found.start :].startswith(declared)


UNITS = """crn 1
unit week = 7 [d]  # a unit
unit year = 52 [week]
lattice chain(2)
param d = 1 [1/week], k[i] = d + i [
  1/min]
param c = k[0]/2 [1/year] in 0..9
species week in 0..3 per site
week -> 0 @ d
"""


@pytest.mark.parametrize(
    ("marked", "declared"),
    [
        ("unit |week", "week = 7 [d]"),
        ("52 [|week]", "week = 7 [d]"),
        ("1/|week], k", "week = 7 [d]"),
        ("1/|year", "year = 52"),
        ("= |d + i", "d = 1 [1/week]"),
        ("d + |i [", "i] ="),
        ("species |week", "week in 0..3"),
        ("|week -> 0", "week in 0..3"),
        ("0 @ |d", "d = 1 [1/week]"),
        ("7 [|d]", None),
        ("1/|min", None),
    ],
)
def test_units_have_names_of_their_own(marked, declared):
    found = find_declaration(*at(marked, UNITS))
    assert (found is None) == (declared is None)
    assert found is None or UNITS[found.start :].startswith(declared)


def test_hover_of_units():
    assert find_hover(*at("52 [|week]", UNITS)).text == "```crn\nunit week = 7 [d]\n```"
    assert find_hover(*at("1/|min", UNITS)) is None


def test_definition_in_an_imported_file(tmp_path):
    (tmp_path / "lib.crn").write_text("crn 1\n# é\nmodule cut(S) {\nS -> 0 @ 1\n}\n")
    text = 'crn 1\nimport "lib.crn" as lib\nspecies A in 0..3\nuse lib.cut(A) as c\n'
    analysis = analyse_text(text, str(tmp_path / "m.crn"))
    found = find_declaration(analysis, text.index("cut(A)"))
    assert found.source.path == str(tmp_path / "lib.crn")
    assert found.source.locate(found.start) == (3, 8)
    alias = find_declaration(analysis, text.index("lib.cut"))
    assert (alias.text, alias.source.path) == ("lib", str(tmp_path / "m.crn"))


def test_symbols():
    symbols = find_symbols(analyse_text(TEXT).program)
    assert [(one.kind, one.name) for one in symbols[:4]] == [
        ("model", "m"),
        ("parameter", "b"),
        ("parameter", "twice"),
        ("species", "G"),
    ]
    (module,) = (one for one in symbols if one.inside)
    assert [one.name for one in module.inside] == ["own", "cut"]
    assert module.span.text.endswith("}")
    for one in [*symbols, *module.inside]:
        assert one.span.start <= one.name_span.start <= one.name_span.end
        assert one.name_span.end <= one.span.end


def test_units_are_symbols():
    symbols = find_symbols(analyse_text(UNITS).program)
    assert [(one.kind, one.name) for one in symbols[:2]] == [
        ("unit", "week"),
        ("unit", "year"),
    ]


def test_no_word_goes_without_help():
    assert STATEMENTS.keys() | INSIDE.keys() == set(reserved_words().values())
    assert STATEMENTS.keys() == set(STATEMENT_WORDS.values())
    assert FUNCTIONS.keys() == BUILT_IN_FUNCTIONS.keys()
    assert QUERIES.keys() == USAGE.keys()
