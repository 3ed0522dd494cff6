"""Names, numbers and rate expressions in the mathematics of LaTeX.

Species are upright, constants italic; `k_on` becomes k with the subscript "on", `alpha`
the Greek letter.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from crnlang.ir.expr import (
    WHOLE_ORDER,
    Call,
    Count,
    Expr,
    Function,
    Number,
    OverSites,
    ParameterRef,
    SiteCounts,
    SiteNumbers,
    Time,
    at_site,
    call,
)
from crnlang.ir.spelling import format_number, shorten

_GREEK_NAMES = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma
tau upsilon phi chi psi omega
Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega
"""
_GREEK = frozenset(_GREEK_NAMES.split())
_GREEK_LETTERS = dict(
    zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", _GREEK_NAMES.split(), strict=True)
)
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",
    **{char: f"\\{char}" for char in "{}$&#_%"},
}
_PART = re.compile(r"([A-Za-z]+)(\d*)")

#: How tightly operators bind; a fraction and a function bind like an atom.
_BINDING = {
    Function.OR: 1,
    Function.AND: 2,
    Function.NOT: 3,
    Function.LT: 4,
    Function.LE: 4,
    Function.GT: 4,
    Function.GE: 4,
    Function.EQ: 4,
    Function.NE: 4,
    Function.ADD: 5,
    Function.SUB: 5,
    Function.MUL: 6,
    Function.NEG: 7,
}
_FRACTION, _ATOM = 8, 9
_SIGNS = {
    Function.OR: r"\lor",
    Function.AND: r"\land",
    Function.LT: "<",
    Function.LE: r"\le",
    Function.GT: ">",
    Function.GE: r"\ge",
    Function.EQ: "=",
    Function.NE: r"\ne",
    Function.ADD: "+",
    Function.SUB: "-",
}
_NAMED = {
    Function.MIN: r"\min",
    Function.MAX: r"\max",
    Function.EXP: r"\exp",
    Function.LOG: r"\log",
    Function.SIN: r"\sin",
    Function.COS: r"\cos",
    Function.TAN: r"\tan",
    Function.TANH: r"\tanh",
}
_FENCES = {
    Function.ABS: (r"\left|", r"\right|"),
    Function.FLOOR: (r"\left\lfloor", r"\right\rfloor"),
    Function.CEIL: (r"\left\lceil", r"\right\rceil"),
}
_LONGEST_FACTORIAL = 4
#: Multiples of pi up to this one are written as such.
_MOST_TURNS = 12
_MUL = Function.MUL


def escape_latex(text: str) -> str:
    """Text that LaTeX prints as it is; letters that pdfLaTeX lacks become `U+4E2D`."""
    return "".join(map(_escape_char, text))


