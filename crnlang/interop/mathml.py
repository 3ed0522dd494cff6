"""Formulas of SBML -> expressions."""

# libsbml has no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportMissingImports=false

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import libsbml

from crnlang.interop.formulas import hyperbolic
from crnlang.interop.parts import DEEPEST, LARGEST, join
from crnlang.interop.refused import CannotHoldError
from crnlang.ir.expr import TRUTH_VALUED, Call, Expr, Function, Time, call, number

_ONE_ARGUMENT: Mapping[int, Function] = {
    libsbml.AST_FUNCTION_EXP: Function.EXP,
    libsbml.AST_FUNCTION_LN: Function.LOG,
    libsbml.AST_FUNCTION_ABS: Function.ABS,
    libsbml.AST_FUNCTION_FLOOR: Function.FLOOR,
    libsbml.AST_FUNCTION_CEILING: Function.CEIL,
    libsbml.AST_FUNCTION_SIN: Function.SIN,
    libsbml.AST_FUNCTION_COS: Function.COS,
    libsbml.AST_FUNCTION_TAN: Function.TAN,
    libsbml.AST_FUNCTION_TANH: Function.TANH,
    libsbml.AST_LOGICAL_NOT: Function.NOT,
}
#: One over a function.
_INVERSE: Mapping[int, Function] = {
    libsbml.AST_FUNCTION_SEC: Function.COS,
    libsbml.AST_FUNCTION_CSC: Function.SIN,
    libsbml.AST_FUNCTION_COT: Function.TAN,
    libsbml.AST_FUNCTION_COTH: Function.TANH,
}
#: Any number of arguments, and the value of none.
_JOINED: Mapping[int, tuple[Function, float]] = {
    libsbml.AST_PLUS: (Function.ADD, 0.0),
    libsbml.AST_TIMES: (Function.MUL, 1.0),
    libsbml.AST_LOGICAL_AND: (Function.AND, 1.0),
    libsbml.AST_LOGICAL_OR: (Function.OR, 0.0),
}
_COMPARED: Mapping[int, Function] = {
    libsbml.AST_RELATIONAL_EQ: Function.EQ,
    libsbml.AST_RELATIONAL_NEQ: Function.NE,
    libsbml.AST_RELATIONAL_LT: Function.LT,
    libsbml.AST_RELATIONAL_LEQ: Function.LE,
    libsbml.AST_RELATIONAL_GT: Function.GT,
    libsbml.AST_RELATIONAL_GEQ: Function.GE,
}
_CONSTANTS: Mapping[int, float] = {
    libsbml.AST_CONSTANT_E: math.e,
    libsbml.AST_CONSTANT_PI: math.pi,
    libsbml.AST_CONSTANT_TRUE: 1.0,
    libsbml.AST_CONSTANT_FALSE: 0.0,
}
_POWERS = (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER)
_Node = Any


@dataclass
class Formulas:
    """Reads formulas of one model.

    `look_up` gives what a name means; `functions` are the definitions, each the names
    of its arguments and its formula.
    """

    look_up: Callable[[str], Expr]
    functions: Mapping[str, tuple[list[str], _Node]]
    _work: int = 0

    def read(self, node: _Node) -> Expr:
        """The expression that a formula means.

        Raises:
            CannotHoldError: the language lacks a part of it, or it is too large.
        """
        if node is None:
            raise CannotHoldError("it has no formula")
        self._work = 0
        return self._read(node, {}, 0)

    def _read(self, node: _Node, local: Mapping[str, Expr], depth: int) -> Expr:
        self._work += 1
        if self._work > LARGEST:
            raise CannotHoldError(f"the formula has more than {LARGEST} parts")
        if depth > DEEPEST:
            raise CannotHoldError(f"the formula nests more than {DEEPEST} levels")
        kind = node.getType()
        if kind == libsbml.AST_FUNCTION:
            return self._called(node, local, depth)
        parts = [self._read(part, local, depth + 1) for part in _parts(node, kind)]
        found = _leaf(node, kind) if not parts else None
        if kind == libsbml.AST_NAME:
            name = node.getName()
            found = local[name] if name in local else self.look_up(name)
        found = found or _arithmetic(kind, parts) or _logic(kind, parts)
        found = found or _function(kind, parts)
        if found is None:
            name = node.getName() or node.getOperatorName() or str(kind)
            raise CannotHoldError(f"the language has no `{name}`")
        return found

    def _called(self, node: _Node, local: Mapping[str, Expr], depth: int) -> Expr:
        """A function of the model, its arguments in place."""
        name, count = node.getName(), node.getNumChildren()
        if name not in self.functions:
            raise CannotHoldError(f"unknown function `{name}`")
        names, body = self.functions[name]
        if len(names) != count:
            raise CannotHoldError(f"`{name}` takes {len(names)} arguments, not {count}")
        arguments = {
            one: self._read(node.getChild(i), local, depth + 1)
            for i, one in enumerate(names)
        }
        if body is None:
            raise CannotHoldError(f"the function `{name}` has no formula")
        return self._read(body, arguments, depth + 1)


