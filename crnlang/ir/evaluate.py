"""The value of a rate expression: one evaluator, in NumPy or in JAX."""

# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false

import functools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

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
    map_leaves,
    map_own_leaves,
    slots_of,
)

Array = Any  # numpy or JAX, chosen by the caller through `xp`


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
}

#: Most values of a body over the sites that are held at once.
MOST_HELD = 1_000_000


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
        case OverSites():
            return _evaluate_over_sites(expr, counts, parameters, t, xp)
        case SiteCounts() | SiteNumbers():
            raise ValueError("what differs between sites has no value outside of sums")


def _evaluate_over_sites(
    expr: OverSites, counts: Sequence[Array], parameters: Array, t: Array, xp: Any
) -> Array:
    """The body at a part of the sites at a time, which are the last axis."""
    sizes = [int(np.size(counts[slot])) for slot in slots_of(expr.body)]
    part = max(1, MOST_HELD // max([1, *sizes]))
    found: list[Array] = []
    for first in range(0, expr.sites, part):
        sites = range(first, min(first + part, expr.sites))
        body, local = _at_sites(expr.body, sites, counts, parameters, t, xp)
        values = xp.asarray(evaluate(body, local, (), 0.0, xp))
        found.append(_joined(expr.function, values, len(sites), xp))
    joined = functools.reduce(_JOIN[expr.function], found)
    if expr.function is Function.MEAN:
        return joined / expr.sites
    return joined if expr.function is Function.SUM else xp.where(joined, 1.0, 0.0)


#: How the values of two parts of the sites come together.
_JOIN: Mapping[Function, Callable[[Array, Array], Array]] = {
    Function.SUM: operator.add,
    Function.MEAN: operator.add,
    Function.ALL: operator.and_,
    Function.ANY: operator.or_,
}


def _joined(function: Function, values: Array, sites: int, xp: Any) -> Array:
    """The values at some sites together; they may be alike, and then given once."""
    is_sum = function in (Function.SUM, Function.MEAN)
    if values.ndim == 0 or values.shape[-1] == 1:
        one = values if values.ndim == 0 else values[..., 0]
        return one * float(sites) if is_sum else one != 0
    if is_sum:
        return xp.sum(values, axis=-1)
    join = xp.all if function is Function.ALL else xp.any
    return join(values != 0, axis=-1)


def _at_sites(
    body: Expr,
    sites: range,
    counts: Sequence[Array],
    parameters: Array,
    t: Array,
    xp: Any,
) -> tuple[Expr, list[Array]]:
    """The body with `Count(i)` for its leaves, and the arrays that these stand for."""
    local: list[Array] = []
    known: dict[int, Expr] = {}

    def value(leaf: Expr) -> Array:
        match leaf:
            case SiteCounts(slots):
                chosen = slots[sites.start : sites.stop]
                return xp.stack([counts[slot] for slot in chosen], axis=-1)
            case SiteNumbers(values):
                return xp.asarray(values[sites.start : sites.stop])
            case _:
                found = evaluate(leaf, counts, parameters, t, xp)
                return xp.asarray(found)[..., None]

    def gather(leaf: Expr) -> Expr:
        if isinstance(leaf, Number):
            return leaf
        if id(leaf) not in known:
            known[id(leaf)] = Count(len(local))
            local.append(value(leaf))
        return known[id(leaf)]

    return map_own_leaves(body, gather), local


class _Float64s:
    """Parameters as NumPy numbers, each made one when it is read."""

    def __init__(self, values: Array) -> None:
        self.values = values

    def __getitem__(self, index: int) -> Array:
        return np.asarray(self.values[index], dtype=np.float64)[()]


def with_float64(expr: Expr) -> Expr:
    """The same expression with NumPy numbers, which neither raise nor turn complex."""
    return map_leaves(
        expr,
        lambda leaf: (
            Number(np.float64(leaf.value)) if isinstance(leaf, Number) else leaf
        ),
    )


def evaluate_float64(
    expr: Expr, counts: Sequence[Array], parameters: Array, t: float
) -> Array:
    """`evaluate` in NumPy float64 throughout, without warnings.

    Every leaf becomes a NumPy number first, so that 1/0 is inf and (-8)^0.5 is nan,
    where plain Python numbers would raise or turn complex.
    """
    with np.errstate(all="ignore"):
        result = evaluate(
            with_float64(expr),
            counts,
            _Float64s(parameters),
            np.float64(t),
            np,
        )
    return np.asarray(result, dtype=np.float64)
