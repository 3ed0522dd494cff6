"""Formulas of BioNetGen (those of muParser) -> expressions."""

import math
import re
from collections.abc import Callable, Mapping

from crnlang.interop.parts import join
from crnlang.interop.refused import CannotHoldError
from crnlang.ir.expr import Call, Expr, Function, Time, call, number

#: What a name stands for; raises `CannotHoldError` for one that is unknown.
Lookup = Callable[[str], Expr]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>&&|\|\||[<>=!]=|[-+*/^<>!(),]))"
)
#: How tightly a sign between two terms binds.
_BINDING: Mapping[str, tuple[int, Function]] = {
    "||": (1, Function.OR),
    "&&": (2, Function.AND),
    "==": (3, Function.EQ),
    "!=": (3, Function.NE),
    "<": (4, Function.LT),
    "<=": (4, Function.LE),
    ">": (4, Function.GT),
    ">=": (4, Function.GE),
    "+": (5, Function.ADD),
    "-": (5, Function.SUB),
    "*": (6, Function.MUL),
    "/": (6, Function.DIV),
    "^": (8, Function.POW),
}
_PLUS, _MINUS, _POWER = 5, 7, 8
_CONSTANTS = {"_pi": math.pi, "_e": math.e}
_SAME = {
    "exp": Function.EXP,
    "ln": Function.LOG,
    "sqrt": Function.SQRT,
    "sin": Function.SIN,
    "cos": Function.COS,
    "tan": Function.TAN,
    "tanh": Function.TANH,
    "abs": Function.ABS,
    "floor": Function.FLOOR,
    "ceil": Function.CEIL,
}
_DEEPEST = 100


def parse_formula(text: str, lookup: Lookup) -> Expr:
    """The expression that a formula means.

    Raises:
        CannotHoldError: it has an error, or a function that the language lacks.
    """
    return _Parser(text, lookup).whole()


class _Parser:
    def __init__(self, text: str, lookup: Lookup) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0
        self.lookup = lookup

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        found = self.peek()
        if not found or (wanted and found != wanted):
            expected = f"`{wanted}`" if wanted else "a number, a name or `(`"
            place = f"`{found}`" if found else "the end of the formula"
            raise CannotHoldError(f"expected {expected}, found {place}")
        self.at += 1
        return found

    def whole(self) -> Expr:
        found = self.binary(0)
        if self.peek():
            raise CannotHoldError(
                f"expected the end of the formula, found `{self.peek()}`"
            )
        return found

    def binary(self, least: int) -> Expr:
        """Terms joined by signs that bind at least so tightly."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise CannotHoldError(f"the formula nests more than {_DEEPEST} levels")
        left = self.unary()
        while self.peek() in _BINDING and _BINDING[self.peek()][0] >= least:
            binding, function = _BINDING[self.take()]
            right = self.binary(binding + (binding != _POWER))
            left = call(function, left, right)
        self.depth -= 1
        return left

    def unary(self) -> Expr:
        match self.peek():
            case "-":
                self.take()
                return call(Function.NEG, self.binary(_MINUS))
            case "+":
                self.take()
                return self.binary(_MINUS)
            case "!":
                self.take()
                return call(Function.NOT, self.binary(_MINUS))
            case _:
                return self.atom()

    def atom(self) -> Expr:
        token = self.take()
        if token == "(":
            found = self.binary(0)
            self.take(")")
            return found
        if token[0].isdigit() or token[0] == ".":
            if math.isinf(float(token)):
                raise CannotHoldError(f"`{token}` is too large")
            return number(float(token))
        if not (token[0].isalpha() or token[0] == "_"):
            raise CannotHoldError(f"expected a number, a name or `(`, found `{token}`")
        if self.peek() != "(":
            if token in _CONSTANTS:
                return number(_CONSTANTS[token])
            return self.lookup(token)
        self.take("(")
        arguments: list[Expr] = []
        while self.peek() != ")":
            if arguments:
                self.take(",")
            arguments.append(self.binary(0))
        self.take(")")
        return (
            self.lookup(token)
            if not arguments and token != "time"
            else _called(token, arguments)
        )


def _called(name: str, arguments: list[Expr]) -> Expr:
    """A function of the format, in the functions that the language has."""
    match name, arguments:
        case "time", []:
            return Time()
        case _, [one] if name in _SAME:
            return call(_SAME[name], one)
        case "if", [_, _, _]:
            return call(Function.IF, *arguments)
        case (("min" | "max"), [_, *_]):
            return join(Function.MIN if name == "min" else Function.MAX, arguments)
        case (("sum" | "avg"), [_, *_]):
            found = join(Function.ADD, arguments)
            count = number(len(arguments))
            return found if name == "sum" else call(Function.DIV, found, count)
        case (("log10" | "log2"), [one]):
            base = number(10 if name == "log10" else 2)
            log = Function.LOG
            return call(Function.DIV, call(log, one), call(log, base))
        case "rint", [one]:
            return call(Function.FLOOR, call(Function.ADD, one, number(0.5)))
        case _:
            return hyperbolic(name, arguments)


def hyperbolic(name: str, arguments: list[Expr]) -> Expr:
    """`sinh`, `cosh`; nothing else is left.

    Raises:
        CannotHoldError: the language has no such function.
    """
    if name not in ("sinh", "cosh") or len(arguments) != 1:
        count = len(arguments)
        many = f"{count} argument{'s' * (count != 1)}"
        raise CannotHoldError(f"no function `{name}` of {many} in this language")
    up = Call(Function.EXP, (arguments[0],))
    down = call(Function.EXP, call(Function.NEG, arguments[0]))
    joint = Function.SUB if name == "sinh" else Function.ADD
    return call(Function.DIV, call(joint, up, down), number(2))


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    text, at = text.rstrip(), 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise CannotHoldError(f"`{text[at:].strip()[0]}` is no part of a formula")
        found.append(match[match.lastgroup or 0])
        at = match.end()
    return found
