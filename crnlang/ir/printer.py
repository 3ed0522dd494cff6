"""Both representations as text: stable, for reading and for golden files."""

import math
import sys
from collections.abc import Iterable, Sequence

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
from crnlang.ir.spelling import format_expression, format_number, shorten


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


def format_events(network: Network) -> list[str]:
    """The changes of copy numbers as the language writes them, a line each."""
    species = [kind.name for kind in network.species]
    constants = [parameter.name for parameter in network.parameters]
    names, blocks = network.variable_names(), network.blocks()
    lines: list[str] = []
    for change in network.count_changes:
        name = species[change.species]
        if change.site is not None:
            name = names[blocks[change.species][change.site]]
        local = [species[v] for v in change.reads]
        value = format_expression(change.value, local, constants)
        lines.append(f"event at {format_number(change.time)}: {name} = {value}")
    for trigger in network.triggers:
        changes = ", ".join(
            f"{names[i]} = {format_expression(value, names, constants)}"
            for i, value in zip(trigger.variables, trigger.values, strict=True)
        )
        condition = format_expression(trigger.condition, names, constants)
        lines.append(f"event when {condition}: {changes}")
    return lines


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
    lines += format_events(network)
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
