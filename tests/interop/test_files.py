"""Files of any format that are too large, nest too deep, or grow when written out."""

import pytest

from crnlang.interop.bionetgen import read_net
from crnlang.interop.files import UnknownFormatError, read_model
from crnlang.interop.refused import NotRepresentedError

NET = """begin parameters
1 k {value}
end parameters
begin species
1 A() 5
end species
begin functions
{functions}
end functions
begin reactions
1 1 0 {law}
end reactions
"""


@pytest.mark.parametrize("ending", [".net", ".xml", ".ant"])
def test_a_hundred_megabytes_are_refused_unread(ending, tmp_path):
    path = tmp_path / f"m{ending}"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(NotRepresentedError, match="100 MB are more than 64"):
        read_model(path)


def test_an_unknown_ending_is_told(tmp_path):
    path = tmp_path / "m.txt"
    path.write_text("")
    with pytest.raises(UnknownFormatError, match="must end in"):
        read_model(path)


@pytest.mark.parametrize("ending", [".net", ".xml", ".ant"])
def test_what_is_no_text_is_refused(ending, tmp_path):
    path = tmp_path / f"m{ending}"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NotRepresentedError, match="byte 0 is no UTF-8 text"):
        read_model(path)


DOUBLING = "\n".join(f"{i} f{i}() f{i - 1}() + f{i - 1}()" for i in range(2, 60))
HARMFUL = {
    "deep": {"value": "(" * 50_000 + "1" + ")" * 50_000},
    "unclosed": {"value": "(" * 50_000},
    "minus": {"value": "-" * 50_000 + "1"},
    "power": {"value": "^".join(["1"] * 50_000)},
    "long": {"value": "+".join(["1"] * 50_000)},
    "doubling": {"functions": "1 f1() A+A\n" + DOUBLING, "law": "f59"},
    "circle": {"functions": "1 f() g()\n2 g() f()", "law": "f"},
    "itself": {"functions": "1 f() 2*f()", "law": "f"},
    "species": {"law": "k\n2 1," + "1," * 50_000 + "1 0 k"},
}


@pytest.mark.parametrize("name", HARMFUL)
def test_networks_that_do_harm_are_refused_with_a_sentence(name):
    text = NET.format(**{"value": "2", "functions": "", "law": "k", **HARMFUL[name]})
    with pytest.raises(NotRepresentedError, match=r"m\.net:\d+: error: "):
        read_net(text, "m.net")
