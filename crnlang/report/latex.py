"""A network as a LaTeX fragment: tables, reactions with propensities, conserved pools.

The fragment needs the package amsmath and nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crnlang.ir.expr import Count, Function, call
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import (
    Binomial,
    Delta,
    Initial,
    Network,
    Parameter,
    Poisson,
    Reaction,
    Species,
    Table,
)
from crnlang.ir.printer import format_lattice
from crnlang.ir.spelling import shorten
from crnlang.report.latex_math import (
    MathWriter,
    escape_latex,
    format_math_number,
    format_symbols,
)


def format_latex(lowered: LoweredNetwork) -> str:
    """The network as a fragment, for a document that uses the package amsmath."""
    network = lowered.network
    species, constants = network_symbols(network)
    title = f": {escape_latex(network.title)}" if network.title else ""
    sections = [
        f"% {_comment(network.name)}: needs \\usepackage{{amsmath}}",
        f"\\paragraph{{{escape_latex(network.name)}{title}}}",
        _lattice(network),
        _species_table(lowered, species),
        _parameter_table(network.parameters, constants) if constants else "",
        _channels(network),
        _pools(lowered),
        "A channel is off where its firing would leave the bounds.",
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def network_symbols(network: Network) -> tuple[list[str], list[str]]:
    """The symbols of the species, upright, and of the parameters."""
    names = [*(s.name for s in network.species), *(p.name for p in network.parameters)]
    symbols = format_symbols(names, upright=len(network.species))
    return symbols[: len(network.species)], symbols[len(network.species) :]


def _pool(law: Sequence[int], symbols: Sequence[str]) -> str:
    """The left side of a conservation law."""
    text = ""
    for term in shorten([(c, s) for c, s in zip(law, symbols, strict=True) if c]):
        if term is None:
            text += r" + \dots"
            continue
        coefficient, symbol = term
        sign = " - " if coefficient < 0 else " + " if text else ""
        text += sign + _copies(abs(coefficient), symbol)
    return text.strip()


def _lattice(network: Network) -> str:
    """What the sites are; nothing without a lattice."""
    if network.lattice is None:
        return ""
    shape = escape_latex(format_lattice(network.lattice))
    return f"Reactions happen at every site of the lattice \\texttt{{{shape}}}."


def _comment(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _table(columns: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" & ".join(row) + r" \\" for row in rows]
    return "\n".join(
        [
            "\\begin{center}",
            f"\\begin{{tabular}}{{{columns}}}",
            " & ".join(head) + r" \\",
            "\\hline",
            *lines,
            "\\end{tabular}",
            "\\end{center}",
        ]
    )


def _species_table(lowered: LoweredNetwork, symbols: Sequence[str]) -> str:
    network = lowered.network
    blocks = network.blocks()
    rows = [
        (
            f"${symbol}$",
            f"\\texttt{{{escape_latex(kind.name)}}}",
            _bounds(kind, int(lowered.space.caps[block[0]])),
            _start(kind.initial),
        )
        for kind, symbol, block in zip(network.species, symbols, blocks, strict=True)
    ]
    names = lowered.space.names
    rows += [
        ("", f"\\texttt{{{escape_latex(names[v])}}}", "", _start(start.initial))
        for start in network.site_starts
        for v in [blocks[start.species][start.site]]
    ]
    return _table("llll", ("species", "name", "bounds", "start"), rows)


def _bounds(kind: Species, cap: int) -> str:
    dots = r"\dots"
    counts = "0, 1" if cap == 1 else f"0, {dots}, {cap}" if cap else "0"
    return f"${counts}$" + " per site" * kind.is_per_site


def _start(initial: Initial) -> str:
    match initial:
        case Delta(count):
            return f"${count}$"
        case Poisson(mean):
            return f"$\\mathrm{{Poisson}}({format_math_number(mean)[0]})$"
        case Binomial(trials, probability):
            law = f"{trials}, {format_math_number(probability)[0]}"
            return f"$\\mathrm{{Binomial}}({law})$"
        case Table(weights):
            return f"table of $0, \\dots, {len(weights) - 1}$"
        case uniform:
            return f"$\\mathrm{{Uniform}}\\{{{uniform.low}, \\dots, {uniform.high}\\}}$"


def _parameter_table(parameters: Sequence[Parameter], symbols: Sequence[str]) -> str:
    rows: list[tuple[str, ...]] = []
    for parameter, symbol in zip(parameters, symbols, strict=True):
        range_ = ""
        if parameter.low is not None and parameter.high is not None:
            low, high = (
                format_math_number(parameter.low)[0],
                format_math_number(parameter.high)[0],
            )
            range_ = f"$[{low}, {high}]${' (log)' if parameter.is_log else ''}"
        rows.append(
            (
                f"${symbol}$",
                f"\\texttt{{{escape_latex(parameter.name)}}}",
                "per site"
                if parameter.site_values
                else f"${format_math_number(parameter.value)[0]}$",
                escape_latex(parameter.unit or ""),
                range_,
            )
        )
    head = ("constant", "name", "value", "unit", "range")
    kept = [i for i in range(len(head)) if i < 3 or any(row[i] for row in rows)]
    chosen = [[row[i] for i in kept] for row in rows]
    return _table("l" * len(kept), [head[i] for i in kept], chosen)


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel: its name, and in math both sides and the propensity."""

    name: str
    before: str
    after: str
    law: str