def _escape_char(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if char in _GREEK_LETTERS:
        return f"$\\{_GREEK_LETTERS[char]}$"
    if char.isspace():
        return " "
    is_latin = char.isprintable() and (ord(char) < 127 or char.isalpha())
    return char if is_latin and ord(char) < 0x180 else f"U+{ord(char):04X}"


def format_symbols(names: Sequence[str], upright: int) -> list[str]:
    """A symbol for each name, the first `upright` ones upright; no two alike."""
    short = [_symbol(name, is_upright=i < upright) for i, name in enumerate(names)]
    plain = [re.sub(r"\\math(rm|it)|[{}]", "", symbol) for symbol in short]
    uses = Counter(plain)
    return [
        symbol if uses[bare] == 1 else _spelled_out(name)
        for name, symbol, bare in zip(names, short, plain, strict=True)
    ]


def _spelled_out(name: str) -> str:
    return f"\\mathtt{{{escape_latex(name)}}}"


def _symbol(name: str, *, is_upright: bool) -> str:
    """`k_on` as k with a subscript; the name itself where it has no such form."""
    base, *rest = name.split("_")
    match = _PART.fullmatch(base)
    if match is None or not all(part.isalnum() for part in rest):
        return _spelled_out(name)
    letters, digits = match.groups()
    below = [*([digits] if digits else []), *map(_letters, rest)]
    head = _letters(letters, r"\mathrm" if is_upright else r"\mathit")
    return f"{head}_{{{','.join(below)}}}" if below else head


def _letters(text: str, font: str = r"\mathrm") -> str:
    if text in _GREEK:
        return f"\\{text}"
    return text if text.isdigit() else f"{font}{{{text}}}"


def format_math_number(value: float) -> tuple[str, int]:
    """A number in math and how tightly it binds."""
    if not math.isfinite(value):
        sign = "-" if value < 0 else ""
        text = r"\text{undefined}" if math.isnan(value) else rf"{sign}\infty"
        return text, _BINDING[Function.NEG] if sign else _ATOM
    turns = round(value / math.pi)
    if 1 <= turns <= _MOST_TURNS and value == turns * math.pi:
        return (r"\pi", _ATOM) if turns == 1 else (rf"{turns} \pi", _BINDING[_MUL])
    text = format_number(value)
    mantissa, _, exponent = text.partition("e")
    if exponent:
        power = f"10^{{{int(exponent)}}}"
        sign = "-" if mantissa.startswith("-") else ""
        digits = mantissa.removeprefix("-")
        text = sign + (power if digits == "1" else f"{digits} \\times {power}")
        return text, _BINDING[Function.NEG if sign else Function.MUL]
    return text, _BINDING[Function.NEG] if value < 0 else _ATOM


def _expanded(function: Function, arguments: Sequence[Expr]) -> Expr | None:
    """Michaelis-Menten and Hill laws as fractions; `None` for other functions."""
    if function in (Function.MM, Function.MMR):
        x, v, k = arguments
        top = x if function is Function.MM else k
        return _fraction(v, top, call(Function.ADD, x, k))
    if function in (Function.HILL, Function.HILLR):
        x, v, k, n = arguments
        powers = call(Function.POW, x, n), call(Function.POW, k, n)
        top = powers[function is Function.HILLR]
        return _fraction(v, top, call(Function.ADD, *powers))
    if function is Function.HILLAR:
        x, y, v, k, n = arguments
        first, second, third = (call(Function.POW, one, n) for one in (x, y, k))
        below = call(Function.ADD, call(Function.ADD, first, second), third)
        return _fraction(v, first, below)
    return None


def _fraction(factor: Expr, top: Expr, below: Expr) -> Expr:
    if factor == Number(1.0):
        return call(Function.DIV, top, below)
    return call(Function.DIV, call(Function.MUL, factor, top), below)


class MathWriter:
    """Writes expressions in math, with as few brackets as the reader needs."""

    def __init__(self, counts: Sequence[str], constants: Sequence[str]) -> None:
        self.counts = counts
        self.constants = constants

    def write(self, expr: Expr) -> tuple[str, int]:
        """The text and how tightly its outermost operator binds."""
        match expr:
            case Number(value):
                return format_math_number(value)
            case ParameterRef(index):
                return self.constants[index], _ATOM
            case Count(slot):
                return self.counts[slot], _ATOM
            case Time():
                return "t", _ATOM
            case Call(function, arguments):
                law = _expanded(function, arguments)
                return (
                    self.call(function, arguments) if law is None else self.write(law)
                )
            case OverSites():
                return self.over_sites(expr), _FRACTION
            case SiteCounts() | SiteNumbers():
                raise ValueError("what differs between sites stands in sums only")

    def over_sites(self, expr: OverSites) -> str:
        """A function of the values at every site, of very many sites at some."""
        parts = [
            r"\dots" if site is None else self.text(at_site(expr.body, site))
            for site in shorten(range(expr.sites))
        ]
        inside = ", ".join(parts)
        return f"\\operatorname{{{expr.function.value}}}\\left({inside}\\right)"

    def text(self, expr: Expr) -> str:
        return self.write(expr)[0]

    def inside(self, expr: Expr, needed: int) -> str:
        """The text, in brackets where its operator binds too loosely."""
        text, binding = self.write(expr)
        return text if binding >= needed else f"\\left({text}\\right)"

    def call(self, function: Function, arguments: Sequence[Expr]) -> tuple[str, int]:
        if function in WHOLE_ORDER:
            return self.factorial(function, arguments)
        if function is Function.DIV:
            top, below = map(self.text, arguments)
            return f"\\frac{{{top}}}{{{below}}}", _FRACTION
        if function is Function.POW:
            base, exponent = arguments
            return f"{self.inside(base, _ATOM)}^{{{self.text(exponent)}}}", _FRACTION
        if function is Function.SQRT:
            return f"\\sqrt{{{self.text(arguments[0])}}}", _ATOM
        if function is Function.IF:
            return self.cases(arguments), 0
        if function in _FENCES:
            left, right = _FENCES[function]
            return f"{left} {self.text(arguments[0])} {right}", _ATOM
        if function in _NAMED:
            inside = ", ".join(map(self.text, arguments))
            return f"{_NAMED[function]}\\left({inside}\\right)", _FRACTION
        return self.operator(function, arguments)

    def operator(
        self, function: Function, arguments: Sequence[Expr]
    ) -> tuple[str, int]:
        binding = _BINDING[function]
        if function in (Function.NEG, Function.NOT):
            sign = "-" if function is Function.NEG else r"\lnot "
            return sign + self.inside(arguments[0], _BINDING[_MUL]), binding
        is_comparison = binding == _BINDING[Function.LT]
        left = self.inside(arguments[0], binding + is_comparison)
        right = self.inside(arguments[1], binding + 1)
        if right.startswith("-"):
            right = f"\\left({right}\\right)"
        if function is not Function.MUL:
            return f"{left} {_SIGNS[function]} {right}", binding
        is_digit = right[0].isdigit() or right[0] == "."
        sign = r"\cdot" if is_digit else r"\,"
        return f"{left} {sign} {right}", binding

    def cases(self, arguments: Sequence[Expr]) -> str:
        condition, yes, no = map(self.text, arguments)
        rows = rf"{yes} & \text{{if }} {condition} \\ {no} & \text{{otherwise}}"
        return rf"\begin{{cases}} {rows} \end{{cases}}"

    def factorial(
        self, function: Function, arguments: Sequence[Expr]
    ) -> tuple[str, int]:
        """`X (X - 1)`, a binomial coefficient, or a falling power."""
        base, order = arguments
        assert isinstance(order, Number)
        count = int(order.value)
        if function is Function.BINOMIAL:
            return f"\\binom{{{self.text(base)}}}{{{count}}}", _ATOM
        if not isinstance(base, Count) or not 1 <= count <= _LONGEST_FACTORIAL:
            return f"{self.inside(base, _ATOM)}^{{\\underline{{{count}}}}}", _FRACTION
        name = self.counts[base.slot]
        factors = [name, *(f"({name} - {j})" for j in range(1, count))]
        binding = _BINDING[Function.MUL] if count > 1 else _ATOM
        return r" \, ".join(factors), binding
