"""Both representations as text: stable, for reading and for golden files."""

import math
import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

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
    at_site,
)
from crnlang.ir.lattice import Lattice
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork, StateSpace
from crnlang.ir.network import (
    Binomial,
    Delta,
    DistQuery,
    ExpectQuery,
    Initial,
    LogpQuery,
    Network,
    Parameter,
    PassageQuery,
    Poisson,
    ProbQuery,
    Query,
    Reaction,
    SettingValue,
    Table,
)

#: How tightly each operator binds; everything else is written `f(...)`.
_BINDING = {
    Function.OR: 1,
    Function.AND: 2,
    Function.NOT: 3,
    **dict.fromkeys(
        (
            Function.LT,
            Function.LE,
            Function.GT,
            Function.GE,
            Function.EQ,
            Function.NE,
        ),
        4,
    ),
    Function.ADD: 5,
    Function.SUB: 5,
    Function.MUL: 6,
    Function.DIV: 6,
    Function.NEG: 7,
    Function.POW: 8,
}
_ATOM = 9
_LONGEST_FACTORIAL = 4
_Item = TypeVar("_Item")
#: Most names, numbers or arguments of a kind that are written out.
_MOST_LISTED = 40


def format_number(value: float) -> str:
    """A number as short as possible, exact enough to be read back."""
    text = f"{value:.12g}"
    return text if float(text) == value else repr(float(value))


def shorten(items: Sequence[_Item]) -> list[_Item | None]:
    """The items; of very many the first three and the last, `None` between them."""
    if len(items) <= _MOST_LISTED:
        return list(items)
    return [*items[:3], None, items[-1]]


def format_lattice(lattice: Lattice) -> str:
    """The lattice as the language writes it."""
    if lattice.links is not None:
        return f"graph of {lattice.sites} sites"
    kind = "chain" if len(lattice.shape) == 1 else "grid"
    boundaries = [boundary.value for boundary in lattice.boundary]
    both = boundaries[0] if len({*boundaries}) == 1 else f"({', '.join(boundaries)})"
    text = f"{kind}({', '.join(map(str, lattice.shape))}) boundary {both}"
    if lattice.spacing is not None:
        text += f" spacing {format_number(lattice.spacing)}"
    return text if lattice.kept is None else text + " with a mask"


def format_expression(
    expr: Expr, counts: Sequence[str], parameters: Sequence[str]
) -> str:
    """An expression in the user's names: `counts[slot]`, `parameters[index]`."""
    return _Writer(counts, parameters).write(expr)[0]


class _Writer:
    """Writes expressions with as few parentheses as the language needs."""

    def __init__(self, counts: Sequence[str], parameters: Sequence[str]) -> None:
        self.counts = counts
        self.parameters = parameters

    def write(self, expr: Expr) -> tuple[str, int]:
        """The text and how tightly its outermost operator binds."""
        match expr:
            case Number(value):
                text = format_number(value)
                return text, _BINDING[Function.NEG] if value < 0 else _ATOM
            case ParameterRef(index):
                return self.parameters[index], _ATOM
            case Count(slot):
                return self.counts[slot], _ATOM
            case Time():
                return "t", _ATOM
            case Call(function, arguments):
                return self.call(function, arguments)
            case OverSites():
                return self.over_sites(expr), _ATOM
            case SiteCounts() | SiteNumbers():
                raise ValueError("what differs between sites stands in sums only")

    def over_sites(self, expr: OverSites) -> str:
        """`sum(...)` of the values at every site, of very many sites at some."""
        parts = [
            "..." if site is None else self.write(at_site(expr.body, site))[0]
            for site in shorten(range(expr.sites))
        ]
        return f"{expr.function.value}({', '.join(parts)})"

    def call(self, function: Function, arguments: Sequence[Expr]) -> tuple[str, int]:
        if function in WHOLE_ORDER:
            return self.factorial(function, arguments)
        if function not in _BINDING:
            inside = ", ".join(self.write(argument)[0] for argument in arguments)
            return f"{function.value}({inside})", _ATOM
        binding = _BINDING[function]
        if function in (Function.NEG, Function.NOT):
            sign = "-" if function is Function.NEG else "not "
            return sign + self.inside(arguments[0], binding), binding
        is_power = function is Function.POW
        is_comparison = binding == _BINDING[Function.LT]
        left = self.inside(arguments[0], binding + (is_power or is_comparison))
        is_joined = is_power or _joins(function, arguments[1])
        right = self.inside(arguments[1], binding + (not is_joined))
        gap = "" if is_power else " "
        return f"{left}{gap}{function.value}{gap}{right}", binding

    def inside(self, expr: Expr, needed: int) -> str:
        """The text, in parentheses where its operator binds too loosely."""
        text, binding = self.write(expr)
        return text if binding >= needed else f"({text})"

    def factorial(
        self, function: Function, arguments: Sequence[Expr]
    ) -> tuple[str, int]:
        """`X*(X - 1)`, over a factorial for `binomial`."""
        base, order = arguments
        assert isinstance(order, Number)
        count = int(order.value)
        if not isinstance(base, Count) or not 1 <= count <= _LONGEST_FACTORIAL:
            text = f"{self.write(base)[0]}, {format_number(order.value)}"
            return f"{function.value}({text})", _ATOM
        name = self.counts[base.slot]
        text = "*".join([name, *(f"({name} - {j})" for j in range(1, count))])
        divisor = {1: 1, 2: 2, 3: 6, 4: 24}[count]
        if function is Function.BINOMIAL and divisor > 1:
            text += f"/{divisor}"
        return text, _BINDING[Function.MUL] if count > 1 else _ATOM


