"""Rate expressions: five node kinds, one table of functions, one evaluator.

`Count(slot)` is local to its owner: in a reaction it is the copy number of the
reaction's `slot`-th variable, in an observable or a set it is the variable itself.
So a lattice has one propensity for all its sites. The same holds of a parameter that
differs between sites: in a reaction it is the one of the reaction's site.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

Array = Any  # numpy or JAX, chosen by the caller through `xp`


class Function(Enum):
    """Everything that can be applied to expressions; the value is its spelling."""

    ADD = "+"
    SUB = "-"
    MUL = "*"
    DIV = "/"
    POW = "^"
    NEG = "neg"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    EQ = "=="
    NE = "!="
    AND = "and"
    OR = "or"
    NOT = "not"
    IF = "if"
    MIN = "min"
    MAX = "max"
    EXP = "exp"
    LOG = "log"
    SQRT = "sqrt"
    SIN = "sin"
    COS = "cos"
    TAN = "tan"
    TANH = "tanh"
    ABS = "abs"
    FLOOR = "floor"
    CEIL = "ceil"
    FALLING = "falling"
    BINOMIAL = "binomial"
    MM = "mm"
    MMR = "mmr"
    HILL = "hill"
    HILLR = "hillr"
    HILLAR = "hillar"
    SUM = "sum"
    MEAN = "mean"
    ALL = "all"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class ParameterRef:
    """The `index`-th rate constant of the network."""

    index: int


@dataclass(frozen=True, slots=True)
class Count:
    """Copy number of the owner's `slot`-th variable."""

    slot: int


@dataclass(frozen=True, slots=True)
class Time:
    """The time `t`."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function applied to arguments."""

    function: Function
    arguments: "tuple[Expr, ...]"


Expr = Number | ParameterRef | Count | Time | Call


def number(value: float) -> Number:
    """A constant, always stored as a float."""
    return Number(float(value))


def call(function: Function, *arguments: Expr) -> Call:
    """A function applied to arguments."""
    return Call(function, arguments)


def product(factors: Sequence[Expr]) -> Expr:
    """The factors multiplied from left to right; 1 for none."""
    return _chain(Function.MUL, factors, number(1))


def total(terms: Sequence[Expr]) -> Expr:
    """The terms added from left to right; 0 for none."""
    return _chain(Function.ADD, terms, number(0))


def _chain(function: Function, parts: Sequence[Expr], empty: Expr) -> Expr:
    if not parts:
        return empty
    result = parts[0]
    for part in parts[1:]:
        result = call(function, result, part)
    return result


def _falling(xp: Any, n: Array, order: Array) -> Array:
    """The product n (n-1) ... (n-order+1), and 0 where n < order."""
    result = n * 0.0 + 1.0
    for j in range(int(order)):
        result = result * xp.maximum(n - float(j), 0.0)
    return result


#: Meaning of each function; the first argument is the array namespace.
MEANING: Mapping[Function, Callable[..., Array]] = {
    Function.ADD: lambda xp, a, b: a + b,
    Function.SUB: lambda xp, a, b: a - b,
    Function.MUL: lambda xp, a, b: a * b,
    Function.DIV: lambda xp, a, b: a / b,
    Function.POW: lambda xp, a, b: a**b,
    Function.NEG: lambda xp, a: -a,
    Function.LT: lambda xp, a, b: xp.where(a < b, 1.0, 0.0),
    Function.LE: lambda xp, a, b: xp.where(a <= b, 1.0, 0.0),
    Function.GT: lambda xp, a, b: xp.where(a > b, 1.0, 0.0),
    Function.GE: lambda xp, a, b: xp.where(a >= b, 1.0, 0.0),
    Function.EQ: lambda xp, a, b: xp.where(a == b, 1.0, 0.0),
    Function.NE: lambda xp, a, b: xp.where(a != b, 1.0, 0.0),
    Function.AND: lambda xp, a, b: xp.where((a != 0) & (b != 0), 1.0, 0.0),
    Function.OR: lambda xp, a, b: xp.where((a != 0) | (b != 0), 1.0, 0.0),
    Function.NOT: lambda xp, a: xp.where(a == 0, 1.0, 0.0),
    Function.IF: lambda xp, c, a, b: xp.where(c != 0, a, b),
    Function.MIN: lambda xp, a, b: xp.minimum(a, b),
    Function.MAX: lambda xp, a, b: xp.maximum(a, b),
    Function.EXP: lambda xp, a: xp.exp(a),
    Function.LOG: lambda xp, a: xp.log(a),
    Function.SQRT: lambda xp, a: xp.sqrt(a),
    Function.SIN: lambda xp, a: xp.sin(a),
    Function.COS: lambda xp, a: xp.cos(a),
    Function.TAN: lambda xp, a: xp.tan(a),
    Function.TANH: lambda xp, a: xp.tanh(a),
    Function.ABS: lambda xp, a: xp.abs(a),
    Function.FLOOR: lambda xp, a: xp.floor(a),
    Function.CEIL: lambda xp, a: xp.ceil(a),
    Function.FALLING: _falling,
    Function.BINOMIAL: lambda xp, n, m: _falling(xp, n, m) / math.factorial(int(m)),
    Function.MM: lambda xp, x, v, k: v * x / (x + k),
    Function.MMR: lambda xp, x, v, k: v * k / (x + k),
    Function.HILL: lambda xp, x, v, k, m: v * x**m / (x**m + k**m),
    Function.HILLR: lambda xp, x, v, k, m: v * k**m / (x**m + k**m),
    Function.HILLAR: lambda xp, x, y, v, k, m: v * x**m / (x**m + y**m + k**m),
    Function.SUM: lambda xp, *values: functools.reduce(operator.add, values),
    Function.MEAN: lambda xp, *values: (
        functools.reduce(operator.add, values) / len(values)
    ),
    Function.ALL: lambda xp, *values: xp.where(
        functools.reduce(operator.and_, [value != 0 for value in values]), 1.0, 0.0
    ),
    Function.ANY: lambda xp, *values: xp.where(
        functools.reduce(operator.or_, [value != 0 for value in values]), 1.0, 0.0
    ),
}

