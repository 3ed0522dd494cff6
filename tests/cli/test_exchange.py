"""`crnc import` and `crnc export`: files, caps, refusals and exit codes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("libsbml", reason="SBML needs python-libsbml: crnlang[sbml]")

from crnlang.cli import main
from crnlang.compiler import compile_file

EXAMPLES = Path(__file__).parents[2] / "examples"
NET = """begin parameters
1 k 2
end parameters
begin species
1 A() 5
2 B() 0
3 C() 1
end species
begin reactions
1 1 2 k
2 3 3,3 k
end reactions
"""


def crnc(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "m.net"
    path.write_text(NET)
    return path


def test_caps_are_asked_for_where_nothing_limits(net, tmp_path):
    out = tmp_path / "m.crn"
    found = crnc("import", net, "-o", out)
    assert found.exit_code == 1
    assert f"{net}: nothing in the model limits C." in found.stderr
    assert not out.exists()
    found = crnc("import", net, "-o", out, "--cap", "20")
    assert found.exit_code == 0
    assert found.stdout == f"{out}: m: species: 3, channels: 2\n"
    assert [one.cap for one in compile_file(out).network.species] == [None, None, 20]
    assert out.read_text().startswith("# Imported from m.net by crnc ")


def test_caps_by_name(net, tmp_path):
    out = tmp_path / "m.crn"
    assert crnc("import", net, "-o", out, "--cap", "A=7,C=9").exit_code == 0
    assert [one.cap for one in compile_file(out).network.species] == [7, None, 9]
    found = crnc("import", net, "-o", tmp_path / "n.crn", "--cap", "D=7")
    assert found.exit_code == 2
    assert "no species D; there are A, B, C" in found.stderr
    assert crnc("import", net, "-o", tmp_path / "n.crn", "--cap", "x=y").exit_code == 2


def test_nothing_is_overwritten(net, tmp_path):
    out = tmp_path / "m.crn"
    out.write_text("mine")
    assert crnc("import", net, "-o", out, "--cap", "20").exit_code == 2
    assert crnc("export", EXAMPLES / "birth_death.crn", "-o", out).exit_code == 2
    assert out.read_text() == "mine"


def test_refusals_begin_with_the_path(net, tmp_path):
    net.write_text(NET.replace("2 k\n", "2 q\n"))
    found = crnc("import", net, "-o", tmp_path / "m.crn")
    assert found.exit_code == 1
    assert found.stderr == (
        f"{net}:10: error: reaction 1: unknown name `q`\n\n1 error\n"
    )


def test_a_propensity_that_turns_negative_is_told_at_its_place(net, tmp_path):
    net.write_text(
        NET.replace("1 1 2 k", "1 1 2 f")
        .replace(
            "begin species", "begin functions\n1 f() k-B\nend functions\nbegin species"
        )
        .replace("end reactions", "end reactions\nbegin groups\n1 B 2\nend groups")
    )
    found = crnc("import", net, "-o", tmp_path / "m.crn", "--cap", "20")
    assert found.exit_code == 1
    assert f"{net}:13:1: error[CRN305]" in found.stderr
    assert not (tmp_path / "m.crn").exists()


def test_there_and_back(tmp_path):
    xml, crn, again = (tmp_path / name for name in ("a.xml", "b.crn", "c.xml"))
    assert crnc("export", EXAMPLES / "mapk_cascade.crn", "-o", xml).exit_code == 0
    found = crnc("import", xml, "-o", crn, "--cap", "20")
    assert found.exit_code == 0, found.stderr
    assert crnc("export", crn, "-o", again).exit_code == 0
    assert again.read_text() == xml.read_text()


@pytest.mark.parametrize("name", ["m.txt", "m.json", "m"])
def test_other_endings_are_refused(name, tmp_path):
    path = tmp_path / name
    path.write_text("")
    assert crnc("import", path, "-o", tmp_path / "m.crn").exit_code == 2
    assert (
        crnc("export", EXAMPLES / "birth_death.crn", "-o", tmp_path / "o").exit_code
        == 2
    )


def test_bytes_that_are_no_text(net, tmp_path):
    net.write_bytes(b"\xff\xfe\x00")
    found = crnc("import", net, "-o", tmp_path / "m.crn")
    assert found.exit_code == 1
    assert "is no UTF-8 text" in found.stderr
