"""Files in other languages: one error that names it; ours are never taken for one."""

import re

import pytest
from hypothesis import given

from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError, SourceText
from crnlang.frontend.dialects import recognise_dialect
from crnlang.testing import programs

#: The language and a file in it.
FILES = [
    (
        "BioNetGen",
        "begin parameters\n k1 0.1\nend parameters\nbegin species\n A() 10\n"
        "end species\nbegin reaction rules\n A() -> B() k1\nend reaction rules\n",
    ),
    ("Antimony", "model birth()\n  species X = 10\n  J0: -> X; k1\n  k1 = 1\nend\n"),
    ("Antimony", "// decay\nJ0: X -> ; k1*X\nX = 10; k1 = 0.1\n"),
    ("Antimony", "J0: A + B => C; k1*A*B;\nk1 = 0.1\n"),
    ("Catalyst (Julia)", "rn = @reaction_network begin\n  k1, 0 --> X\nend\n"),
    ("Catalyst (Julia)", "using Catalyst, JumpProcesses\nrn = read()\n"),
    (
        "PRISM",
        "ctmc\nmodule birth\n x : [0..100] init 0;\n"
        " [] x<100 -> 1.0 : (x'=x+1);\nendmodule\n",
    ),
    (
        "the Microsoft CRN engine",
        "directive simulation {final=40}\n->{1} X\nX ->{0.1}\n",
    ),
    (
        "XML, perhaps SBML",
        '<?xml version="1.0"?>\n<sbml level="3" version="1">\n</sbml>\n',
    ),
    ("Kappa", "%agent: A(x)\n%init: 10 A()\n'bind' A(x[.]) -> A(x[1]) @ 0.1\n"),
    ("Python", "import numpy as np\nfrom gillespy2 import Model\nmodel = Model()\n"),
    ("Smoldyn", "dim 3\nspecies A B\nreaction r1 A -> B 0.1\n"),
]


def errors_of(text):
    with pytest.raises(CrnError) as caught:
        compile_text(text)
    return caught.value.diagnostics


@pytest.mark.parametrize(("language", "text"), FILES)
def test_a_file_in_another_language_is_one_error(language, text):
    (error,) = errors_of(text)
    assert (error.code, error.dialect) == ("CRN109", language)
    assert any(error.span.text in line for line in text.splitlines())


@pytest.mark.parametrize(("_", "text"), FILES)
def test_with_a_header_it_is_read_line_by_line(_, text):
    assert recognise_dialect(SourceText("x.crn", f"crn 1\n{text}")) is None
    assert len(errors_of(f"crn 1\n{text}")) > 1


@given(programs())
def test_a_program_without_its_header_is_still_ours(text):
    bare = re.sub(r"(?m)^[ \t]*crn\b[^;\n]*", "", text)
    assert recognise_dialect(SourceText("x.crn", bare)) is None


@pytest.mark.parametrize(
    "text",
    [
        "species A in 0..3\nA -> 0; 0 -> A\n",
        "species A in 0..3\nA -> 0; param k = 1\n",
        "species A in 0..3 # A -> 0; k1*A\n",
        "species begin in 0..3\nbegin -> 0 @ 1\n",
    ],
)
def test_a_faulty_file_of_ours_is_not_taken_for_another(text):
    assert recognise_dialect(SourceText("x.crn", text)) is None