#: Number of arguments of each function that a file can call by name.
ARITY: Mapping[Function, int] = {
    **dict.fromkeys(
        (
            Function.EXP,
            Function.LOG,
            Function.SQRT,
            Function.SIN,
            Function.COS,
            Function.TAN,
            Function.TANH,
            Function.ABS,
            Function.FLOOR,
            Function.CEIL,
        ),
        1,
    ),
    Function.MIN: 2,
    Function.MAX: 2,
    Function.IF: 3,
    Function.FALLING: 2,
    Function.BINOMIAL: 2,
    Function.MM: 3,
    Function.MMR: 3,
    Function.HILL: 4,
    Function.HILLR: 4,
    Function.HILLAR: 5,
}

#: Functions of one argument for each site of a lattice, spelled with one for all.
OVER_SITES = (Function.SUM, Function.MEAN, Function.ALL, Function.ANY)

#: Functions whose value is 0.0 or 1.0.
TRUTH_VALUED = (
    Function.LT,
    Function.LE,
    Function.GT,
    Function.GE,
    Function.EQ,
    Function.NE,
    Function.AND,
    Function.OR,
    Function.NOT,
    Function.ALL,
    Function.ANY,
)

#: Functions whose last argument must be a whole-number constant.
WHOLE_ORDER = (Function.FALLING, Function.BINOMIAL)


def evaluate(
    expr: Expr, counts: Sequence[Array], parameters: Array, t: Array, xp: Any
) -> Array:
    """The value of `expr`, elementwise over whatever shape the counts have.

    **Arguments:**

    - `counts`: one float array a slot, all of one shape.
    - `parameters`: rate constants, indexable.
    - `t`: the time.
    - `xp`: the array namespace, `numpy` or `jax.numpy`.

    Truth values are 0.0 and 1.0. Division by zero and logarithms of negative numbers
    follow the namespace (inf, nan); `passes` rejects them where they can be seen.
    """
    match expr:
        case Number(value):
            return value
        case ParameterRef(index):
            return parameters[index]
        case Count(slot):
            return counts[slot]
        case Time():
            return t
        case Call(function, arguments) if function in WHOLE_ORDER:
            base = evaluate(arguments[0], counts, parameters, t, xp)
            order = arguments[1]
            assert isinstance(order, Number)
            return MEANING[function](xp, base, order.value)
        case Call(function, arguments):
            values = [evaluate(a, counts, parameters, t, xp) for a in arguments]
            return MEANING[function](xp, *values)


def children(expr: Expr) -> "tuple[Expr, ...]":
    """The arguments of a call; nothing for the other nodes."""
    return expr.arguments if isinstance(expr, Call) else ()


def walk(expr: Expr) -> "list[Expr]":
    """The expression and everything below it, parents first."""
    found: list[Expr] = []
    pending = [expr]
    while pending:
        node = pending.pop()
        found.append(node)
        pending.extend(reversed(children(node)))
    return found


def slots_of(expr: Expr) -> frozenset[int]:
    """The slots whose copy numbers the expression reads."""
    return frozenset(node.slot for node in walk(expr) if isinstance(node, Count))


def depends_on_time(expr: Expr) -> bool:
    """Whether the expression reads `t`."""
    return any(isinstance(node, Time) for node in walk(expr))


def map_leaves(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same expression with every leaf replaced by `change(leaf)`."""
    if isinstance(expr, Call):
        return Call(expr.function, tuple(map_leaves(a, change) for a in expr.arguments))
    return change(expr)


def move_slots(expr: Expr, slots: Sequence[int] | Mapping[int, int]) -> Expr:
    """The same expression with slot `i` renumbered to `slots[i]`."""
    return map_leaves(
        expr, lambda leaf: Count(slots[leaf.slot]) if isinstance(leaf, Count) else leaf
    )


class _Float64s:
    """Parameters as NumPy numbers, each made one when it is read."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __getitem__(self, index: int) -> Array:
        return np.asarray(self.values[index], dtype=np.float64)[()]


def evaluate_float64(
    expr: Expr, counts: Sequence[Array], parameters: Array, t: float
) -> Array:
    """`evaluate` in NumPy float64 throughout, without warnings.

    Every leaf becomes a NumPy number first, so that 1/0 is inf and (-8)^0.5 is nan,
    where plain Python numbers would raise or turn complex.
    """
    with np.errstate(all="ignore"):
        result = evaluate(
            map_leaves(expr, _as_float64),
            counts,
            _Float64s(parameters),
            np.float64(t),
            np,
        )
    return np.asarray(result, dtype=np.float64)


def _as_float64(leaf: Expr) -> Expr:
    return Number(np.float64(leaf.value)) if isinstance(leaf, Number) else leaf