def _joins(function: Function, right: Expr) -> bool:
    """Whether a factorial is written into the product that it is the last factor of."""
    is_factorial = isinstance(right, Call) and right.function in WHOLE_ORDER
    return function is Function.MUL and is_factorial


def format_equation(reaction: Reaction, species: Sequence[str]) -> str:
    """`A + 2 B -> C`; species that are only read stand on both sides."""
    before: list[str] = []
    after: list[str] = []
    for variable, order, change in zip(
        reaction.variables, reaction.orders, reaction.net_change, strict=True
    ):
        for side, copies in ((before, order), (after, order + change)):
            if copies:
                side.append(("" if copies == 1 else f"{copies} ") + species[variable])
    return f"{' + '.join(before) or '0'} -> {' + '.join(after) or '0'}"


def format_initial(initial: Initial) -> str:
    """The start as the language writes it."""
    match initial:
        case Delta(count):
            return f"= {count}"
        case Poisson(mean):
            return f"~ poisson({format_number(mean)})"
        case Binomial(trials, probability):
            return f"~ binomial({trials}, {format_number(probability)})"
        case Table(weights):
            return f"~ table of 0..{len(weights) - 1}"
        case uniform:
            return f"~ uniform({uniform.low}, {uniform.high})"


def format_law(coefficients: Iterable[int], names: Sequence[str], total: int) -> str:
    """`A + 2 B = 3`."""
    pairs = zip(coefficients, names, strict=True)
    text = ""
    for pair in shorten([pair for pair in pairs if pair[0]]):
        if pair is None:
            text += " + ..."
            continue
        coefficient, name = pair
        sign = " - " if coefficient < 0 else " + "
        copies = "" if abs(coefficient) == 1 else f"{abs(coefficient)} "
        text += f"{sign if text or coefficient < 0 else ''}{copies}{name}"
    return f"{text.strip()} = {total}"


def format_pools(space: StateSpace) -> list[str]:
    """The conservation laws; of very many the first ones and the last."""
    return [
        "..."
        if i is None
        else format_law(space.laws[i].tolist(), space.names, int(space.totals[i]))
        for i in shorten(range(len(space.totals)))
    ]


def format_order(space: StateSpace, gap: str) -> str:
    """The variables in the order of prediction."""
    order: list[int] = space.order.tolist()
    names = [space.names[v] for v in order]
    return gap.join("..." if name is None else name for name in shorten(names))


def print_network(network: Network) -> str:
    """The network, one line a thing, sections in a fixed order."""
    species = [s.name for s in network.species]
    variables = network.variable_names()
    constants = [p.name for p in network.parameters]
    convention = network.massaction.value if network.massaction else "none"
    lines = [f"network {network.name} {network.title!r}", f"massaction {convention}"]
    if network.lattice is not None:
        lines.append(f"lattice {format_lattice(network.lattice)}")
    lines += map(_parameter, network.parameters)
    for kind in network.species:
        cap = "?" if kind.cap is None else str(kind.cap)
        place = " per site" if kind.is_per_site else ""
        start = format_initial(kind.initial)
        lines.append(f"species {kind.name} in 0..{cap}{place} {start}")
    for start in network.site_starts:
        name = variables[network.blocks()[start.species][start.site]]
        lines.append(f"init {name} {format_initial(start.initial)}")
    lines += [_reaction(r, species, constants) for r in network.reactions]
    for hop in network.hops:
        rate = format_expression(hop.rate, species, constants)
        lines.append(f"hop {hop.name}: {species[hop.species]}  rate {rate}")
    for change in network.count_changes:
        name = species[change.species]
        if change.site is not None:
            name = variables[network.blocks()[change.species][change.site]]
        local = [species[v] for v in change.reads]
        value = format_expression(change.value, local, constants)
        lines.append(f"event at {format_number(change.time)}: {name} = {value}")
    for observable in network.observables:
        value = format_expression(observable.value, variables, constants)
        lines.append(f"observe {observable.name} = {value}")
    for states in network.sets:
        condition = format_expression(states.condition, variables, constants)
        lines.append(f"set {states.name} = {condition}")
    lines += [_query(query, variables, constants) for query in network.queries]
    for solve in network.solves:
        settings = [f"{key} = {_setting(value)}" for key, value in solve.settings]
        lines.append(f"solve {solve.name} with {solve.engine}: {'; '.join(settings)}")
    return "\n".join(lines) + "\n"


