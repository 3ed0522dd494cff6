"""The surface tree below statements: names, files, sides, expressions, values.

Every node has a `span`; equality ignores it. Names are not yet looked up.
"""

from dataclasses import dataclass, field

from crnlang.diagnostics import Span
from crnlang.ir.expr import Function


@dataclass(frozen=True, slots=True)
class Name:
    """A name, where it is declared or used."""

    text: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Term:
    """`2 X` on one side of a reaction; 0 for a coefficient that is no such number."""

    coefficient: int
    species: Name
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a reaction; no terms for `0`."""

    terms: tuple[Term, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A number."""

    value: float
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """A name inside an expression."""

    name: str
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator and its operands; `-x` is `NEG`."""

    function: Function
    operands: "tuple[Expression, ...]"
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Application:
    """`f(a, b)`: a built-in or a declared function."""

    name: Name
    arguments: "tuple[Expression, ...]"
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MassActionFactor:
    """`ma(A + 2 B)`: the factor that mass action gives to these reactants."""

    side: Side
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Element:
    """`X[i, j]`: a species or a parameter at one site."""

    name: Name
    index: "tuple[Expression, ...]"
    span: Span = field(compare=False, repr=False)


Expression = Literal | Reference | Element | Operation | Application | MassActionFactor


@dataclass(frozen=True, slots=True)
class ValueList:
    """`[1, 5, 10]`."""

    items: tuple[Expression, ...]
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Steps:
    """`start:end:step`; a missing step is 1."""

    start: Expression
    end: Expression
    step: Expression | None
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Interval:
    """`low..high`."""

    low: Expression
    high: Expression
    span: Span = field(compare=False, repr=False)


Value = Expression | ValueList | Steps | Interval


@dataclass(frozen=True, slots=True)
class Keyword:
    """`at=0:40:1` inside a query, `samples = 4096` inside a solve block."""

    key: Name
    value: Value
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SiteCount:
    """`X[0, 3]=5` inside a query."""

    element: Element
    value: Expression
    span: Span = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class File:
    """`"edges.csv"`, as seen from the folder of the `.crn` file."""

    path: str
    span: Span = field(compare=False, repr=False)
