"""A reaction of another language -> the same reaction in this one.

Each function takes one line and returns what is written here instead, or an empty text
where the line is no reaction of that language, or says more than can be told from it.
"""

import re
from collections.abc import Callable, Mapping

_ARROWS = {"<-->": "<->", "<=>": "<->", "↔": "<->", "-->": "->", "→": "->", "=>": "->"}
_NUMBER_OR_NAME = re.compile(r"[A-Za-z_]\w*|[\d.]+(?:[eE][+-]?\d+)?")
_TERM = re.compile(r"(?P<count>\d*)\s*\*?\s*\$?(?P<name>[A-Za-z_]\w*)")


def _side(text: str) -> str:
    """A side of a reaction; `0` for an empty one."""
    return " ".join(text.split()) or "0"


def _reaction(label: str, left: str, arrow: str, right: str, law: str) -> str:
    name = f"{label}: " if label else ""
    ours = _ARROWS.get(arrow, arrow)
    return f"{name}{_side(left)} {ours} {_side(right)} @ {law.strip()}"


def from_microsoft(line: str) -> str:
    """`A + B ->{k} C`, `A <->{k}{u} B`, `A ->[law] B`."""
    braces = re.fullmatch(
        r"[|\s]*([^{}\[\]]*?)(<?->)\{([^{}]*)\}(?:\{([^{}]*)\})?([^{}\[\]]*)", line
    )
    if braces is not None:
        left, arrow, first, second, right = braces.groups()
        law = f"{first}, {second}" if second is not None else first
        return _reaction("", left, arrow, right, law)
    law = re.fullmatch(r"[|\s]*([^{}\[\]]*?)(->)\[(.*)\]([^{}\[\]]*)", line)
    if law is None:
        return ""
    left, arrow, written, right = law.groups()
    plain = re.sub(r"\[(\w+)\]", r"\1", written)
    return _reaction("", left, arrow, right, f"propensity({plain})")


def from_crnsimulator(line: str) -> str:
    """`A + B -> C [k = 0.2]`, `A <=> B [kf = 1, kr = 2]`."""
    found = re.fullmatch(
        r"\s*([^\[\]]*?)(->|<=>)([^\[\]]*)\[([^\[\]]*=[^\[\]]*)\]", line
    )
    if found is None:
        return ""
    left, arrow, right, constants = found.groups()
    values = [part.partition("=")[2].strip() for part in constants.split(",")]
    return _reaction("", left, arrow, right, ", ".join(values))


def from_catalyst(line: str) -> str:
    """`k, A --> B`, `(k, u), A <--> B`, `law, A => B`."""
    found = re.fullmatch(
        r"\s*(\(.*\)|[^()]*?|.*\)),([^,]*?)(<-->|-->|↔|→|=>)(.*)", line
    )
    if found is None:
        return ""
    rate, left, arrow, right = found.groups()
    if "<" in arrow or arrow == "↔":
        rate = rate.strip().removeprefix("(").removesuffix(")")
    is_law = arrow == "=>"
    return _reaction("", left, arrow, right, f"propensity({rate})" if is_law else rate)


def from_antimony(line: str) -> str:
    """`J: A + B -> C; k*A*B`; a law that is mass action becomes its constant."""
    found = re.fullmatch(
        r"\s*(?:(\w+)\s*:)?([^:;@]*?)(->|=>)([^;@]*);([^;@>]+);?\s*", line
    )
    if found is None:
        return ""
    label, left, _, right, law = found.groups()
    left, right = (side.replace("$", "") for side in (left, right))
    constant = _constant(law, left)
    written = constant or f"propensity({law.strip()})"
    return _reaction(label or "", left, "->", right, written)


def _constant(law: str, left: str) -> str:
    """The constant of a law that is a constant times the reactants; else empty."""
    factors = [factor.strip() for factor in law.split("*")]
    for term in _TERM.finditer(left):
        for _ in range(int(term["count"] or 1)):
            if term["name"] not in factors:
                return ""
            factors.remove(term["name"])
    is_one = len(factors) == 1 and _NUMBER_OR_NAME.fullmatch(factors[0])
    return factors[0] if is_one else ""


def from_bionetgen(line: str) -> str:
    """`r: A() + B() <-> C() k, u`, for molecules without components."""
    side = r"((?:\s*\+?\s*\w+\(\))+|\s*0\s*)"
    value = r"[\w.+*/-]+"
    found = re.fullmatch(
        rf"\s*(?:(\w+)\s*:)?{side}\s*(<->|->){side}\s+({value}(?:\s*,\s*{value})?)\s*",
        line,
    )
    if found is None:
        return ""
    label, left, arrow, right, law = found.groups()
    return _reaction(
        label or "", left.replace("()", ""), arrow, right.replace("()", ""), law
    )


#: By the name of the language, as errors call it.
TRANSLATORS: Mapping[str, Callable[[str], str]] = {
    "the Microsoft CRN engine": from_microsoft,
    "crnsimulator": from_crnsimulator,
    "Catalyst (Julia)": from_catalyst,
    "Antimony": from_antimony,
    "BioNetGen": from_bionetgen,
}


def translated(text: str, language: str) -> str:
    """The first reaction of a text and what it is here, in words; empty for none."""
    translate = TRANSLATORS.get(language)
    for line in text.split("\n") if translate is not None else ():
        bare = re.split("#|//", line)[0].strip()
        if len(bare) < 200 and translate is not None and (ours := translate(bare)):
            return f"`{bare}` is written `{ours}`"
    return ""
