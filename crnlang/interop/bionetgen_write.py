"""Networks -> BioNetGen `.net` files.

The format multiplies what stands behind a reaction with n (n - 1) ... of the reactants;
so that is taken out of each propensity, and what is left is a constant or a function.
"""

import math
from collections.abc import Mapping, Sequence

from crnlang.interop.expansion import written_out
from crnlang.interop.left_out import left_out, not_held
from crnlang.interop.names import Names
from crnlang.interop.parts import without_reactants
from crnlang.interop.refused import CannotHoldError, Fault, NotRepresentedError
from crnlang.ir.expr import (
    Call,
    Count,
    Expr,
    Function,
    Number,
    ParameterRef,
    call,
    depends_on_time,
    move_slots,
    number,
    slots_of,
    walk,
)
from crnlang.ir.network import Delta, MassAction, Network, Reaction
from crnlang.ir.spelling import format_number

_SIGNS: Mapping[Function, str] = {
    **{one: one.value for one in (Function.ADD, Function.SUB, Function.MUL)},
    **{one: one.value for one in (Function.DIV, Function.POW)},
    **{one: one.value for one in (Function.LT, Function.LE, Function.GT)},
    **{one: one.value for one in (Function.GE, Function.EQ, Function.NE)},
    Function.AND: "&&",
    Function.OR: "||",
}
_RENAMED: Mapping[Function, str] = {Function.LOG: "ln"}


def write_net(network: Network, path: str) -> tuple[str, list[str]]:
    """The text of a `.net` file, and what it leaves out; `path` is that of the model.

    Raises:
        NotRepresentedError: with everything that the format cannot hold.
    """
    faults = not_held(network, "BioNetGen")
    for change in (*network.count_changes, *network.triggers):
        line, _ = network.source.locate(change.span.start)
        faults.append(Fault(line, "event", "a BioNetGen network has no events"))
    writer = _Writer(network)
    reactions: list[str] = []
    for reaction in network.reactions:
        try:
            reactions.append(writer.reaction(reaction))
        except CannotHoldError as error:
            line, _ = network.source.locate(reaction.span.start)
            faults.append(Fault(line, f"reaction `{reaction.name}`", str(error)))
    if faults:
        raise NotRepresentedError(path, faults)
    return writer.text(reactions), left_out(network)


