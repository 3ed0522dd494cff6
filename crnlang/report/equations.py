"""A model as rows of a page: reactions and laws as MathML, species, parameters."""

from dataclasses import dataclass

from markupsafe import Markup

from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import Network
from crnlang.ir.printer import format_initial, format_lattice
from crnlang.ir.spelling import format_number
from crnlang.report.latex import channel_rows, network_symbols, pool_rows
from crnlang.report.mathml import to_mathml

#: More reactions, species or parameters than this are counted, not shown.
MOST_ROWS = 400

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Equation:
    """One channel: its name, what it does, its propensity."""

    name: str
    equation: Markup
    law: Markup


@dataclass(frozen=True, slots=True)
class ModelRows:
    """Everything that a page says of a model; `left_out` channels are not shown."""

    lattice: str
    channels: tuple[Equation, ...]
    left_out: int
    pools: tuple[Row, ...]
    species: tuple[Row, ...]
    parameters: tuple[Row, ...]


def model_rows(lowered: LoweredNetwork) -> ModelRows:
    """The rows of a model, the formulas in them as MathML."""
    network = lowered.network
    rows = channel_rows(network)
    return ModelRows(
        lattice="" if network.lattice is None else format_lattice(network.lattice),
        channels=tuple(
            Equation(
                row.name,
                _formula(f"{row.before} \\; \\longrightarrow \\; {row.after}"),
                _formula(row.law),
            )
            for row in rows[:MOST_ROWS]
        ),
        left_out=max(len(rows) - MOST_ROWS, 0),
        pools=tuple((_formula(row.replace("&", "")),) for row in pool_rows(lowered)),
        species=_species(lowered),
        parameters=_parameters(network),
    )


def _formula(latex: str) -> Markup:
    """MathML that a template may take as it is: `to_mathml` has escaped all text."""
    return Markup(to_mathml(latex))


def _species(lowered: LoweredNetwork) -> tuple[Row, ...]:
    network = lowered.network
    symbols, _ = network_symbols(network)
    blocks = network.blocks()
    rows: list[Row] = []
    for kind, symbol, block in zip(network.species, symbols, blocks, strict=True):
        bounds = f"0 … {lowered.space.caps[block[0]]}{' per site' * kind.is_per_site}"
        start = format_initial(kind.initial)
        rows.append((_formula(symbol), kind.name, bounds, start))
    for start in network.site_starts:
        name = lowered.space.names[blocks[start.species][start.site]]
        rows.append(("", name, "", format_initial(start.initial)))
    return _shortened(rows)


def _parameters(network: Network) -> tuple[Row, ...]:
    _, symbols = network_symbols(network)
    rows: list[Row] = [
        (
            _formula(symbol),
            one.name,
            "per site" if one.site_values else format_number(one.value),
            one.unit or "",
        )
        for one, symbol in zip(network.parameters, symbols, strict=True)
    ]
    return _shortened(rows)


def _shortened(rows: list[Row]) -> tuple[Row, ...]:
    """The first rows, and how many there are besides."""
    more = len(rows) - MOST_ROWS
    if more <= 0:
        return tuple(rows)
    return (*rows[:MOST_ROWS], ("", f"and {more} more", "", ""))
