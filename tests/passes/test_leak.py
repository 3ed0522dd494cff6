"""Caps that the mean leaves behind are warned of, and no others."""

import pytest

from crnlang.compiler import compile_text

HEAD = "crn 1\nspecies X in 0..20 {start}\n"


def warned(text, **values):
    found = compile_text(HEAD.format(**{"start": "= 0", **values}) + text).warnings
    return [(one.name, one.cap) for one in found if one.code == "CRN312"]


@pytest.mark.parametrize(
    ("text", "is_warned"),
    [
        ("0 -> X @ 30\nX -> 0 @ 1\nquery expect(X, at=5)\n", True),
        ("0 -> X @ 15\nX -> 0 @ 1\nquery expect(X, at=5)\n", False),
        ("0 -> X @ 30\nX -> 0 @ 1\nquery expect(X, at=0.5)\n", False),  # not so soon
        (
            "0 -> X @ if(t > 2, 30, 1)\nX -> 0 @ 1\nsolve a with fsp { t = 0..9 }\n",
            True,
        ),
        (
            "0 -> X @ if(t > 2, 30, 1)\nX -> 0 @ 1\nsolve a with fsp { t = 0..2 }\n",
            False,
        ),
        ("X -> X @ 1\nX -> 0 @ 1\n", False),
        ("0 -> 0 @ 2\nX -> 0 @ 1\nquery expect(X, at=5)\n", False),
        ("0 -> X @ propensity(exp(X))\nquery expect(X, at=5)\n", True),  # runs away
        (
            "0 -> 3 X @ 1e308\n0 -> X @ 1e308\nquery expect(X, at=5)\n",
            False,
        ),  # no number
        ("0 -> X @ 1e9\nX -> 0 @ 1e8\nquery expect(X, at=5)\n", False),  # stiff
    ],
)
def test_a_cap_is_warned_of_where_the_mean_passes_it(text, is_warned):
    assert warned(text) == ([("X", 20)] if is_warned else [])


def test_the_start_counts():
    text = "X -> 2 X @ 1\nX -> 0 @ 1\nquery expect(X, at=5)\n"
    assert warned(text, start="~ uniform(10, 20)") == []
    text = text.replace("2 X @ 1", "2 X @ 2")
    assert warned(text, start="~ uniform(0, 2)") == [("X", 20)]


def test_switches_may_be_full():
    text = "species S in 0..1\n0 <-> S @ 50, 1\nquery expect(S, at=5)\nX -> 0 @ 1\n"
    assert warned(text) == []


def test_on_a_lattice_the_mean_of_a_site_counts():
    text = "crn 1\nlattice chain(4)\nparam k[i] = if(i == 0, {k}, 0)\n"
    text += "species X in 0..20 per site\n0 -> X @ k\nX -> 0 @ 1\ndiffuse X @ 9\n"
    text += "query expect(sum(X), at=9)\n"
    few, many = (compile_text(text.format(k=k)).warnings for k in (40, 400))
    assert few == ()
    assert [one.code for one in many] == ["CRN312"]
