"""XML that is damaged or made to do harm gets a sentence, at once."""

import contextlib
import time

import pytest

pytest.importorskip("libsbml", reason="SBML needs python-libsbml: crnlang[sbml]")

from hypothesis import given
from hypothesis import strategies as st
from interop.sbml_texts import function, model, parameter, reaction, rule, species

from crnlang.interop.refused import NotRepresentedError
from crnlang.interop.sbml import read_sbml

GOOD = model(
    functions=function("f", "lambda(x, 2*x)"),
    kinds=species("A", "6"),
    parameters=parameter("k") + parameter("y", None, "false"),
    rules=rule("y", "f(A)"),
    reactions=reaction("r", {"A": 1}, {}, "k*y"),
)
LAUGHS = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 12))
DOUBLINGS = function("f0", "lambda(x, x+x)") + "".join(
    function(f"f{i}", f"lambda(x, f{i - 1}(x) + f{i - 1}(x))") for i in range(1, 60)
)
CHAIN = "".join(rule(f"y{i}", f"y{i - 1} + y{i - 1}") for i in range(1, 60))
DEEP = "<apply><minus/>" * 280 + "<ci>A</ci>" + "</apply>" * 280


def with_law(text, law):
    start, end = (
        text.index("<apply>", text.index("<kineticLaw>")),
        text.index("</math>", text.index("<kineticLaw>")),
    )
    return text[:start] + law + text[end:]


CASES = {
    "nothing": ("", "no well-formed XML"),
    "no XML": ("begin parameters", "no well-formed XML"),
    "cut off": (GOOD[: len(GOOD) // 2], "no well-formed XML"),
    "other XML": ("<html><body/></html>", "is `html`, not `sbml`"),
    "encoding": (GOOD.replace("UTF-8", "UTF-7"), "the encoding is `UTF-7`"),
    "level 1": (GOOD.replace('level="3"', 'level="1"'), "level `1` is not read"),
    "no level": (GOOD.replace('level="3"', ""), "level `` is not read"),
    "entities": (
        f'<!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>' + GOOD.partition("?>")[2],
        "SBML has none",
    ),
    "outside": (
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
        + GOOD.partition("?>")[2],
        "SBML has none",
    ),
    "deep": ("<sbml>" * 100_000, "nest more than 300 levels"),
    "deep law": (
        with_law(GOOD, DEEP),
        "nest more than 300 levels|more than 140 levels",
    ),
    "package": (
        GOOD.replace(' level="3"', ' xmlns:comp="c" comp:required="true" level="3"'),
        "needs the package `comp`",
    ),
    "no model": (GOOD[: GOOD.index("<model")] + "</sbml>", "holds no model|valid SBML"),
    "no id": (GOOD.replace('<species id="A"', "<species"), "not valid SBML"),
    "no species": (GOOD.replace('species="A"', ""), "not valid SBML"),
    "same id": (GOOD.replace('parameter id="k"', 'parameter id="A"'), "not valid SBML"),
    "no law": (
        GOOD.replace("kineticLaw>", "notes>"),
        "not valid SBML|has no kinetic law",
    ),
    "empty law": (with_law(GOOD, ""), "not valid SBML|no formula"),
    "no such name": (with_law(GOOD, "<ci>nobody</ci>"), "not valid SBML|`nobody`"),
    "not a number": (with_law(GOOD, "<notanumber/>"), "no number of the language"),
    "doubling functions": (
        model(
            functions=DOUBLINGS,
            kinds=species("A", "6"),
            reactions=reaction("r", {"A": 1}, {}, "f59(A)"),
        ),
        "more than 20000 parts",
    ),
    "doubling rules": (
        model(
            kinds=species("A", "6"),
            parameters=parameter("y0")
            + "".join(parameter(f"y{i}", None, "false") for i in range(1, 60)),
            rules=CHAIN,
            reactions=reaction("r", {"A": 1}, {}, "y59*A"),
        ),
        "more than 20000 parts",
    ),
    "a function of itself": (
        GOOD.replace(" 2 ", " 2 ").replace("<cn", "<ci>f</ci><cn"),
        "not valid SBML|`f` is no species",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_with_a_sentence(name):
    text, reason = CASES[name]
    started = time.perf_counter()
    with pytest.raises(NotRepresentedError, match=reason):
        read_sbml(text, "m.xml")
    assert time.perf_counter() - started < 20


@given(st.data())
def test_damage_never_crashes(data):
    start = data.draw(st.integers(0, len(GOOD)))
    end = data.draw(st.integers(start, min(len(GOOD), start + 40)))
    other = data.draw(st.integers(0, len(GOOD)))
    moved = GOOD[other : other + data.draw(st.integers(0, 30))]
    text = (
        GOOD[:start] + data.draw(st.sampled_from([moved, "", "-1", "x"])) + GOOD[end:]
    )
    with contextlib.suppress(NotRepresentedError):
        read_sbml(text, "m.xml")
