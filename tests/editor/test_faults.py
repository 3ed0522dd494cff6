"""Where faults are underlined, and in which columns."""

from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import analyse_text
from crnlang.diagnostics import SourceText
from crnlang.editor.faults import find_faults
from crnlang.editor.positions import WIDTHS, offset_at, position_at

TEXTS = st.text(st.sampled_from("ab π🧬\t\n\r"), max_size=30)


@given(TEXTS, st.sampled_from([*WIDTHS]), st.data())
def test_positions_lead_back_to_the_offset(text, encoding, data):
    source = SourceText("", text)
    offset = data.draw(st.integers(0, len(text)))
    line, column = position_at(source, offset, encoding)
    assert line == text.count("\n", 0, offset)
    inside = source.line(line + 1)
    if offset <= source.line_starts[line] + len(inside):
        assert offset_at(source, line, column, encoding) == offset
    before = text[source.line_starts[line] : offset]
    units = {"utf-8": len(before.encode()), "utf-32": len(before)}
    units["utf-16"] = sum(2 if char > "\uffff" else 1 for char in before)
    assert column == units[encoding]


def test_places_outside_are_ends():
    source = SourceText("", "ab\n🧬c")
    assert offset_at(source, 0, 99, "utf-16") == 2
    assert offset_at(source, 7, 0, "utf-16") == len(source.text)
    assert offset_at(source, 1, 1, "utf-16") == 3  # inside of the emoji


def test_every_place_of_a_fault_is_underlined_with_the_fix():
    text = "crn 1\nspecies Prey in 0..3\nPrey -> Pray @ 1\nPray -> 0 @ 1\nPrey ->\n"
    faults = find_faults(analyse_text(text))
    unknown = [fault for fault in faults if fault.code == "CRN201"]
    places = [fault.span.source.locate(fault.span.start) for fault in unknown]
    assert places == [(3, 9), (4, 1)]
    assert all("did you mean `Prey`?" in fault.message for fault in unknown)
    (cut,) = (fault for fault in faults if fault.span.start > text.index("Prey ->\n"))
    assert cut.span.text == ">"  # nothing can be underlined behind the end of a line


def test_warnings_are_warnings_and_name_the_other_place():
    text = "crn 1\nspecies X in 0..3\nspecies X in 0..4\n0 -> X @ propensity(1)\n"
    (twice,) = find_faults(analyse_text(text))
    assert (twice.code, twice.severity) == ("CRN202", "error")
    assert twice.related[0][0].source.locate(twice.related[0][0].start) == (2, 9)
    text = "crn 1\nspecies X in 0..3\nX -> 0 @ propensity(1)\n"
    (ignores,) = find_faults(analyse_text(text))
    assert (ignores.code, ignores.severity) == ("CRN306", "warning")


def test_faults_of_an_imported_file_stand_at_its_import(tmp_path):
    (tmp_path / "lib.crn").write_text("crn 1\nmodule cut(S) {\nS => 0 @ 1\n}\n")
    text = 'crn 1\nspecies A in 0..3\n0 -> A @ 1\nimport "lib.crn" as lib\n'
    analysis = analyse_text(text, str(tmp_path / "m.crn"))
    (fault,) = find_faults(analysis)
    assert fault.span.text == '"lib.crn"'
    assert "lib.crn" in fault.message
    assert fault.related[0][0].source.path == str(tmp_path / "lib.crn")