def _parts(node: _Node, kind: int) -> list[_Node]:
    """The arguments of a node; of sums in sums, and their like, all terms."""
    found: list[_Node] = []
    pending = [node]
    while pending:
        one = pending.pop()
        if one is node or (kind in _JOINED and one.getType() == kind):
            count = one.getNumChildren()
            pending += [one.getChild(i) for i in reversed(range(count))]
        else:
            found.append(one)
    return found


def _leaf(node: _Node, kind: int) -> Expr | None:
    if kind == libsbml.AST_NAME_TIME:
        return Time()
    if kind == libsbml.AST_NAME_AVOGADRO:
        return number(6.02214179e23)
    if kind in _CONSTANTS:
        return number(_CONSTANTS[kind])
    if kind == libsbml.AST_INTEGER or node.isReal():
        value = float(node.getValue())
        if not math.isfinite(value):
            raise CannotHoldError(f"{value:g} is no number of the language")
        if value < 0:  # as the language reads it
            return call(Function.NEG, number(-value))
        return number(value)
    return None


def _arithmetic(kind: int, parts: list[Expr]) -> Expr | None:
    if kind in _JOINED:
        function, empty = _JOINED[kind]
        return join(function, parts) if parts else number(empty)
    match kind, parts:
        case libsbml.AST_MINUS, [one]:
            return call(Function.NEG, one)
        case libsbml.AST_MINUS, [_, _]:
            return call(Function.SUB, *parts)
        case libsbml.AST_DIVIDE, [_, _]:
            return call(Function.DIV, *parts)
        case _, [_, _] if kind in _POWERS:
            return call(Function.POW, *parts)
        case libsbml.AST_FUNCTION_ROOT, [degree, one]:
            if degree == number(2):
                return call(Function.SQRT, one)
            return call(Function.POW, one, call(Function.DIV, number(1), degree))
        case libsbml.AST_FUNCTION_LOG, [base, one]:
            logs = [call(Function.LOG, part) for part in (one, base)]
            return call(Function.DIV, *logs)
        case ((libsbml.AST_FUNCTION_MIN | libsbml.AST_FUNCTION_MAX), [_, *_]):
            is_least = kind == libsbml.AST_FUNCTION_MIN
            return join(Function.MIN if is_least else Function.MAX, parts)
        case _:
            return None


def _logic(kind: int, parts: list[Expr]) -> Expr | None:
    if kind in _COMPARED and len(parts) > 1:
        compared: list[Expr] = [call(_COMPARED[kind], *two) for two in pairwise(parts)]
        return join(Function.AND, compared)
    match kind, parts:
        case libsbml.AST_LOGICAL_XOR, [_, *_]:
            found = join(Function.ADD, [_truth(part) for part in parts])
            half = call(Function.FLOOR, call(Function.DIV, found, number(2)))
            rest = call(Function.SUB, found, call(Function.MUL, number(2), half))
            return call(Function.EQ, rest, number(1))
        case libsbml.AST_LOGICAL_IMPLIES, [one, two]:
            return call(Function.OR, call(Function.NOT, one), two)
        case libsbml.AST_FUNCTION_PIECEWISE, [_, *_]:
            if len(parts) % 2 == 0:
                raise CannotHoldError("a `piecewise` has no `otherwise`")
            found = parts[-1]
            for i in range(len(parts) - 3, -1, -2):
                found = call(Function.IF, parts[i + 1], parts[i], found)
            return found
        case _:
            return None


def _truth(expr: Expr) -> Expr:
    """A condition as 1 or 0."""
    if isinstance(expr, Call) and expr.function in TRUTH_VALUED:
        return expr
    return call(Function.NE, expr, number(0))


def _function(kind: int, parts: list[Expr]) -> Expr | None:
    if len(parts) != 1:
        return None
    if kind in _ONE_ARGUMENT:
        return call(_ONE_ARGUMENT[kind], parts[0])
    if kind in _INVERSE:
        return call(Function.DIV, number(1), call(_INVERSE[kind], parts[0]))
    if kind == libsbml.AST_FUNCTION_SINH:
        return hyperbolic("sinh", parts)
    if kind == libsbml.AST_FUNCTION_COSH:
        return hyperbolic("cosh", parts)
    return None


def functions_of(model: Any) -> dict[str, tuple[list[str], Any]]:
    """Function definitions: the names of the arguments, and the formula."""
    return {
        one.getId(): (
            [one.getArgument(i).getName() for i in range(one.getNumArguments())],
            one.getBody(),
        )
        for one in model.getListOfFunctionDefinitions()
    }


def names_in(formula: Any) -> set[str]:
    """All names in a formula."""
    found: set[str] = set()
    pending = [formula] if formula is not None else []
    while pending:
        node = pending.pop()
        if node.isName() and node.getName():
            found.add(node.getName())
        pending += [node.getChild(i) for i in range(node.getNumChildren())]
    return found
