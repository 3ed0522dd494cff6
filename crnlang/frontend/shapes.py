"""Kinds of tokens -> the shape of their parse tree, worked out once for each.

Which tree a statement has depends on the kinds of its tokens alone. Files have many
statements of the same kinds, and a tree is soon made of its shape and the tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol, cast, runtime_checkable

from lark import Token, Tree
from lark.parsers.lalr_analysis import Shift

from crnlang.frontend.grammar import load_parser

Kinds = tuple[str, ...]

#: How many shapes are kept, and of how many tokens at most.
MOST_KEPT, LONGEST_KEPT = 2000, 300

_END = "$END"
_REFUSED = (None, None)


@runtime_checkable
class _Parser(Protocol):
    """What is used of Lark's interactive parser (whose own types are incomplete)."""

    def feed_token(self, token: Token) -> object:
        """Take a token, which can follow."""
        ...

    def feed_eof(self, last_token: Token) -> Tree[Token]:
        """The tree of the whole statement."""
        ...


class Node:
    """A node of a parse tree: rule, children, place in the text, levels below it.

    A child is a token, a node, or `None` for what is left out.
    """

    __slots__ = ("children", "data", "end_pos", "height", "start_pos")

    def __init__(
        self, data: str, children: list[Any], start_pos: int, end_pos: int, height: int
    ) -> None:
        self.data = data
        self.children = children
        self.start_pos = start_pos
        self.end_pos = end_pos
        self.height = height


@dataclass(frozen=True, slots=True)
class _Plan:
    """A node: token i as i, node i of the shape as ~i; `None` for what is left out.

    It reaches from the token `first` to `last`.
    """

    rule: str
    children: tuple[int | None, ...]
    first: int
    last: int
    height: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The nodes of a parse tree, children first; none where the tokens make no tree.

    So many tokens `could_follow` one another.
    """

    plans: tuple[_Plan, ...]
    could_follow: int

    def tree(self, tokens: Sequence[Token]) -> Node | None:
        """The tree of tokens of these kinds."""
        made: list[Node] = []
        for plan in self.plans:
            children = [
                None if i is None else tokens[i] if i >= 0 else made[~i]
                for i in plan.children
            ]
            first: Any = tokens[plan.first].start_pos
            last: Any = tokens[plan.last].end_pos
            made.append(Node(plan.rule, children, first, last, plan.height))
        return made[-1] if made else None


def shape_of(kinds: Kinds) -> Shape:
    """The shape of one statement."""
    return (_kept_shape if len(kinds) <= LONGEST_KEPT else _shape)(kinds)


def accepted_after(kinds: Kinds) -> frozenset[str]:
    """Terminals that may follow the first tokens of a statement.

    Walked afresh: a walk that has refused a token may already have reduced on it, and
    the tables of a state name terminals that only other contexts take.
    """
    return (_kept_accepted if len(kinds) <= LONGEST_KEPT else _accepted)(kinds)


class _Walk:
    """A walk through the states of the parser, which makes no tree."""

    def __init__(self) -> None:
        self.tables = _tables()
        self.states = [self.tables.start_state]

    def take(self, kind: str) -> bool:
        """Take a token; `False` for one that cannot follow."""
        tables, states = self.tables.states, self.states
        while True:
            action, target = tables[states[-1]].get(kind, _REFUSED)
            if action is Shift:
                states.append(target)
                return True
            if target is None:
                return False
            if target.expansion:
                del states[-len(target.expansion) :]
            states.append(tables[states[-1]][target.origin.name][1])
            if kind == _END and states[-1] == self.tables.end_state:
                return True

    def would_take(self, kind: str) -> bool:
        """Whether it would take a token, which changes nothing."""
        before = self.states.copy()
        found = self.take(kind)
        self.states = before
        return found


@cache
def _tables() -> Any:
    """The tables of the parser."""
    parser = cast(Any, load_parser()).parse_interactive("")
    return parser.parser_state.parse_conf


def _numbered(kinds: Kinds) -> list[Token]:
    """Tokens of these kinds, each as long as its number needs to be read off."""
    return [Token(kind, "", i, end_pos=i + 1) for i, kind in enumerate(kinds)]


def _shape(kinds: Kinds) -> Shape:
    walk = _Walk()
    for place, kind in enumerate(kinds):
        if not walk.take(kind):
            return Shape((), place)
    if not walk.take(_END):
        return Shape((), len(kinds))
    parser = cast(_Parser, cast(Any, load_parser()).parse_interactive(""))
    tokens = _numbered(kinds)
    for token in tokens:
        parser.feed_token(token)
    return Shape(_plans(parser.feed_eof(tokens[-1])), len(kinds))


def _plans(tree: Tree[Token]) -> tuple[_Plan, ...]:
    """The nodes of a tree of numbered tokens, children first."""
    places: dict[int, int] = {}
    found: list[_Plan] = []
    for node in tree.iter_subtrees():
        children: list[int | None] = []
        height = 1
        for child in cast(list[Any], node.children):
            if isinstance(child, Tree):
                place = places[id(cast(Any, child))]
                children.append(~place)
                height = max(height, 1 + found[place].height)
            else:
                children.append(None if child is None else child.start_pos)
        places[id(node)] = len(found)
        first, end = node.meta.start_pos, node.meta.end_pos
        found.append(_Plan(str(node.data), tuple(children), first, end - 1, height))
    return tuple(found)


def _accepted(kinds: Kinds) -> frozenset[str]:
    walk = _Walk()
    for kind in kinds:
        walk.take(kind)
    follow = walk.tables.states[walk.states[-1]]
    return frozenset(filter(walk.would_take, filter(str.isupper, follow)))


_kept_shape = lru_cache(MOST_KEPT)(_shape)
_kept_accepted = lru_cache(MOST_KEPT)(_accepted)
