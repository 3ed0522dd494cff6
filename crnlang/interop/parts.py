"""Parts of a network from formulas over all its species: what every reader needs.

While a model is read, `Count(i)` is species i of the whole network.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crnlang.diagnostics import Span
from crnlang.interop.refused import CannotHoldError
from crnlang.ir.expr import (
    Call,
    Count,
    Expr,
    Function,
    Number,
    call,
    children,
    move_slots,
    number,
    product,
    slots_of,
)
from crnlang.ir.network import MAX_CAP, MassAction, Network, Reaction

#: Limits of the language on one expression, with room for what is written around it.
DEEPEST, LARGEST = 140, 20_000
#: Largest coefficient of a reaction, and largest one of mass action.
MOST_COPIES, MOST_REACTANTS = 999, 100
#: A sum of more terms than this is written with brackets, so that it nests less.
_FLAT = 40


@dataclass(frozen=True, eq=False)
class Imported:
    """A model that was read: its network, and what a user should know of it.

    `renamed` are names of the file with what they are called here.
    """

    network: Network
    notes: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]


class Sizes:
    """How large expressions are once written out, shared parts counted each time."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Expr, int, int]] = {}

    def demand_small(self, expr: Expr) -> Expr:
        """The expression itself.

        Raises:
            CannotHoldError: written out it is larger than the language allows.
        """
        size, depth = self._measure(expr)
        if depth > DEEPEST:
            raise CannotHoldError(f"the formula nests more than {DEEPEST} levels")
        if size > LARGEST:
            raise CannotHoldError(f"the formula has more than {LARGEST} parts")
        return expr

    def _measure(self, expr: Expr) -> tuple[int, int]:
        pending = [expr]
        while pending:
            node = pending[-1]
            parts = children(node)
            missing = [part for part in parts if id(part) not in self._known]
            if id(node) not in self._known and not missing:
                known = [self._known[id(part)] for part in parts]
                size = 1 + sum(size for _, size, _ in known)
                depth = 1 + max((depth for *_, depth in known), default=0)
                self._known[id(node)] = (node, size, depth)
            if not missing:
                pending.pop()
            pending += missing
        return self._known[id(expr)][1:]


def join(function: Function, terms: Sequence[Expr]) -> Expr:
    """Terms joined by `+`, `*`, `and`, ...; of very many, halves of halves."""
    if len(terms) <= _FLAT:
        found = terms[0]
        for term in terms[1:]:
            found = call(function, found, term)
        return found
    middle = len(terms) // 2
    return call(
        function, join(function, terms[:middle]), join(function, terms[middle:])
    )


def falling(species: int, order: int) -> Expr:
    """n (n-1) ... as mass action writes it."""
    if order == 1:
        return Count(species)
    return call(Function.FALLING, Count(species), number(order))


def make_reaction(
    name: str,
    before: Mapping[int, int],
    after: Mapping[int, int],
    law: Expr,
    span: Span,
) -> Reaction:
    """A channel from what it takes, what it leaves, and its propensity.

    A law that is a constant times n (n-1) ... of the reactants is written as mass
    action. Species that only the law reads stand on neither side.

    Raises:
        CannotHoldError: a coefficient is too large.
    """
    if max([0, *before.values(), *after.values()]) > MOST_COPIES:
        raise CannotHoldError(f"a coefficient is larger than {MOST_COPIES}")
    rate = without_reactants(law, before)
    if rate is not None and slots_of(rate):
        rate = None
    if rate is not None:
        law = product([rate, *(falling(i, m) for i, m in before.items())])
    touched = list(dict.fromkeys([*before, *after, *sorted(slots_of(law))]))
    orders = tuple(before.get(i, 0) for i in touched)
    return Reaction(
        name=name,
        variables=tuple(touched),
        orders=orders,
        net_change=tuple(
            after.get(i, 0) - order for i, order in zip(touched, orders, strict=True)
        ),
        propensity=move_slots(law, {i: slot for slot, i in enumerate(touched)}),
        rate=rate,
        span=span,
    )


def convention(reactions: Iterable[Reaction]) -> MassAction | None:
    """`falling` where a constant is multiplied with repeated reactants."""
    is_repeated = any(
        one.rate is not None and max([0, *one.orders]) > 1 for one in reactions
    )
    return MassAction.FALLING if is_repeated else None


def without_reactants(law: Expr, before: Mapping[int, int]) -> Expr | None:
    """The law without n (n - 1) ... of the reactants; `None` where it has none."""
    if max([0, *before.values()]) > MOST_REACTANTS:
        return None
    needed, node = [falling(i, m) for i, m in before.items()], law
    while isinstance(node, Call) and node.function is Function.MUL:
        if node.arguments[1] not in needed:
            break
        needed.remove(node.arguments[1])
        node = node.arguments[0]
    if not needed:
        return node
    above, below = _factors(law)
    for species, order in before.items():
        for wanted in _spellings(species, order):
            if all(wanted.count(one) <= above.count(one) for one in wanted):
                for one in wanted:
                    above.remove(one)
                break
        else:
            return None
    rest = product(above)
    for divisor in below:
        rest = call(Function.DIV, rest, divisor)
    return rest


def _factors(expr: Expr) -> tuple[list[Expr], list[Expr]]:
    """What is multiplied, from left to right, and what it is divided by."""
    above: list[Expr] = []
    below: list[Expr] = []
    pending = [(expr, False)]
    while pending:
        node, is_below = pending.pop()
        match node:
            case Call(Function.MUL, (one, two)):
                pending += [(two, is_below), (one, is_below)]
            case Call(Function.DIV, (one, two)):
                pending += [(two, not is_below), (one, is_below)]
            case _:
                (below if is_below else above).append(node)
    return above, below


def _spellings(species: int, order: int) -> Iterable[list[Expr]]:
    """The ways in which n (n-1) ... may stand among the factors of a law."""
    yield [falling(species, order)]
    count = Count(species)
    lower = [call(Function.SUB, count, number(j)) for j in range(1, order)]
    yield [count, *lower]


def whole(value: float, what: str) -> int:
    """A copy number.

    Raises:
        CannotHoldError: the value is not whole, or out of range.
    """
    nearest = round(value) if abs(value) < 1e300 else -1
    if abs(value - nearest) > 1e-9 * max(1.0, abs(value)):
        raise CannotHoldError(
            f"{what} is {value:g}: copy numbers are whole; `--round` takes the nearest"
        )
    if not 0 <= nearest <= MAX_CAP:
        raise CannotHoldError(f"{what} is {value:g}, not from 0 to {MAX_CAP}")
    return nearest


def is_number(expr: Expr, value: float) -> bool:
    """Whether the expression is this constant."""
    return isinstance(expr, Number) and expr.value == value
