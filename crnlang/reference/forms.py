"""Families -> the forms of their propensities, which differ in species and numbers.

Source is generated and compiled once for each form: of ten thousand reactions with mass
action there are a few. A network of few families has one form for each, with its own
species and numbers written out, which is faster to evaluate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.expr import Call, Expr, Function, Number, ParameterRef
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork

#: Up to so many families have a form of their own.
MOST_SEPARATE = 100
#: The second argument of these is written into the source as it is.
_ORDERS = (Function.POW, Function.FALLING, Function.BINOMIAL)


@dataclass(frozen=True, eq=False)
class Forms:
    """The distinct forms, each as a family; `form[f]` is that of family f.

    Where they are `shared`, parameter k of a form is `numbers[c, k]` of channel c, and
    its variables are those of the channel.
    """

    families: tuple[ChannelFamily, ...]
    form: Int[np.ndarray, " families"]
    numbers: Float[np.ndarray, "channels width"]
    shared: bool


def find_forms(lowered: LoweredNetwork) -> Forms:
    """The forms of all families of a network."""
    families = lowered.families
    if len(families) <= MOST_SEPARATE or lowered.site_parameters or not families:
        own = np.arange(len(families))
        return Forms(families, own, np.zeros((0, 0)), shared=False)
    found: dict[tuple[Expr, tuple[int, ...]], tuple[int, ChannelFamily]] = {}
    parameters = lowered.parameters.tolist()
    form: list[int] = []
    rows: list[list[float]] = []
    for family in families:
        values: list[float] = []
        propensity = _with_places(family.propensity, parameters, values)
        key = (propensity, tuple(family.net_change.tolist()))
        known = (len(found), replace(family, propensity=propensity))
        form.append(found.setdefault(key, known)[0])
        rows += [values] * len(family.variables)
    numbers = np.zeros((len(rows), max(map(len, rows))))
    for row, values in zip(numbers, rows, strict=True):
        row[: len(values)] = values
    distinct = tuple(family for _, family in found.values())
    return Forms(distinct, np.array(form, dtype=np.int64), numbers, shared=True)


def _with_places(expr: Expr, parameters: Sequence[float], values: list[float]) -> Expr:
    """The expression with places for its numbers, which are appended to `values`."""
    match expr:
        case Number(value):
            values.append(value)
        case ParameterRef(index):
            values.append(parameters[index])
        case Call(function, (base, Number() as order)) if function in _ORDERS:
            return Call(function, (_with_places(base, parameters, values), order))
        case Call(function, arguments):
            parts = (_with_places(one, parameters, values) for one in arguments)
            return Call(function, tuple(parts))
        case _:
            return expr
    return ParameterRef(len(values) - 1)