def channel_rows(network: Network) -> list[ChannelRow]:
    """The reactions, then the hops, in the order of the file."""
    species, constants = network_symbols(network)
    rows: list[ChannelRow] = []
    for reaction in network.reactions:
        before, after = _sides(reaction, species)
        local = [species[v] for v in reaction.variables]
        law = MathWriter(local, constants).text(reaction.propensity)
        rows.append(ChannelRow(reaction.name, before, after, law))
    for hop in network.hops:
        symbol = species[hop.species]
        flux = call(Function.MUL, hop.rate, Count(0))
        law = MathWriter([symbol], constants).text(flux)
        after = f"{symbol} \\text{{ next door}}"
        rows.append(ChannelRow(hop.name, symbol, after, law))
    return rows


def _channels(network: Network) -> str:
    """A row a channel: its name, what it does, its propensity."""
    rows: list[str] = []
    for row in channel_rows(network):
        name = f"\\text{{\\texttt{{{escape_latex(row.name)}}}}}"
        sides = f"{row.before} &\\longrightarrow {row.after}"
        rows.append(f"&{name}\\colon & {sides} && {row.law}")
    body = " \\\\\n".join(rows)
    return f"{{\\allowdisplaybreaks\n\\begin{{align*}}\n{body}\n\\end{{align*}}}}"


def _sides(reaction: Reaction, species: Sequence[str]) -> tuple[str, str]:
    """Both sides of a reaction; the empty one is the sign for the empty set."""
    before: list[str] = []
    after: list[str] = []
    for variable, order, change in zip(
        reaction.variables, reaction.orders, reaction.net_change, strict=True
    ):
        for side, copies in ((before, order), (after, order + change)):
            if copies:
                side.append(_copies(copies, species[variable]))
    return " + ".join(before) or r"\emptyset", " + ".join(after) or r"\emptyset"


def _copies(copies: int, symbol: str) -> str:
    return symbol if copies == 1 else f"{copies} \\, {symbol}"


def pool_rows(lowered: LoweredNetwork) -> list[str]:
    """The conservation laws with their totals, in math; of very many some."""
    space, network = lowered.space, lowered.network
    species, _ = network_symbols(network)
    symbols = [
        symbol + name.removeprefix(kind.name)
        for symbol, kind, block in zip(
            species, network.species, network.blocks(), strict=True
        )
        for name in space.names[block.start : block.stop]
    ]
    return [
        r"\dots"
        if place is None
        else f"{_pool(space.laws[place].tolist(), symbols)} &= {space.totals[place]}"
        for place in shorten(range(len(space.totals)))
    ]


def _pools(lowered: LoweredNetwork) -> str:
    """The conservation laws with their totals; nothing where there are none."""
    rows = pool_rows(lowered)
    if not rows:
        return ""
    body = " \\\\\n".join(rows)
    return f"Conserved:\n\\begin{{align*}}\n{body}\n\\end{{align*}}"
