"""Propensities as Python source, for numba: values, and bounds over a window of time.

Written from the IR with its own reading of every function, so that trajectories are a
witness of the other engines and not their echo.
"""

import math
from collections.abc import Callable, Sequence

from crnlang.ir.expr import (
    Call,
    Count,
    Expr,
    Function,
    Number,
    OverSites,
    ParameterRef,
    Time,
    at_site,
    call,
    depends_on_time,
    number,
    slots_of,
)
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork
from crnlang.reference.forms import Forms
from crnlang.reference.trajectory import ENDLESS_EVENTS, WRONG_EVENT
from crnlang.reference.triggers import MOST_IN_A_ROW

#: How a value is written; `{0}`, `{1}`, ... are the arguments, each in brackets.
VALUES: dict[Function, str] = {
    Function.ADD: "({0} + {1})",
    Function.SUB: "({0} - {1})",
    Function.MUL: "({0} * {1})",
    Function.DIV: "({0} / {1})",
    Function.POW: "({0} ** {1})",
    Function.NEG: "(-{0})",
    Function.LT: "(1.0 if {0} < {1} else 0.0)",
    Function.LE: "(1.0 if {0} <= {1} else 0.0)",
    Function.GT: "(1.0 if {0} > {1} else 0.0)",
    Function.GE: "(1.0 if {0} >= {1} else 0.0)",
    Function.EQ: "(1.0 if {0} == {1} else 0.0)",
    Function.NE: "(1.0 if {0} != {1} else 0.0)",
    Function.AND: "(1.0 if {0} != 0.0 and {1} != 0.0 else 0.0)",
    Function.OR: "(1.0 if {0} != 0.0 or {1} != 0.0 else 0.0)",
    Function.NOT: "(1.0 if {0} == 0.0 else 0.0)",
    Function.IF: "({1} if {0} != 0.0 else {2})",
    Function.MIN: "min({0}, {1})",
    Function.MAX: "max({0}, {1})",
    Function.EXP: "math.exp({0})",
    Function.LOG: "math.log({0})",
    Function.SQRT: "math.sqrt({0})",
    Function.SIN: "math.sin({0})",
    Function.COS: "math.cos({0})",
    Function.TAN: "math.tan({0})",
    Function.TANH: "math.tanh({0})",
    Function.ABS: "abs({0})",
    Function.FLOOR: "np.floor({0})",
    Function.CEIL: "np.ceil({0})",
    Function.FALLING: "iv.falling(iv.point({0}), {1})[0]",
}

#: How the interval of a value is written, with the functions of `intervals`.
BOUNDS: dict[Function, str] = {
    Function.ADD: "iv.add({0}, {1})",
    Function.SUB: "iv.sub({0}, {1})",
    Function.MUL: "iv.mul({0}, {1})",
    Function.DIV: "iv.div({0}, {1})",
    Function.POW: "iv.power({0}, {1})",
    Function.NEG: "iv.neg({0})",
    Function.LT: "iv.less({0}, {1})",
    Function.LE: "iv.less_equal({0}, {1})",
    Function.GT: "iv.less({1}, {0})",
    Function.GE: "iv.less_equal({1}, {0})",
    Function.EQ: "iv.equal({0}, {1})",
    Function.NE: "iv.negate(iv.equal({0}, {1}))",
    Function.AND: "iv.both({0}, {1})",
    Function.OR: "iv.either({0}, {1})",
    Function.NOT: "iv.negate({0})",
    Function.IF: "iv.choose({0}, {1}, {2})",
    Function.MIN: "iv.minimum({0}, {1})",
    Function.MAX: "iv.maximum({0}, {1})",
    Function.EXP: "iv.exponential({0})",
    Function.LOG: "iv.logarithm({0})",
    Function.SQRT: "iv.root({0})",
    Function.SIN: "iv.sine({0})",
    Function.COS: "iv.cosine({0})",
    Function.TAN: "iv.tangent({0})",
    Function.TANH: "iv.hyperbolic({0})",
    Function.ABS: "iv.absolute({0})",
    Function.FLOOR: "iv.floor({0})",
    Function.CEIL: "iv.ceil({0})",
    Function.FALLING: "iv.falling({0}, {1})",
}

#: Whole powers up to this one are written as products.
LARGEST_PRODUCT = 6
#: More terms than this over the sites of a lattice are joined in groups.
MOST_JOINED = 50


