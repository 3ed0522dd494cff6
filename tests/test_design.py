"""The four programs of the language's design: they check, format and explain.

What the language has decided otherwise since then stands in their first lines.
"""

from pathlib import Path

import pytest

from crnlang.cli.explain import explanation
from crnlang.compiler import compile_text
from crnlang.diagnostics import SourceText
from crnlang.frontend.formatter import format_source
from crnlang.report.latex import format_latex

FOLDER = Path(__file__).parent / "design"
#: Species, channels, and conserved pools of each.
SIZES = {
    "toggle": (6, 8, 2),
    "mapk": (16, 35, 1),
    "schlogl2d": (1, 4, 0),
    "sir": (3, 7, 0),
}
#: Questions that no engine of the program's blocks can answer.
UNANSWERED = {"schlogl2d": ["hit", "rate"], "sir": ["hit"]}


def test_all_four_are_here():
    assert {path.stem for path in FOLDER.glob("*.crn")} == SIZES.keys()


@pytest.mark.parametrize("name", SIZES)
def test_the_program_checks_formats_and_explains(name, golden):
    text = (FOLDER / f"{name}.crn").read_text(encoding="utf-8")
    compilation = compile_text(text, f"{name}.crn")
    assert {warning.code for warning in compilation.warnings} <= {"CRN504"}
    asked = [warning.span.text for warning in compilation.warnings]
    assert asked == UNANSWERED.get(name, [])
    network = compilation.network
    laws = len(compilation.lowered.space.totals)
    assert (len(network.species), len(network.reactions), laws) == SIZES[name]
    assert format_source(SourceText(name, text)) == text
    assert format_latex(compilation.lowered).count(r"\begin{") > 1
    golden(explanation(compilation.lowered), FOLDER / f"{name}.explain")
