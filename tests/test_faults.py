"""All errors at once: faults of one file are told each, and nothing else is."""

from pathlib import Path

import pytest
from faults import faulty_programs
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.diagnostics import MOST_SHOWN, CrnError, render, render_all
from crnlang.testing import programs

HERE = Path(__file__).parent
DAMAGED = [
    path.read_text(encoding="utf-8")
    for path in sorted((HERE / "errors").glob("*.crn"))
    if not path.stem.startswith("CRN100")
]
PIECES = [
    *("(", ")", "{", "}", "[", "]", "@", "=", "->", "=>", "-->", ":", ",", ";", "\n"),
    *("param ", "species ", "solve ", "massaction ", "propensity(", "ma(", "via ", "t"),
    *("crn ", "lattice ", "at=", "1e999", "2.5", "0", '"', "#", "é", "exp(", " in "),
]


def diagnostics_of(text):
    try:
        return compile_text(text).warnings
    except CrnError as error:
        return error.diagnostics


def errors_of(text):
    """Code and line of every error, in the order told."""
    return [
        (d.code, d.span.source.locate(d.span.start)[0])
        for d in diagnostics_of(text)
        if d.severity == "error"
    ]


@given(faulty_programs(most=1))
def test_a_fault_is_one_error(drawn):
    sound, (fault,) = drawn
    assert errors_of(sound.text) == []
    found = errors_of(sound.with_faults([fault]))
    assert [code for code, _ in found] == [fault.code]


@given(faulty_programs(most=4))
def test_faults_are_told_all_and_alone(drawn):
    sound, faults = drawn
    alone = [error for f in faults for error in errors_of(sound.with_faults([f]))]
    together = errors_of(sound.with_faults(faults))
    assert sorted(together) == sorted(alone)
    assert [line for _, line in together] == sorted(line for _, line in together)


@given(st.data())
def test_a_mutated_program_compiles_or_has_errors(data):
    """Never another exception; each error once, in order, at a place of the text."""
    text = data.draw(st.sampled_from(DAMAGED) | programs())
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 20)))
        pieces = data.draw(st.lists(st.sampled_from(PIECES), max_size=3))
        text = text[:start] + "".join(pieces) + text[end:]
    found = diagnostics_of(text)
    assert len(set(found)) == len(found)
    places = [d.span.start for d in found]
    assert places == sorted(places)
    for diagnostic in found:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert render(diagnostic).startswith("<text>:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (  # a pool whose reaction is damaged still limits its species
            "species A = 3\nspecies B\nA -> B k\nB -> A @ 1",
            [("CRN104", 4)],
        ),
        (  # so does one with a misspelled species
            "species On = 1\nspecies Off\nOn -> Of @ 1\nOff -> On @ 1",
            [("CRN201", 4)],
        ),
        (  # but a species that a damaged reaction makes is not conserved
            "species A\n0 -> A 1",
            [("CRN302", 2), ("CRN104", 3)],
        ),
        (  # nor one that a misspelled name must mean
            "species Protein\n0 -> Protien @ 1",
            [("CRN302", 2), ("CRN201", 3)],
        ),
        (  # it is open what the first reaction does to A
            "species A = 1\n+ + -> A @ 1\n0 -> 0 @ 1",
            [("CRN101", 3)],
        ),
        (  # a `diffuse` with an arrow is no reaction
            "species A in 0..3\ndiffuse A-> -2\ndiffuse A => B @ 1\nA -> 0 @ 1",
            [("CRN101", 3), ("CRN103", 4)],
        ),
        (  # an unknown name is one error, a second one another
            "species A in 0..3\nA -> 0 @ k\n0 -> A @ k\n0 -> A @ l",
            [("CRN201", 3), ("CRN201", 5)],
        ),
        (  # constants that follow from a wrong one are not judged
            "param k = 1/0, l = k - k\nspecies A in 0..l = l\nA -> 0 @ -l\n"
            "query dist(A, at=l)\nsolve a with fsp { t = 0..l; save = [l]; seed = l }",
            [("CRN212", 2)],
        ),
        (  # nor are states with a cap that is unknown
            "species A in 0..k = 9\nspecies B in 0..3 = 1\n"
            "A -> B @ propensity(5 - A)\nB -> 0 @ propensity(5 - A)",
            [("CRN201", 2)],
        ),
        (  # a propensity that is negative everywhere is, whatever the cap
            "species A in 0..k\nspecies B\n0 -> B @ propensity(-1)",
            [("CRN201", 2), ("CRN302", 3), ("CRN305", 4)],
        ),
        (  # an engine with an unknown name has unknown settings
            "species A in 0..3\nA -> 0 @ 1\nsolve a with fps { sample = 3 }",
            [("CRN501", 4)],
        ),
    ],
)
def test_what_follows_from_a_fault_is_not_told(text, expected):
    assert errors_of("crn 1\n" + text) == expected


def test_very_many_errors_are_counted():
    text = "crn 1\nspecies A in 0..3\n" + "".join(
        f"A -> 0 @ k{i}\n" for i in range(500)
    )
    shown = render_all(diagnostics_of(text))
    assert shown.count("error[CRN201]") == MOST_SHOWN
    assert shown.endswith(f"500 errors, the first {MOST_SHOWN} are shown")
