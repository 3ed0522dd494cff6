"""Rooms: which names an expression may use, by where it stands."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from crnlang.frontend import ast
from crnlang.ir.expr import ARITY, OVER_SITES, Function

#: Kinds of declared names, as the user reads them.
KINDS = {
    "parameter": "a parameter",
    "species": "a species",
    "function": "a function",
    "observable": "an observable",
    "set": "a set of states",
}
TIME_NAMES = ("t", "time")
CONSTANTS = {"pi": math.pi}
BUILT_IN_FUNCTIONS: dict[str, Function] = {f.value: f for f in (*ARITY, *OVER_SITES)}


@dataclass(frozen=True, slots=True)
class Room:
    """What an expression may use at one kind of place.

    `law` and `reactants` are the texts of a constant behind `@` and of the side it
    multiplies, for the message that offers both readings; `arguments` those of a
    declared function.
    """

    noun: str
    wanted: str
    kinds: frozenset[str]
    allows_time: bool = True
    law: str = ""
    reactants: str = ""
    arguments: frozenset[str] = frozenset()

    def with_arguments(self, names: Iterable[str]) -> "Room":
        """The same room where these names are known too."""
        found = frozenset(names)
        return replace(self, arguments=found) if found != self.arguments else self

    def with_law(
        self, law: str, side: ast.Side, catalysts: tuple[ast.Name, ...]
    ) -> "Room":
        """The same room, knowing the reaction around it."""
        terms = [term.span.text for term in side.terms]
        reactants = " + ".join([*terms, *(name.text for name in catalysts)])
        return replace(self, law=law, reactants=reactants or "0")


CONSTANT = Room("parameter", "a parameter", frozenset({"parameter"}), allows_time=False)
RATE = Room("parameter", "a parameter", frozenset({"parameter"}))
CHANGED = Room(
    "parameter or species",
    "a parameter or a species",
    frozenset({"parameter", "species"}),
    allows_time=False,
)
COUNTS = Room(
    "name",
    "a parameter or a species",
    frozenset({"parameter", "species"}),
    allows_time=False,
)
FUNCTION_BODY = Room(
    "name", "a parameter or an argument of the function", frozenset({"parameter"})
)
STATE = Room(
    "name",
    "a number or a condition",
    frozenset({"parameter", "species", "observable", "set"}),
)
