"""Every program in `golden/` and `examples/` keeps its printed representations."""

from pathlib import Path

import pytest

from crnlang.compiler import compile_file, compile_text
from crnlang.ir.printer import print_lowered, print_network

HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "golden").glob("*.crn")) + sorted(
    (HERE.parent / "examples").glob("*.crn")
)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_printed_representations(path, golden):
    compilation = compile_file(path)
    target = HERE / "golden" / path.name
    golden(print_network(compilation.network), target.with_suffix(".network"))
    golden(print_lowered(compilation.lowered), target.with_suffix(".lowered"))


def test_the_program_in_the_language_page_compiles_without_a_warning():
    page = (HERE.parent / "docs" / "language.md").read_text(encoding="utf-8")
    program = page.split("```")[1]
    assert compile_text(program).warnings == ()
