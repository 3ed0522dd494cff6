"""`crnc import` of files that are damaged at random: a sentence, never a traceback."""

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from interop.sbml_texts import event, function, model, parameter, reaction, rule, start
from interop.sbml_texts import species as kind
from interop.test_bionetgen import NET

from crnlang.cli import main


def sbml():
    """A text with one of everything that is read."""
    return model(
        functions=function("f", "lambda(x, 2*x)"),
        kinds=kind("A", "6") + kind("B", "2", hasOnlySubstanceUnits="false"),
        parameters=parameter("k") + parameter("y", None, "false") + parameter("z", "2"),
        starts=start("z", "2*k"),
        rules=rule("y", "f(A) + B"),
        reactions=reaction("r", {"A": 2}, {"B": 1}, "k*y", local=LOCAL)
        + reaction("s", {"B": 1}, {"A": 2}, "k*B - z*A*A", reversible="true"),
        events=event("e", "time > 2", {"A": "A + 1"})
        + event("w", "B > 5", {"B": "1"}, use="false"),
    )


LOCAL = '<localParameter id="k" value="5"/>'
ANTIMONY = """model m()
  species A, B
  A = 5; B = 0; k = 2
  r: 2 A -> B; k*A*(A - 1)
  total := A + 2*B
  at (B > 2): B = 0
end
"""
#: What takes the place of a piece of the file.
PIECES = (
    *(b"", b"-1", b"1e999", b"nan", b"0", b"<", b'"', b"\x00", b"\xff", b"(" * 400),
    *(b"A", b"k()", b"#", b"\\\n", b"9" * 30, b"\xe9", b"*" * 9),
)


@st.composite
def damaged(draw, text):
    """The bytes of a file with some pieces replaced, moved or cut off."""
    found = text.encode()
    for _ in range(draw(st.integers(1, 3))):
        first = draw(st.integers(0, len(found)))
        last = draw(st.integers(first, min(len(found), first + 40)))
        other = draw(st.integers(0, len(found)))
        moved = found[other : other + draw(st.integers(0, 60))]
        found = (
            found[:first]
            + draw(st.sampled_from([*PIECES, moved]) | st.binary(max_size=6))
            + found[last:]
        )
    return found[: draw(st.integers(0, len(found)) | st.just(len(found)))]


CASES = {".net": NET, ".xml": None, ".ant": ANTIMONY}


@pytest.mark.parametrize("ending", CASES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=20_000)
@given(data=st.data())
def test_damage_gives_a_sentence(ending, tmp_path, data):
    if ending != ".net":
        pytest.importorskip("libsbml", reason="SBML needs python-libsbml")
    if ending == ".ant":
        pytest.importorskip("antimony", reason="Antimony needs its library")
    path, out = tmp_path / f"m{ending}", tmp_path / "m.crn"
    out.unlink(missing_ok=True)
    path.write_bytes(data.draw(damaged(CASES[ending] or sbml())))
    command = ["import", str(path), "-o", str(out), "--cap", "9"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code in (0, 1), result.output
    assert out.exists() == (result.exit_code == 0)
    assert result.output.strip()
    if result.exit_code == 1:
        assert "error" in result.output or "not" in result.output
