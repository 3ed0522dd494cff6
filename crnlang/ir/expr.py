"""Rate expressions: eight kinds of nodes, and the functions that join them.

`Count(slot)` is local to its owner: in a reaction it is the copy number of the
reaction's `slot`-th variable, in an observable or a set it is the variable itself.
So a lattice has one propensity for all its sites. The same holds of a parameter that
differs between sites: in a reaction it is the one of the reaction's site.

`OverSites` holds what is the same at every site once. What differs between the sites
stands in its body as `SiteCounts` and `SiteNumbers`, one entry a site.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum


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


@dataclass(frozen=True, slots=True)
class SiteCounts:
    """Copy number at each site: `slots[i]` is its slot at site i."""

    slots: Sequence[int]


@dataclass(frozen=True, slots=True)
class SiteNumbers:
    """A constant that differs between sites."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class OverSites:
    """`sum` and its like: a function of the values that `body` has at all sites."""

    function: Function
    body: "Expr"
    sites: int


Expr = (
    Number | ParameterRef | Count | Time | Call | SiteCounts | SiteNumbers | OverSites
)


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

#: Functions of the values at all sites of a lattice.
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


def at_site(body: Expr, site: int) -> Expr:
    """What the body of an `OverSites` is at one site."""

    def here(leaf: Expr) -> Expr:
        match leaf:
            case SiteCounts(slots):
                return Count(slots[site])
            case SiteNumbers(values):
                return Number(values[site])
            case _:
                return leaf

    return map_own_leaves(body, here)


def children(expr: Expr) -> "tuple[Expr, ...]":
    """What a node is made of; nothing for leaves."""
    if isinstance(expr, OverSites):
        return (expr.body,)
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
    found: set[int] = set()
    for node in walk(expr):
        if isinstance(node, Count):
            found.add(node.slot)
        elif isinstance(node, SiteCounts):
            found.update(node.slots)
    return frozenset(found)


def depends_on_time(expr: Expr) -> bool:
    """Whether the expression reads `t`."""
    return any(isinstance(node, Time) for node in walk(expr))


def map_leaves(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same expression with every leaf replaced by `change(leaf)`."""
    if isinstance(expr, Call):
        return Call(expr.function, tuple(map_leaves(a, change) for a in expr.arguments))
    if isinstance(expr, OverSites):
        return OverSites(expr.function, map_leaves(expr.body, change), expr.sites)
    return change(expr)


def map_own_leaves(expr: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """As `map_leaves`, but an `OverSites` is a leaf."""
    if isinstance(expr, Call):
        arguments = tuple(map_own_leaves(a, change) for a in expr.arguments)
        return Call(expr.function, arguments)
    return change(expr)


def move_slots(expr: Expr, slots: Sequence[int] | Mapping[int, int]) -> Expr:
    """The same expression with slot `i` renumbered to `slots[i]`."""

    def move(leaf: Expr) -> Expr:
        match leaf:
            case Count(slot):
                return Count(slots[slot])
            case SiteCounts(own):
                return SiteCounts(tuple(slots[slot] for slot in own))
            case _:
                return leaf

    return map_leaves(expr, move)
