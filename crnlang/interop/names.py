"""Names of other formats -> names of this language, each different from all others."""

import re

from crnlang.ir.expr import ARITY, OVER_SITES

#: Words that begin or join statements.
WORDS = frozenset(
    (
        *("crn", "model", "massaction", "unit", "volume", "lattice", "param", "func"),
        *("species", "per", "init", "diffuse", "event", "module", "use", "import"),
        *("observe", "set", "query", "solve", "with", "in", "via", "and", "or", "not"),
        *("propensity", "ma"),
    )
)
#: Functions and constants that expressions know.
BUILT_IN = frozenset({"t", "time", "pi"} | {one.value for one in (*ARITY, *OVER_SITES)})
RESERVED = WORDS | BUILT_IN

#: A name made of a longer text than this is only numbered.
LONGEST = 40


class Names:
    """The names given so far.

    `changed` are the texts that could not be names as they were, with the name of each.
    """

    def __init__(self) -> None:
        self._taken = set(RESERVED)
        self._clashes: dict[str, int] = {}
        self.changed: list[tuple[str, str]] = []

    def give(self, wanted: str, fallback: str = "x") -> str:
        """`wanted` if it is free and a name, else one that resembles it."""
        plain = as_name(wanted)
        if not plain or len(plain) > LONGEST < len(wanted):
            plain = fallback
        name = plain
        while name in self._taken:
            number = self._clashes[plain] = self._clashes.get(plain, 0) + 1
            name = f"{plain}_" if number == 1 else f"{plain}_{number}"
        self._taken.add(name)
        if name != wanted:
            self.changed.append((wanted, name))
        return name


def as_name(text: str) -> str:
    """Letters, digits and single `_` of a text, not beginning with a digit.

    A text that is a name already stays; nothing of a letter is left out but its sign.
    """
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        return text
    plain = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    return f"_{plain}" if plain[:1].isdigit() else plain
