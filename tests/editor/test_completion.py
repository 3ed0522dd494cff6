"""What is offered at a place, marked with `|`."""

import pytest

from crnlang.compiler import analyse_text
from crnlang.editor.completion import find_completions
from crnlang.editor.words import STATEMENTS
from crnlang.settings import ENGINES, TdvpSettings

HEAD = """crn 1
massaction falling
param k = 1
species X, Y in 0..5
func f(x) = x
observe n = X
module m(S) {
  param own = 2
}
"""


def offered(text):
    text = HEAD + text
    place = text.index("|")
    analysis = analyse_text(text.replace("|", ""))
    return {one.label: one for one in find_completions(analysis, place)}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("X -> |", {"X", "Y"}),
        ("name: X + 2 |", {"X", "Y"}),
        ("X -> Y |", {"via"}),
        ("massaction |", {"falling", "binomial", "power"}),
        ("lattice |", {"grid", "chain", "graph"}),
        ("lattice grid(2, 3) |", {"boundary", "spacing", "mask"}),
        ("lattice grid(2) boundary |", {"reflecting", "periodic"}),
        ("lattice grid(2, 2) boundary (periodic, |", {"reflecting", "periodic"}),
        ("species Z |", {"per", "in"}),
        ("species Z in 0..9 ~ |", {"poisson", "binomial", "uniform", "table"}),
        ("species Z in 0..9 per |", {"site"}),
        ("query |", {"prob", "dist", "expect", "logp", "hit", "mfpt", "rate"}),
        ("solve main |", {"with"}),
        ("solve main with |", {*ENGINES, "auto"}),
        ("solve a with tdvp {\n  t = 0..1\n  precision = |", {"float64", "float32"}),
        ("event |", {"at", "when"}),
        ("event at 3: |", {"k", "X", "Y"}),
        ("diffuse |", {"X", "Y"}),
        ("diffuse X |", {"coefficient"}),
        ("use |", {"m"}),
        ('import "a.crn" |', {"as"}),
    ],
)
def test_only_what_fits_is_offered(text, wanted):
    assert offered(text).keys() == wanted


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ("|", {"species", "solve", "X"}, {"with", "k", "hill"}),
        ("X -> Y @ k\n|", {"species", "solve", "X"}, {"propensity"}),
        ("X -> Y @ |", {"k", "f", "hill", "t", "propensity"}, {"X", "n"}),
        ("X -> Y @ propensity(|", {"k", "f", "hill", "X", "n"}, {"own"}),
        ("observe z = ke|", {"k", "X", "n", "f", "mean"}, {"at"}),
        ("query prob(X > 3, |", {"at", "given"}, {"solve", "by"}),
        ("query hit(X > 3, |", {"by", "from"}, {"at", "given", "to"}),
        ("query rate(|", {"from", "to", "X"}, {"at", "given", "by"}),
        ("query logp(|", {"at", "given", "X"}, {"from"}),
        ("func g(a, b) = |", {"a", "b", "k"}, {"X"}),
        ("param z[i, j] = |", {"i", "j", "k"}, {"X"}),
        ("module q(T) {\n  param mine = 1\n  T -> |", {"T", "X"}, {"own", "solve"}),
        ("param z = 1 [|", {"s", "nM", "molecule"}, {"k", "week", "X"}),
        ("unit week = 7 [d]\nparam z = 1 [1/|", {"week", "min"}, {"k", "f"}),
        ("unit week = 7 [d]\nunit year = 52 [w|", {"week", "h"}, {"year", "k"}),
        ("param z = 1 [|]\nunit week = 7 [d]", {"s"}, {"week"}),
        ("volume 1 [f|", {"fL", "um"}, {"f", "k"}),
        ("param z = 1 [1/(nM*|", {"s"}, {"k"}),
        ("param z = k[|", {"k"}, {"nM"}),
        ("param z = 1 [1/s] in |", {"k"}, {"nM"}),
        ("# π 🧬\nX -> Y @ |", {"k"}, {"X"}),
    ],
)
def test_what_fits_is_offered(text, some, none):
    found = offered(text).keys()
    assert some <= found
    assert not none & found


def test_every_statement_is_offered_with_what_it_does():
    found = offered("|")
    for word, (_, what) in STATEMENTS.items():
        assert found[word].detail == what


@pytest.mark.parametrize("text", ["# comm|", "X -> Y // |", 'model m "ti|', "param z|"])
def test_nothing_is_offered_in_comments_texts_and_new_names(text):
    assert offered(text) == {}


def test_a_unit_is_offered_with_what_it_is():
    found = offered("unit week = 7 [d]\nparam z = 1 [|")
    assert found["min"].detail == "60 s"
    assert found["L"].detail == "0.001 m^3"
    assert found["mol"].detail == "6.02214e+23 molecules"
    assert found["nM"].detail == "6.02214e+17 molecules m^-3"
    assert found["week"].detail == "unit week = 7 [d]"


@pytest.mark.parametrize("text", ["param z = 1 [1/s^|", "param z = 1 [s |"])
def test_no_unit_follows_a_unit_or_a_power_sign(text):
    assert offered(text) == {}


def test_settings_are_those_of_the_engine_that_are_not_given_yet():
    found = offered("solve main with tdvp {\n  t = 0..1\n  seed = 3\n  |\n}")
    fields = {*TdvpSettings.__dataclass_fields__, "t"} - {"until"}
    assert found.keys() == fields - {"t", "seed"}
    assert "default 0.95" in found["recall"].detail
    assert "at least 0, at most 1" in found["recall"].detail
    assert "damping towards" not in found["samples"].detail
