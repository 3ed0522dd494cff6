"""`--set key=value` in the spelling of solve blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.pipeline.overrides import parse_overrides
from crnlang.settings import SettingError

NUMBERS = st.floats(1e-3, 1e6).map(lambda x: float(f"{x:.6g}"))
VALUES = st.one_of(
    NUMBERS.map(repr),
    st.lists(NUMBERS, min_size=1, max_size=4).map(repr),
    st.tuples(NUMBERS, st.integers(1, 50)).map(
        lambda pair: f"0:{pair[0] * pair[1]}:{pair[0]}"
    ),
)


@given(VALUES)
def test_a_value_means_the_same_as_in_a_solve_block(text):
    block = f"solve a with fsp {{ t = 0..1e9\n save = {text} }}"
    model = f"crn 1\nmodel m\nspecies X in 0..3 = 0\n0 -> X @ 1\n{block}\n"
    settings = dict(compile_text(model).network.solves[0].settings)
    assert parse_overrides([f"save={text}"]) == {"save": settings["save"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4096", 4096.0),
        (" -1e-3 ", -1e-3),
        ("float32", "float32"),
        ("0..40", (0.0, 40.0)),
        ("[1,5]", (1.0, 5.0)),
        ("0:3", (0.0, 1.0, 2.0, 3.0)),
        ("0:1:0.5", (0.0, 0.5, 1.0)),
    ],
)
def test_every_form_of_a_value(text, value):
    assert parse_overrides([f"key={text}"]) == {"key": value}


def test_the_last_of_a_key_counts():
    assert parse_overrides(["a=1", "b=2", "a=3"]) == {"a": 3.0, "b": 2.0}


@pytest.mark.parametrize(
    "text",
    [
        "key",
        "=3",
        "key=",
        "key=[]",
        "key=[1,x]",
        "key=1..",
        "key=1 2",
        "key=inf",
        "key=0:1:0",
        "key=2:1",
        "key=0:1:2:3",
        "key=0:1e9:1e-9",
        "two words=1",
    ],
)
def test_what_cannot_be_read_is_refused_with_a_way_out(text):
    with pytest.raises(SettingError, match="write"):
        parse_overrides([text])
