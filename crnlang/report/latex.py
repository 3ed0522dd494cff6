"""A network as a LaTeX fragment: tables, reactions with propensities, conserved pools.

The fragment needs the package amsmath and nothing else.
"""

from collections.abc import Iterable, Sequence

from crnlang.ir.lowered import LoweredNetwork, StateSpace
from crnlang.ir.network import (
    Binomial,
    Delta,
    Initial,
    Network,
    Parameter,
    Poisson,
    Reaction,
)
from crnlang.report.latex_math import (
    MathWriter,
    escape_latex,
    format_math_number,
    format_symbols,
)


def format_latex(lowered: LoweredNetwork) -> str:
    """The network as a fragment, for a document that uses the package amsmath."""
    network = lowered.network
    names = [*(s.name for s in network.species), *(p.name for p in network.parameters)]
    symbols = format_symbols(names, upright=len(network.species))
    species, constants = (
        symbols[: len(network.species)],
        symbols[len(network.species) :],
    )
    title = f": {escape_latex(network.title)}" if network.title else ""
    sections = [
        f"% {_comment(network.name)}: needs \\usepackage{{amsmath}}",
        f"\\paragraph{{{escape_latex(network.name)}{title}}}",
        _species_table(lowered, species),
        _parameter_table(network.parameters, constants) if constants else "",
        _channels(network, species, constants),
        _pools(lowered.space, species),
        "A channel is off where its firing would leave the bounds.",
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


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
    caps: list[int] = lowered.space.caps.tolist()
    dots = r"\dots"
    rows = [
        (
            f"${symbol}$",
            f"\\texttt{{{escape_latex(kind.name)}}}",
            f"${'0, 1' if cap == 1 else f'0, {dots}, {cap}' if cap else '0'}$",
            _start(kind.initial),
        )
        for kind, symbol, cap in zip(
            lowered.network.species, symbols, caps, strict=True
        )
    ]
    return _table("llll", ("species", "name", "bounds", "start"), rows)


def _start(initial: Initial) -> str:
    match initial:
        case Delta(count):
            return f"${count}$"
        case Poisson(mean):
            return f"$\\mathrm{{Poisson}}({format_math_number(mean)[0]})$"
        case Binomial(trials, probability):
            law = f"{trials}, {format_math_number(probability)[0]}"
            return f"$\\mathrm{{Binomial}}({law})$"
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
                f"${format_math_number(parameter.value)[0]}$",
                escape_latex(parameter.unit or ""),
                range_,
            )
        )
    head = ("constant", "name", "value", "unit", "range")
    kept = [i for i in range(len(head)) if i < 3 or any(row[i] for row in rows)]
    chosen = [[row[i] for i in kept] for row in rows]
    return _table("l" * len(kept), [head[i] for i in kept], chosen)


def _channels(
    network: Network, species: Sequence[str], constants: Sequence[str]
) -> str:
    """A row a channel: its name, what it does, its propensity."""
    rows: list[str] = []
    for reaction in network.reactions:
        before, after = _sides(reaction, species)
        local = [species[v] for v in reaction.variables]
        law = MathWriter(local, constants).text(reaction.propensity)
        name = f"\\text{{\\texttt{{{escape_latex(reaction.name)}}}}}"
        rows.append(f"&{name}\\colon & {before} &\\longrightarrow {after} && {law}")
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


def _pools(space: StateSpace, species: Sequence[str]) -> str:
    """The conservation laws with their totals; nothing where there are none."""
    rows: list[str] = []
    for law, total in zip(space.laws.tolist(), space.totals.tolist(), strict=True):
        text = ""
        for coefficient, symbol in zip(law, species, strict=True):
            if coefficient:
                sign = " - " if coefficient < 0 else " + " if text else ""
                text += sign + _copies(abs(coefficient), symbol)
        rows.append(f"{text.strip()} &= {total}")
    if not rows:
        return ""
    body = " \\\\\n".join(rows)
    return f"Conserved:\n\\begin{{align*}}\n{body}\n\\end{{align*}}"
