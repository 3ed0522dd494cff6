"""Antimony: read and written by way of SBML."""

import pytest

pytest.importorskip("antimony", reason="needs libAntimony: crnlang[antimony]")
pytest.importorskip("libsbml", reason="SBML needs python-libsbml: crnlang[sbml]")

from hypothesis import given, settings
from interop.propensities import fires, fixed
from strategies import networks

from crnlang.interop.antimony_text import read_antimony, write_antimony
from crnlang.interop.refused import NotRepresentedError
from crnlang.ir.writer import write_program

MODEL = """model decay()
  substanceOnly species A, B
  A = 20; B = 0
  bind: 2 A -> B; k*A*(A - 1)
  back: B -> 2 A; u*B
  k = 0.02
  u = 0.5
  at (B > 5): A = 1, B = 2
  at (time > 3): k = 0.1
end
"""


def test_a_model_is_read():
    found = read_antimony(MODEL, "m.ant")
    text = write_program(found.network)
    assert "bind: 2 A -> B @ " in text
    assert "event when B > 5: A = 1, B = 2" in text
    assert "if(t < 3, k, 0.1)" in text


def test_what_is_not_antimony_is_refused_with_its_line():
    with pytest.raises(NotRepresentedError) as error:
        read_antimony(MODEL.replace("k = 0.02", "k = = 0.02"), "m.ant")
    assert str(error.value).startswith(
        "m.ant:6: error: syntax error, unexpected number"
    )


def test_what_the_language_cannot_hold_is_refused_by_name():
    with pytest.raises(NotRepresentedError) as error:
        read_antimony(MODEL.replace("u = 0.5", "u = 0.5; u' = 1"), "m.ant")
    (line, *_) = str(error.value).splitlines()
    assert line.startswith("m.ant: error: ")
    assert "`u`" in line


@pytest.mark.parametrize("text", ["model m(\n", "][", 'import "no.ant"\nA = 1'])
def test_texts_that_are_no_antimony_are_refused_with_a_sentence(text):
    with pytest.raises(NotRepresentedError, match="error: "):
        read_antimony(text, "m.ant")


@settings(max_examples=10)
@given(networks(with_time=False))
def test_what_is_written_is_read_again(network):
    first = fixed(network)
    text, _ = write_antimony(first, "m.crn")
    again = read_antimony(text, "m.ant").network
    assert [one.name for one in again.species] == [one.name for one in first.species]
    counts = [min(3, one.cap or 3) for one in first.species]
    assert sorted(fires(again, counts, 0.5).values()) == pytest.approx(
        sorted(fires(first, counts, 0.5).values()), rel=1e-9
    )