def expand_law(function: Function, arguments: Sequence[Expr]) -> Expr:
    """A named rate law in terms of the basic functions; other calls unchanged."""
    add, mul, div = Function.ADD, Function.MUL, Function.DIV
    match function, tuple(arguments):
        case Function.BINOMIAL, (n, Number(order)):
            falling = call(Function.FALLING, n, number(order))
            return call(div, falling, number(math.factorial(int(order))))
        case Function.MM, (x, v, k):
            return call(div, call(mul, v, x), call(add, x, k))
        case Function.MMR, (x, v, k):
            return call(div, call(mul, v, k), call(add, x, k))
        case Function.HILL, (x, v, k, m):
            top, rest = call(Function.POW, x, m), call(Function.POW, k, m)
            return call(div, call(mul, v, top), call(add, top, rest))
        case Function.HILLR, (x, v, k, m):
            top, rest = call(Function.POW, k, m), call(Function.POW, x, m)
            return call(div, call(mul, v, top), call(add, top, rest))
        case Function.HILLAR, (x, y, v, k, m):
            top, other = call(Function.POW, x, m), call(Function.POW, y, m)
            below = call(add, call(add, top, other), call(Function.POW, k, m))
            return call(div, call(mul, v, top), below)
        case _:
            return Call(function, tuple(arguments))


def value_source(expr: Expr, parameters: Sequence[str]) -> str:
    """The value of an expression; slot i is the float `x{i}`, the time is `t`."""
    match expr:
        case Number(value):
            return f"({value!r})"
        case ParameterRef(index):
            return parameters[index]
        case Count(slot):
            return f"x{slot}"
        case Time():
            return "t"
        case Call(Function.POW, (Count(slot), Number(order))) if order in range(
            1, LARGEST_PRODUCT + 1
        ):
            return "(" + " * ".join([f"x{slot}"] * int(order)) + ")"
        case Call(Function.FALLING, (Count(slot), Number(order))):
            factors = [f"max(x{slot} - {float(j)}, 0.0)" for j in range(1, int(order))]
            return "(" + " * ".join([f"x{slot}", *factors]) + ")" if order else "1.0"
    return _call_source(expr, VALUES, lambda e: value_source(e, parameters))


def bound_source(expr: Expr, parameters: Sequence[str]) -> str:
    """The interval of an expression for `t` in the pair `window`."""
    if not depends_on_time(expr):
        return f"iv.point({value_source(expr, parameters)})"
    if isinstance(expr, Time):
        return "window"
    return _call_source(expr, BOUNDS, lambda e: bound_source(e, parameters))


def _call_source(
    expr: Expr, table: dict[Function, str], write: Callable[[Expr], str]
) -> str:
    """A call by its template; a whole order is written as an integer."""
    if isinstance(expr, OverSites):
        values = [write(at_site(expr.body, site)) for site in range(expr.sites)]
        return over_sites_source(expr.function, values)
    assert isinstance(expr, Call)
    if expr.function not in table:
        return write(expand_law(expr.function, expr.arguments))
    if expr.function is Function.FALLING:
        base, order = expr.arguments
        assert isinstance(order, Number)
        return table[expr.function].format(write(base), int(order.value))
    return table[expr.function].format(*map(write, expr.arguments))


def over_sites_source(function: Function, values: Sequence[str]) -> str:
    """`sum` and its like of values at every site; conditions only read these."""
    if function in (Function.ALL, Function.ANY):
        sign = "and" if function is Function.ALL else "or"
        return f"(1.0 if {_joined([f'{v} != 0.0' for v in values], sign)} else 0.0)"
    total = _joined(values, "+")
    return f"({total} / {float(len(values))})" if function is Function.MEAN else total


def _joined(parts: Sequence[str], sign: str) -> str:
    """Parts with a sign between them, in brackets so that none nests deep."""
    while len(parts) > MOST_JOINED:
        starts = range(0, len(parts), MOST_JOINED)
        parts = [_joined(parts[i : i + MOST_JOINED], sign) for i in starts]
    return f"({f' {sign} '.join(parts)})"


def constant_sources(lowered: LoweredNetwork) -> list[str]:
    """Every parameter as source: a number, or that at the channel's `site`."""
    return [
        f"site_values{i}[site[channel]]"
        if i in lowered.site_parameters
        else f"({value!r})"
        for i, value in enumerate(lowered.parameters.tolist())
    ]


def _form_constants(lowered: LoweredNetwork, forms: Forms) -> list[str]:
    """Every parameter of the forms as source."""
    if not forms.shared:
        return constant_sources(lowered)
    return [f"tables.numbers[channel, {k}]" for k in range(forms.numbers.shape[1])]


def family_source(
    family: ChannelFamily, body: str, start: str, *, is_alone: bool
) -> list[str]:
    """The lines that answer for one family: its counts, the floor at 0, the law.

    One that `is_alone` has but one channel, whose variables are written out.
    """
    lines = [
        f"x{slot} = float(n[{family.variables[0, slot]}])"
        if is_alone
        else f"x{slot} = float(n[tables.touched[channel, {slot}]])"
        for slot in range(family.variables.shape[1])
    ]
    short = [
        f"x{slot} < {-change}"
        for slot, change in enumerate(family.net_change.tolist())
        if change < 0
    ]
    if short:
        lines += [f"if {' or '.join(short)}:", f"    return {start}"]
    return [*lines, f"return {body}"]


