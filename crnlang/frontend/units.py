"""Units: what `[1/(nM*s)]` is in seconds, metres and molecules.

Copy numbers count molecules, so that a molecule is a number: of a unit in molecules,
metres and seconds only the metres and the seconds say what kind of quantity it is.
"""

import re
from dataclasses import dataclass

#: Molecules in a mole.
AVOGADRO = 6.02214076e23

_PREFIXES = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3}
_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\*\*|[*/^()-])")


@dataclass(frozen=True, slots=True)
class Unit:
    """`scale` seconds^time metres^length, a molecule being 1.

    `second` is the unit of time in it, in seconds; 1 where it has none.
    """

    scale: float
    time: int = 0
    length: int = 0
    second: float = 1.0

    def times(self, other: "Unit", power: int = 1) -> "Unit":
        """This unit times a power of another."""
        return Unit(
            self.scale * other.scale**power,
            self.time + power * other.time,
            self.length + power * other.length,
            other.second if other.time else self.second,
        )


def _table() -> dict[str, Unit]:
    found = {"molecule": Unit(1.0), "molecules": Unit(1.0), "count": Unit(1.0)}
    for name, seconds in (("min", 60.0), ("h", 3600.0), ("d", 86400.0)):
        found[name] = Unit(seconds, time=1, second=seconds)
    for prefix, scale in _PREFIXES.items():
        found[f"{prefix}s"] = Unit(scale, time=1, second=scale)
        found[f"{prefix}m"] = Unit(scale, length=1)
        found[f"{prefix}L"] = Unit(scale * 1e-3, length=3)
        found[f"{prefix}mol"] = Unit(scale * AVOGADRO)
        found[f"{prefix}M"] = Unit(scale * AVOGADRO / 1e-3, length=-3)
    return found


UNITS = _table()


def read_unit(text: str) -> Unit | None:
    """The unit that a text means; `None` where it holds one that is not known."""
    tokens: list[str] = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        return None
    try:
        unit, rest = _product(tokens)
    except (KeyError, IndexError, ValueError, OverflowError, ZeroDivisionError):
        return None
    return None if rest else unit


def _product(tokens: list[str]) -> tuple[Unit, list[str]]:
    unit, tokens = _power(tokens)
    while tokens and tokens[0] != ")":
        sign = tokens[0]
        factor, tokens = _power(tokens[1:] if sign in "*/" else tokens)
        unit = unit.times(factor, -1 if sign == "/" else 1)
    return unit, tokens


def _power(tokens: list[str]) -> tuple[Unit, list[str]]:
    first, rest = tokens[0], tokens[1:]
    if first == "(":
        base, rest = _product(rest)
        if rest[0] != ")":
            raise ValueError
        rest = rest[1:]
    elif first[0].isdigit():
        base = Unit(float(first))
    else:
        base = UNITS[first]
    if rest and rest[0] in ("^", "**"):
        sign = -1 if rest[1] == "-" else 1
        rest = rest[2:] if sign < 0 else rest[1:]
        return Unit(1.0).times(base, sign * int(rest[0])), rest[1:]
    return base, rest
