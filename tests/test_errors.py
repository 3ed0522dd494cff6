"""Every bad program in `errors/` prints its `.err`; every code has one.

The programs `SEVERAL_...` have errors of several kinds, which are told at once.
"""

from pathlib import Path

import pytest
from error_page import error_page

import crnlang.compiler  # noqa: F401 - defines every diagnostic
from crnlang.compiler import compile_file
from crnlang.diagnostics import CrnError, Diagnostic, render_all

CASES = sorted((Path(__file__).parent / "errors").glob("*.crn"))


def diagnostics_of(path):
    try:
        return compile_file(path.name).warnings
    except CrnError as error:
        return error.diagnostics


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_error_text(path, golden, monkeypatch):
    monkeypatch.chdir(path.parent)
    found = diagnostics_of(path)
    assert found, "a bad program must have a diagnostic"
    codes = {d.code for d in found}
    assert path.stem.split("_")[0] in codes or len(codes) > 2
    golden(render_all(found) + "\n", path.with_suffix(".err"))


def test_every_code_has_a_case():
    codes = {cls.code for cls in Diagnostic.__subclasses__()}
    assert codes | {"SEVERAL"} == {path.stem.split("_")[0] for path in CASES}


def test_every_code_is_documented(golden):
    golden(error_page(), Path(__file__).parents[1] / "docs" / "errors.md")


def test_codes_are_unique():
    codes = [cls.code for cls in Diagnostic.__subclasses__()]
    assert len(codes) == len(set(codes))