class _Writer:
    """Collects constants, functions and groups while reactions are written."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.species = [kind.name for kind in network.species]
        self.names = Names()
        self.parameters: list[tuple[str, str]] = []
        self.functions: list[tuple[str, str]] = []
        self.groups: list[tuple[str, str]] = []
        self.constants = [one.name for one in network.parameters]
        for name in (*self.species, *self.constants):
            self.names.give(name)
        for one in network.parameters:
            self.parameters.append((one.name, format_number(one.value)))
        self.read: dict[int, None] = {}
        self.known: dict[Expr, str] = {}
        for observable in network.observables:
            self.names.give(observable.name)
        for observable in network.observables:
            weights = _weights(observable.value)
            if weights is None:
                self._function(observable.name, observable.value)
            else:
                members = ",".join(
                    f"{weight}*{i + 1}" if weight > 1 else str(i + 1)
                    for i, weight in weights
                )
                self.groups.append((observable.name, members))

    def text(self, reactions: Sequence[str]) -> str:
        kinds = [
            (f"{kind.name}()", str(kind.initial.count))
            for kind in self.network.species
            if isinstance(kind.initial, Delta)
        ]
        groups = [(self.species[i], str(i + 1)) for i in self.read] + self.groups
        functions = [(f"{name}()", value) for name, value in self.functions]
        lines: list[str] = []
        for section, pairs in (
            ("parameters", self.parameters),
            ("functions", functions),
            ("species", kinds),
            ("reactions", [("", reaction) for reaction in reactions]),
            ("groups", groups),
        ):
            lines.append(f"begin {section}")
            for i, pair in enumerate(pairs, 1):
                lines.append(f"  {i} {' '.join(filter(None, pair))}")
            lines.append(f"end {section}")
        return "".join(f"{line}\n" for line in lines)

    def reaction(self, reaction: Reaction) -> str:
        """`1,2 3 k #name`.

        Raises:
            CannotHoldError: the reactants are not among the factors of the propensity.
        """
        sides: list[list[str]] = [[], []]
        for v, order, change in zip(
            reaction.variables, reaction.orders, reaction.net_change, strict=True
        ):
            sides[0] += [str(v + 1)] * order
            sides[1] += [str(v + 1)] * (order + change)
        rate = self._rate(reaction)
        before, after = (",".join(one) or "0" for one in sides)
        return f"{before} {after} {rate} #{reaction.name}"

    def _rate(self, reaction: Reaction) -> str:
        rest = _rest(reaction, self.network.massaction)
        if slots_of(rest) or depends_on_time(rest):
            if rest not in self.known:
                self._function(self.names.give(f"_law_{reaction.name}"), rest)
            return self.known[rest]
        match rest:
            case ParameterRef(index):
                return self.constants[index]
            case Call(Function.MUL, (Number(value), ParameterRef(index))):
                return f"{format_number(value)}*{self.constants[index]}"
            case _:
                if rest not in self.known:
                    name = self.known[rest] = self.names.give(f"_k_{reaction.name}")
                    self.parameters.append((name, self._write(rest)))
                return self.known[rest]

    def _function(self, name: str, value: Expr) -> None:
        self.functions.append((name, self._write(value)))
        self.known.setdefault(value, name)

    def _write(self, expr: Expr) -> str:
        """The formula, each operation in brackets."""
        for node in walk(expr):
            if isinstance(node, Count):
                self.read[node.slot] = None
        return self._spell(written_out(expr))

    def _spell(self, expr: Expr) -> str:
        match expr:
            case Number(value):
                return format_number(value)
            case ParameterRef(index):
                return self.constants[index]
            case Count(slot):
                return self.species[slot]
            case Call(function, arguments):
                return _spelled(function, [self._spell(one) for one in arguments])
            case _:
                return "time()"


def _spelled(function: Function, inside: list[str]) -> str:
    if function in _SIGNS:
        return f"({inside[0]}{_SIGNS[function]}{inside[1]})"
    if function is Function.NEG:
        return f"(-{inside[0]})"
    if function is Function.NOT:
        return f"if({inside[0]},0,1)"
    return f"{_RENAMED.get(function, function.value)}({','.join(inside)})"


def _rest(reaction: Reaction, convention: MassAction | None) -> Expr:
    """What is multiplied with n (n - 1) ... of the reactants, over all species.

    Raises:
        CannotHoldError: nothing is.
    """
    places = dict(enumerate(reaction.variables))
    if reaction.rate is not None and convention is MassAction.BINOMIAL:
        divisor = math.prod(math.factorial(order) for order in reaction.orders)
        if divisor == 1:
            return reaction.rate
        return call(Function.DIV, reaction.rate, number(divisor))
    law = move_slots(reaction.propensity, places)
    before = {
        v: order
        for v, order in zip(reaction.variables, reaction.orders, strict=True)
        if order
    }
    rest = without_reactants(law, before)
    if rest is None:
        raise CannotHoldError(
            "a BioNetGen network multiplies n (n - 1) ... of the reactants to every "
            "rate; this propensity does not have that factor"
        )
    return rest


def _weights(expr: Expr) -> list[tuple[int, int]] | None:
    """A sum of whole multiples of copy numbers, species by species; else `None`."""
    found: list[tuple[int, int]] = []
    pending = [expr]
    while pending:
        match pending.pop():
            case Call(Function.ADD, (one, two)):
                pending += [two, one]
            case Count(slot):
                found.append((slot, 1))
            case Call(Function.MUL, (Number(value), Count(slot))) if (
                value >= 1 and value == int(value)
            ):
                found.append((slot, int(value)))
            case _:
                return None
    return found
