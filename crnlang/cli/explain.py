"""`crnc explain`: what a file means, in the user's own names."""

from pathlib import Path

import click

from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.ir.lowered import LoweredNetwork, StateSpace
from crnlang.ir.network import Network
from crnlang.ir.printer import (
    format_equation,
    format_expression,
    format_initial,
    format_law,
    format_size,
)
from crnlang.report.latex import format_latex

#: More states than this and the exact engine is not offered.
FSP_STATES = 2_000_000


@click.command()
@file_argument
@click.option(
    "--latex",
    is_flag=True,
    help="Print species, channels and pools as LaTeX instead; needs only amsmath.",
)
def explain(file: Path, latex: bool) -> None:
    """Show the propensities, the conserved pools, the states, the engines."""
    lowered = compile_and_warn(file).lowered
    click.echo(format_latex(lowered) if latex else explanation(lowered), nl=False)


def explanation(lowered: LoweredNetwork) -> str:
    """The network in words and tables, for the user who wrote it."""
    network = lowered.network
    states = lowered.space.number_of_states()
    lines = [f"{network.name}: {network.title}" if network.title else network.name]
    for title, rows in (
        ("Species", _species(lowered)),
        ("Channels", _channels(network)),
        ("Conserved", _pools(lowered.space)),
        ("States", _states(lowered, states)),
        ("Engines", _engines(states)),
    ):
        lines += ["", title, *(f"  {row}" for row in rows)]
    return "\n".join(lines) + "\n"


def _species(lowered: LoweredNetwork) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for kind, cap in zip(lowered.network.species, lowered.space.caps, strict=True):
        origin = "" if kind.cap is not None else "(cap from a conservation law)"
        rows.append((kind.name, f"0..{cap}", format_initial(kind.initial), origin))
    return _aligned(rows)


def _channels(network: Network) -> list[str]:
    species = [s.name for s in network.species]
    constants = [p.name for p in network.parameters]
    rows: list[tuple[str, ...]] = []
    for reaction in network.reactions:
        local = [species[v] for v in reaction.variables]
        law = format_expression(reaction.propensity, local, constants)
        rows.append((f"{reaction.name}:", format_equation(reaction, species), law))
    return _aligned(rows)


def _pools(space: StateSpace) -> list[str]:
    pools = [
        format_law(law, space.names, total)
        for law, total in zip(space.laws.tolist(), space.totals.tolist(), strict=True)
    ]
    return pools or ["nothing with a fixed total"]


def _states(lowered: LoweredNetwork, states: int) -> list[str]:
    space = lowered.space
    order = ", ".join(space.names[v] for v in space.order)
    return [
        f"box: {format_size(space.box_size())}",
        f"within the conservation laws: {format_size(states)}",
        f"order of prediction: {order}",
        f"channel families: {len(lowered.families)} "
        f"(channels of equal net change are one)",
        "a channel is off where its firing would leave the box",
    ]


def _engines(states: int) -> list[str]:
    if states <= FSP_STATES:
        fsp = f"fsp: yes, {states} states"
    else:
        fsp = f"fsp: no, {format_size(states)} states are more than {FSP_STATES}"
    return ["tdvp: yes", "natgrad: yes", "ssa: yes", fsp]


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