def _parameter(parameter: Parameter) -> str:
    range_ = ""
    if parameter.low is not None and parameter.high is not None:
        ends = f"{format_number(parameter.low)}..{format_number(parameter.high)}"
        range_ = f" in {ends}{' log' if parameter.is_log else ''}"
    unit = f" [{parameter.unit}]" if parameter.unit is not None else ""
    value = format_number(parameter.value)
    if values := parameter.site_values:
        shown = [
            "..." if one is None else format_number(one) for one in shorten(values)
        ]
        value = f"[{', '.join(shown)}] per site"
    return f"param {parameter.name} = {value}{unit}{range_}"


def _reaction(
    reaction: Reaction, species: Sequence[str], constants: Sequence[str]
) -> str:
    local = [species[v] for v in reaction.variables]
    equation = format_equation(reaction, species)
    law = format_expression(reaction.propensity, local, constants)
    origin = "written out"
    if reaction.rate is not None:
        origin = f"@ {format_expression(reaction.rate, local, constants)}"
    return f"reaction {reaction.name}: {equation}  propensity {law}  ({origin})"


def _query(query: Query, names: Sequence[str], constants: Sequence[str]) -> str:
    if isinstance(query, PassageQuery):
        return f"query {query.name} = {_passage(query, names, constants)}"
    match query:
        case LogpQuery():
            pairs = zip(query.variables, query.counts, strict=True)
            what = "logp(" + ", ".join(f"{names[v]}={count}" for v, count in pairs)
        case DistQuery():
            what = "dist(" + ", ".join(names[v] for v in query.variables)
        case ProbQuery():
            what = "prob(" + format_expression(query.condition, names, constants)
        case ExpectQuery():
            what = "expect(" + format_expression(query.value, names, constants)
    if query.given is not None:
        what += f", given={format_expression(query.given, names, constants)}"
    return f"query {query.name} = {what}, at={_numbers(query.times)})"


def _passage(
    query: PassageQuery, names: Sequence[str], constants: Sequence[str]
) -> str:
    target = format_expression(query.target, names, constants)
    start = ""
    if query.start is not None:
        start = f"from={format_expression(query.start, names, constants)}"
    if query.kind != "hit":
        return f"{query.kind}({start}, to={target})"
    return f"hit({target}, {start + ', ' * bool(start)}by={_numbers(query.times)})"


def _setting(value: SettingValue) -> str:
    if isinstance(value, tuple):
        return _numbers(value)
    return value if isinstance(value, str) else format_number(value)


def _numbers(values: Iterable[float]) -> str:
    return "[" + ", ".join(map(format_number, values)) + "]"


def print_lowered(lowered: LoweredNetwork) -> str:
    """The lowered network, one line a thing, sections in a fixed order."""
    space, network = lowered.space, lowered.network
    lines = [f"lowered {network.name}"]
    starts = {(one.species, one.site): one.initial for one in network.site_starts}
    for i, block in enumerate(network.blocks()):
        for v in shorten(block):
            if v is None:
                lines.append("...")
                continue
            initial = starts.get((i, v - block[0]), network.species[i].initial)
            head = f"variable {v} {space.names[v]} in 0..{space.caps[v]}"
            lines.append(f"{head} {format_initial(initial)}")
    lines += [f"law {pool}" for pool in format_pools(space)]
    lines.append(f"order {format_order(space, ' ')}")
    box, states = format_whole(space.box_size()), format_whole(space.number_of_states())
    lines.append(f"box {box} states {states}")
    constants = [p.name for p in network.parameters]
    lines += [
        f"family {_family(family, space.names, constants)}"
        for family in lowered.families
    ]
    return "\n".join(lines) + "\n"


def _family(
    family: ChannelFamily, names: Sequence[str], constants: Sequence[str]
) -> str:
    variables: list[int] = family.variables[0].tolist()
    first = [names[v] for v in variables]
    changes = [
        f"{name}{change:+d}"
        for name, change in zip(first, family.net_change.tolist(), strict=True)
        if change
    ]
    law = format_expression(family.propensity, first, constants)
    instances = len(family.variables)
    times = f" x{instances}" if instances > 1 else ""
    return f"{family.name}{times}: {' '.join(changes)}  propensity {law}"


def format_whole(value: int) -> str:
    """A whole number with all its digits; one with very many as a power of ten."""
    is_huge = value.bit_length() >= sys.float_info.max_exp
    return format_size(value) if is_huge else str(value)


def format_size(states: int) -> str:
    """A number of states; one too large for a float as a power of ten."""
    if states.bit_length() < sys.float_info.max_exp:
        return f"{states:.6g}"
    return f"10^{states.bit_length() * math.log10(2):.0f}"
