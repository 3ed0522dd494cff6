"""Names that this language can read, each different from all others."""

from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import analyse_text
from crnlang.frontend.grammar import reserved_words
from crnlang.interop.names import BUILT_IN, RESERVED, Names


def test_every_reserved_word_is_known():
    assert {*reserved_words().values()} <= RESERVED


@given(st.lists(st.one_of(st.text(max_size=60), st.sampled_from(sorted(RESERVED)))))
def test_names_can_be_declared_together(wanted):
    names = Names()
    given_ = [names.give(one) for one in wanted]
    assert len({*given_}) == len(given_)
    text = "crn 1\n" + "".join(f"param {name} = 1\n" for name in given_)
    found = [d for d in analyse_text(text).found if d.code != "CRN301"]
    assert found == []


def test_a_good_name_stays():
    names = Names()
    assert [names.give(one) for one in ("X", "X", "X", "kon_1", "t")] == [
        *("X", "X_", "X_2", "kon_1", "t_")
    ]
    assert names.changed == [("X", "X_"), ("X", "X_2"), ("t", "t_")]


def test_built_in_names_are_those_of_the_language():
    for name in BUILT_IN:
        found = analyse_text(f"crn 1\nparam {name} = 1\n").found
        assert any(d.code != "CRN301" for d in found), name
