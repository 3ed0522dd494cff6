"""Reactions of other languages, written in this one."""

import pytest

from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError
from crnlang.frontend.translate import TRANSLATORS, translated

MICROSOFT, CRNSIMULATOR, CATALYST, ANTIMONY, BIONETGEN = TRANSLATORS
HEAD = """crn 1
massaction falling
param k = 1, k1 = 1, kf = 1, kr = 1, v = 1
species A, B, C, S, E, SE, X, Y in 0..9
"""


@pytest.mark.parametrize(
    ("language", "line", "ours"),
    [
        (MICROSOFT, "X + Y ->{k} Y + Y", "X + Y -> Y + Y @ k"),
        (MICROSOFT, "| X <->{1}{2.5} Y", "X <-> Y @ 1, 2.5"),
        (MICROSOFT, "->{k} X", "0 -> X @ k"),
        (MICROSOFT, "X ->[v*[X]] Y", "X -> Y @ propensity(v*X)"),
        (CRNSIMULATOR, "A + B -> C [k = 0.2]", "A + B -> C @ 0.2"),
        (CRNSIMULATOR, "C <=> 2A [kf = 1, kr = 2]", "C <-> 2A @ 1, 2"),
        (CATALYST, "k1, S + E --> SE", "S + E -> SE @ k1"),
        (CATALYST, "(kf, kr), A <--> B", "A <-> B @ kf, kr"),
        (CATALYST, "hill(X, v, k, 2), 0 --> X", "0 -> X @ hill(X, v, k, 2)"),
        (CATALYST, "mm(X, v, k), X => 0", "X -> 0 @ propensity(mm(X, v, k))"),
        (ANTIMONY, "J0: A + B -> C; k1*A*B", "J0: A + B -> C @ k1"),
        (ANTIMONY, "2 A => B; k*A*A;", "2 A -> B @ k"),
        (ANTIMONY, "-> $X; v", "0 -> X @ v"),
        (ANTIMONY, "A -> ; v*A/(k + A)", "A -> 0 @ propensity(v*A/(k + A))"),
        (ANTIMONY, "A -> B; k*B", "A -> B @ propensity(k*B)"),
        (BIONETGEN, "r: A() + B() <-> C() kf, kr", "r: A + B <-> C @ kf, kr"),
        (BIONETGEN, "0 -> A() k1", "0 -> A @ k1"),
        (BIONETGEN, "A() -> 0 2*k", "A -> 0 @ 2*k"),
    ],
)
def test_a_reaction_is_translated_and_can_be_read(language, line, ours):
    assert TRANSLATORS[language](line) == ours
    if "@ hill" in ours:  # a species in `@ k` is told, with both readings
        with pytest.raises(CrnError, match="CRN206"):
            compile_text(f"{HEAD}{ours}\n")
    else:
        assert compile_text(f"{HEAD}{ours}\n").network.reactions


@pytest.mark.parametrize("language", TRANSLATORS)
@pytest.mark.parametrize(
    "line",
    ["", "begin model", "k = 1", "A(b!1,c~P) + B(a) -> C() k", "species A", "; ;"],
)
def test_what_is_no_reaction_is_not_translated(language, line):
    assert TRANSLATORS[language](line) == ""


def test_the_first_reaction_of_a_file_is_shown():
    text = "// a model\nk1 = 0.1\nJ0: A -> B; k1*A # here\nJ1: B -> A; B\n"
    assert (
        translated(text, ANTIMONY) == "`J0: A -> B; k1*A` is written `J0: A -> B @ k1`"
    )
    assert translated("model foo()\n", ANTIMONY) == ""
    assert translated(text, "PRISM") == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A + B -> C [k = 0.2]\n", "looks like crnsimulator"),
        ("k1, S + E --> SE\n", "looks like Catalyst"),
        ("X + Y ->{0.003} Y + Y\n", "looks like the Microsoft CRN engine"),
        ("crn 1\nspecies A, B in 0..3\nA -> B [k = 0.2]\n", "`A -> B @ 0.2`"),
        ("crn 1\nspecies A, B in 0..3\nk, A --> B\n", "`A -> B @ k`"),
    ],
)
def test_lines_without_a_word_of_their_language_are_known(text, words):
    with pytest.raises(CrnError, match=words.replace("`", ".")) as caught:
        compile_text(text)
    assert len(caught.value.diagnostics) == 1
