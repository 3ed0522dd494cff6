"""Shapes of statements: the trees and the refusals of Lark, from the kinds alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lark import Token, Tree, UnexpectedToken

from crnlang.frontend.grammar import load_parser
from crnlang.frontend.lexer import lex
from crnlang.frontend.shapes import LONGEST_KEPT, accepted_after, shape_of
from crnlang.frontend.tokens import read_tokens, split_statements
from crnlang.testing.programs import programs

KINDS = sorted(
    terminal.name
    for terminal in load_parser().terminals
    if terminal.name not in ("BLANK", "COMMENT")
)


def kinds_of(tokens):
    return tuple(token.type for token in tokens)


def by_lark(tokens):
    """Lark's own tree, or `None`; how many tokens it took; what could follow them."""
    parser = load_parser().parse_interactive("")
    taken = 0
    try:
        for token in tokens:
            parser.feed_token(token)
            taken += 1
        return parser.feed_eof(tokens[-1]), taken
    except UnexpectedToken:
        return None, taken


def accepted_by_lark(tokens):
    parser = load_parser().parse_interactive("")
    for token in tokens:
        parser.feed_token(token)
    return frozenset(parser.accepts())


def assert_alike(ours, theirs):
    assert ours.data == str(theirs.data)
    place = (theirs.meta.start_pos, theirs.meta.end_pos)
    assert (ours.start_pos, ours.end_pos) == place
    assert len(ours.children) == len(theirs.children)
    heights = [0]
    for one, other in zip(ours.children, theirs.children, strict=True):
        if isinstance(other, Tree):
            assert_alike(one, other)
            heights.append(one.height)
        else:
            assert one is other
    assert ours.height == 1 + max(heights)


@given(programs())
def test_a_tree_is_that_of_lark(program):
    for group in split_statements(program):
        found, taken = read_tokens(group.tokens)
        expected, as_many = by_lark(group.tokens)
        assert taken == as_many
        assert (found is None) == (expected is None)
        if found is not None:
            assert_alike(found, expected)


@given(
    st.sampled_from(
        [
            "2 X + Y -> 0 @ k*X, if(t > 2, 3, 4)",
            "param k[i, j] = -2^3 [1/s] in 0..4 log, l = f(2)",
            "query prob(X > 2 and not Y == 3, given=A, at=[1, 2])",
            "solve main with fsp { t = 0..40; states = box }",
            "event at 4: k = 0, X = min(X + 5, 50)",
        ]
    ),
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from(KINDS)), max_size=2),
    st.integers(0, 40),
)
def test_a_refusal_is_that_of_lark(text, edits, length):
    tokens = list(lex(text))
    for place, kind in edits:
        tokens[place : place + 1] = [Token(kind, "x", start_pos=0, end_pos=1)]
    tokens = tokens[: max(1, length)]
    shape = shape_of(kinds_of(tokens))
    expected, taken = by_lark(tokens)
    assert shape.could_follow == taken
    assert (shape.tree(tokens) is None) == (expected is None)
    before = tokens[:taken]
    assert accepted_after(kinds_of(before)) == accepted_by_lark(before)


@pytest.mark.parametrize("terms", [3, LONGEST_KEPT])
def test_a_shape_serves_every_statement_of_its_kinds(terms):
    for name, number in (("a", "1"), ("long_name", "2.5e3")):
        text = f"observe {name} = {' + '.join([number] * terms)}"
        tokens = list(lex(text))
        found, _ = read_tokens(tokens)
        assert found.children[0] == name
        assert (found.start_pos, found.end_pos) == (0, len(text))
