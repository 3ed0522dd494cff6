"""Tokens of a statement -> the one at which its expressions nest too deeply.

Found before parsing: a parser would make a tree of a hundred thousand levels first.
What is counted here is at most what the tree has, so the tree is measured as well.
"""

from collections.abc import Sequence

from lark import Token

from crnlang.frontend.tokens import BRACKETS

#: Deepest tree that is accepted: every later stage may recurse safely.
MAX_DEPTH = 150

#: Operators from the loosest to the tightest; each sign of a chain is one level.
_TIGHTNESS = {
    "_OR": 0,
    "_AND": 1,
    "_NOT": 2,
    "COMPARE": 3,
    "PLUS": 4,
    "MINUS": 4,
    "STAR": 5,
    "SLASH": 5,
    "POWER": 6,
}
_PREFIX = 6
_OPERANDS = frozenset({"NAME", "NUMBER", "INDEXED", "EMPTY", "_MA"})
_CLOSERS = frozenset(BRACKETS.values())
_REACTION_ARROWS = frozenset({"ARROW", "BOTH_ARROW", "FOREIGN_ARROW"})


def too_deep(tokens: Sequence[Token]) -> Token | None:
    """The token that opens or adds one level too many.

    So does a bracket, though one that only encloses an expression leaves no level in
    the tree.
    """
    if len(tokens) <= MAX_DEPTH:
        return None
    place = _too_deep([token.type for token in tokens])
    return None if place is None else tokens[place]


def _too_deep(kinds: Sequence[str]) -> int | None:
    is_sum_of_species = not _REACTION_ARROWS.isdisjoint(kinds)
    levels = [_Chain()]
    before = ""
    for place, kind in enumerate(kinds):
        if kind in BRACKETS:
            levels.append(_Chain(is_counted=before != "_MA"))
            if len(levels) > MAX_DEPTH + 1:
                return place
        elif kind in _CLOSERS:
            del levels[max(1, len(levels) - 1) :]
        elif is_sum_of_species:
            is_sum_of_species = kind != "_AT"
        elif levels[-1].add(kind, before) > MAX_DEPTH:
            return place
        before = kind
    return None


class _Chain:
    """The signs so far of one expression, or list of them, in one pair of brackets."""

    def __init__(self, *, is_counted: bool = True) -> None:
        self.is_counted = is_counted
        self.signs = [0] * (_PREFIX + 1)

    def add(self, kind: str, before: str) -> int:
        """How long the chain is that the token goes on; 0 where it is no sign."""
        if kind in _OPERANDS or not self.is_counted:
            return 0
        if (tightness := _TIGHTNESS.get(kind)) is None:
            self.signs = [0] * (_PREFIX + 1)
            return 0
        if kind == "MINUS" and before not in _OPERANDS and before not in _CLOSERS:
            tightness = _PREFIX
        for tighter in range(tightness + 1, _PREFIX + 1):
            self.signs[tighter] = 0
        self.signs[tightness] += 1
        return self.signs[tightness]
