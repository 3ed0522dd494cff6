"""Units: what `[1/(nM*s)]` is in seconds, metres and molecules.

Copy numbers count molecules, so that a molecule is a number: of a unit in molecules,
metres and seconds only the metres and the seconds say what kind of quantity it is.
"""

import re
from collections.abc import Mapping
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


def describe_unit(unit: Unit) -> str:
    """What a unit is in seconds, metres and molecules: `60 s`, `0.001 m^3`."""
    powers = [
        name if power == 1 else f"{name}^{power}"
        for name, power in (("s", unit.time), ("m", unit.length))
        if power
    ]
    is_pure = unit.time == unit.length == 0
    has_molecules = is_pure or unit.length < 0
    return " ".join([f"{unit.scale:g}", *(["molecules"] * has_molecules), *powers])


def read_unit(text: str, units: Mapping[str, Unit] = UNITS) -> Unit | None:
    """The unit that a text means; `None` where it holds one that is not known.

    `units` are those that are known.
    """
    tokens: list[str] = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        return None
    tokens.reverse()  # read from the end
    try:
        unit = _product(tokens, units)
    except (KeyError, IndexError, ValueError, OverflowError, ZeroDivisionError):
        return None
    return None if tokens else unit


def _product(tokens: list[str], units: Mapping[str, Unit]) -> Unit:
    unit = _power(tokens, units)
    while tokens and tokens[-1] != ")":
        sign = tokens.pop() if tokens[-1] in "*/" else "*"
        unit = unit.times(_power(tokens, units), -1 if sign == "/" else 1)
    return unit


def _power(tokens: list[str], units: Mapping[str, Unit]) -> Unit:
    first = tokens.pop()
    if first == "(":
        base = _product(tokens, units)
        if tokens.pop() != ")":
            raise ValueError
    elif first[0].isdigit():
        base = Unit(float(first))
    else:
        base = units[first]
    if tokens and tokens[-1] in ("^", "**"):
        tokens.pop()
        power = tokens.pop()
        sign, power = (-1, tokens.pop()) if power == "-" else (1, power)
        return Unit(1.0).times(base, sign * int(power))
    return base