def propensity_source(lowered: LoweredNetwork, forms: Forms) -> str:
    """`propensity(form, channel, n, t, tables)`: 0 where a count would go below 0.

    Upper caps are left to the caller, who counts the firings that they stop.
    """
    constants = _form_constants(lowered, forms)
    return _dispatch(
        "def propensity(form, channel, n, t, tables):",
        forms,
        [value_source(family.propensity, constants) for family in forms.families],
        "0.0",
    )


def bound_function_source(lowered: LoweredNetwork, forms: Forms) -> str:
    """`bound(form, channel, n, window, tables)`: the propensity's interval.

    Of propensities that do not read `t` nobody asks for it.
    """
    constants = _form_constants(lowered, forms)
    return _dispatch(
        "def bound(form, channel, n, window, tables):",
        forms,
        [
            bound_source(family.propensity, constants)
            if depends_on_time(family.propensity)
            else "(0.0, 0.0)"
            for family in forms.families
        ],
        "(0.0, 0.0)",
    )


def inside_source(lowered: LoweredNetwork, targets: Sequence[Expr]) -> str:
    """`inside(target, n)`: whether a state is in a set of states, given by its number.

    The slots of a target are variables; no other number is the number of a set.
    """
    constants = constant_sources(lowered)
    lines = ["def inside(target, n):"]
    for number_, condition in enumerate(targets):
        lines.append(f"    if target == {number_}:")
        lines += [f"        x{v} = float(n[{v}])" for v in sorted(slots_of(condition))]
        lines.append(f"        return {value_source(condition, constants)} != 0.0")
    return "\n".join([*lines, "    return False", ""])


def watch_source(lowered: LoweredNetwork) -> str:
    """`watch(n, was)`: note which conditions of events hold."""
    triggers = lowered.network.triggers
    lines = ["def watch(n, was):", *_counts_source([one.condition for one in triggers])]
    constants = constant_sources(lowered)
    for number_, trigger in enumerate(triggers):
        condition = value_source(trigger.condition, constants)
        lines.append(f"    was[{number_}] = {condition} != 0.0")
    return "\n".join([*lines, "    return", ""])


def settle_source(lowered: LoweredNetwork) -> str:
    """`settle(n, was, caps)`: the events that a change of state sets off, one by one.

    `was` says which conditions held before, and then after. Gives whether any happened;
    or minus the outcome where one leads out of the box, or they never end.
    """
    triggers = lowered.network.triggers
    if not triggers:
        return "def settle(n, was, caps):\n    return 0\n"
    constants = constant_sources(lowered)
    read = [e for one in triggers for e in (one.condition, *one.values)]
    lines = _counts_source(read)
    for number_, trigger in enumerate(triggers):
        condition = value_source(trigger.condition, constants)
        lines += [
            f"    now{number_} = {condition} != 0.0",
            f"    fires{number_} = now{number_} and not was[{number_}]",
            f"    was[{number_}] = now{number_}",
        ]
    fires = " or ".join(f"fires{number_}" for number_ in range(len(triggers)))
    lines += [f"    if not ({fires}):", "        return happened", "    happened = 1"]
    for number_, trigger in enumerate(triggers):
        lines.append(f"    if fires{number_}:")
        for variable, value in zip(trigger.variables, trigger.values, strict=True):
            lines += [
                f"        value = float({value_source(value, constants)})",
                f"        if not (0.0 <= value <= caps[{variable}]):",
                f"            return {-WRONG_EVENT}",
                "        if value != math.floor(value):",
                f"            return {-WRONG_EVENT}",
                f"        n[{variable}] = int(value)",
            ]
    head = [
        "def settle(n, was, caps):",
        "    happened = 0",
        f"    for _ in range({MOST_IN_A_ROW}):",
    ]
    return "\n".join(
        [*head, *(f"    {line}" for line in lines), f"    return {-ENDLESS_EVENTS}", ""]
    )


def _counts_source(read: Sequence[Expr]) -> list[str]:
    """The lines that take the counts which expressions of the whole state read."""
    slots = sorted({slot for expr in read for slot in slots_of(expr)})
    return [f"    x{v} = float(n[{v}])" for v in slots]


def _dispatch(head: str, forms: Forms, bodies: Sequence[str], otherwise: str) -> str:
    """A function that answers for every form."""
    lines = [head]
    for number_, (family, body) in enumerate(zip(forms.families, bodies, strict=True)):
        is_alone = len(family.variables) == 1 and not forms.shared
        lines.append(f"    if form == {number_}:")
        block = family_source(family, body, otherwise, is_alone=is_alone)
        lines += [f"        {line}" for line in block]
    return "\n".join([*lines, f"    return {otherwise}", ""])
