"""Modules: written out as if by hand, whatever they are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_file, compile_text
from crnlang.diagnostics import CrnError
from crnlang.ir.printer import print_network

MODULE = """module cycle(S, K) {
  param on = 2, f = 0.5
  species Sp in 0..5 = 1
  phos: S -> Sp via K @ on*speed
  Sp -> S @ propensity(f*law(Sp, S))
  func law(x, f) = x/(1 + f)
  observe both = S + Sp
  set many = both > 3
}
"""
TAIL = "species M, N in 0..5 = 2\nspecies E in 0..1 = 1\nparam speed = 3\n"
BY_HAND = """param {p}_on = 2, {p}_f = 0.5
species {p}_Sp in 0..5 = 1
{p}_phos: {s} -> {p}_Sp via E @ {p}_on*speed
{p}_Sp -> {s} @ propensity({p}_f*{p}_law({p}_Sp, {s}))
func {p}_law(x, y) = x/(1 + y)
observe {p}_both = {s} + {p}_Sp
set {p}_many = {p}_both > 3
"""


def network_of(text):
    return print_network(compile_text("crn 1\n" + text, "model.crn").network)


@given(
    st.lists(
        st.tuples(st.sampled_from("MN"), st.sampled_from(["a", "b_", "on", "M1"])),
        unique_by=lambda pair: pair[1],
        max_size=3,
    )
)
def test_uses_are_what_one_would_write_by_hand(pairs):
    uses = "".join(f"use cycle({s}, E) as {p}\n" for s, p in pairs)
    hand = "".join(BY_HAND.format(s=s, p=p) for s, p in pairs)
    end = "M -> N @ speed\nquery prob(M > 1, at=1)\n"
    assert network_of(TAIL + MODULE + uses + end) == network_of(TAIL + hand + end)


def test_a_module_may_use_another_one():
    text = "species M in 0..5\nmodule a(S) { make: 0 -> S @ 1 }\n"
    text += "module b(T) { use a(T) as inner; T -> 0 @ 2 }\nuse b(M) as outer"
    assert "reaction outer_inner_make: 0 -> M" in network_of(text)


def test_modules_come_from_other_files(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "lib.crn").write_text("crn 1\n" + MODULE, encoding="utf-8")
    text = "crn 1\n" + TAIL + 'import "sub/lib.crn" as lib\nuse lib.cycle(M, E) as c\n'
    path = tmp_path / "model.crn"
    path.write_text(text, encoding="utf-8")
    found = print_network(compile_file(path).network)
    assert found == network_of(TAIL + BY_HAND.format(s="M", p="c"))


def test_an_error_in_an_imported_file_is_told_at_its_place(tmp_path):
    lib = tmp_path / "lib.crn"
    lib.write_text("module pump(S) {\n  S -> 0 @ sped\n}\n", encoding="utf-8")
    path = tmp_path / "model.crn"
    text = 'crn 1\nimport "lib.crn" as lib\nspecies X in 0..3\nparam speed = 1\n'
    path.write_text(text + "use lib.pump(X) as p\n", encoding="utf-8")
    with pytest.raises(CrnError) as caught:
        compile_file(path)
    (error,) = caught.value.diagnostics
    assert error.span.source.path == str(lib)
    assert error.span.source.locate(error.span.start) == (2, 12)
    assert error.span.text == "sped"


def test_modules_that_multiply_are_refused_at_once():
    text = "species X in 0..3\nmodule m0(S) { 0 -> S @ 1; S -> 0 @ 1 }\n"
    for i in range(30):
        uses = "; ".join(f"use m{i}(S) as u{j}" for j in range(10))
        text += f"module m{i + 1}(S) {{ {uses} }}\n"
    with pytest.raises(CrnError, match="more than 50000 statements"):
        network_of(text + "use m30(X) as all_")


def test_a_name_that_a_damaged_statement_of_a_module_declares_is_not_unknown():
    text = "crn 1\nspecies X in 0..3\nmodule m(S) {\n  param own = 1 $ 2\n"
    text += "  S -> 0 @ own\n}\nuse m(X) as a\nuse m(X) as b\n"
    with pytest.raises(CrnError) as caught:
        compile_text(text)
    assert [error.code for error in caught.value.diagnostics] == ["CRN102"]
