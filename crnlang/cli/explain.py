"""`crnc explain`: what a file means, in the user's own names."""

from pathlib import Path

import click

from crnlang.cli.examples import examples
from crnlang.cli.files import compile_and_warn, file_argument
from crnlang.ir.expr import Count, Function, call
from crnlang.ir.lowered import LoweredNetwork, StateSpace
from crnlang.ir.network import Network
from crnlang.ir.printer import (
    format_equation,
    format_events,
    format_initial,
    format_lattice,
    format_order,
    format_pools,
    format_size,
)
from crnlang.ir.spelling import format_expression
from crnlang.passes.totals import add_totals
from crnlang.report.latex import format_latex

#: More states than this and the exact engine is not offered.
FSP_STATES = 2_000_000


@click.command(
    epilog=examples(
        "crnc explain examples/toggle_switch.crn",
        "crnc explain examples/toggle_switch.crn --latex",
    )
)
@file_argument
@click.option(
    "--latex",
    is_flag=True,
    help="Print species, channels and pools as LaTeX instead; needs only amsmath.",
)
def explain(file: Path, latex: bool) -> None:
    """Show the propensities, the conserved pools, the states, the engines.

    This is what the compiler has understood: read it before you solve a model for the
    first time. Conserved pools and the number of states say which engines can run it.
    With `--latex` it is a fragment for a paper.
    """
    lowered = compile_and_warn(file).lowered
    click.echo(format_latex(lowered) if latex else explanation(lowered), nl=False)


def explanation(lowered: LoweredNetwork) -> str:
    """The network in words and tables, for the user who wrote it."""
    network = lowered.network
    states = lowered.space.number_of_states()
    lines = [f"{network.name}: {network.title}" if network.title else network.name]
    for title, rows in (
        ("Lattice", _lattice(network)),
        ("Species", _species(lowered)),
        ("Channels", _channels(network)),
        ("Events", format_events(network)),
        ("Conserved", _pools(lowered.space)),
        ("States", _states(lowered, states)),
        ("Engines", _engines(network, states)),
    ):
        if rows:
            lines += ["", title, *(f"  {row}" for row in rows)]
    return "\n".join(lines) + "\n"


def _species(lowered: LoweredNetwork) -> list[str]:
    rows: list[tuple[str, ...]] = []
    network = lowered.network
    for kind, block in zip(network.species, network.blocks(), strict=True):
        origin = "" if kind.cap is not None else "(cap from a conservation law)"
        box = f"0..{lowered.space.caps[block[0]]}{' per site' * kind.is_per_site}"
        rows.append((kind.name, box, format_initial(kind.initial), origin))
    for start in network.site_starts:
        name = lowered.space.names[network.blocks()[start.species][start.site]]
        rows.append((name, "", format_initial(start.initial), ""))
    return _aligned(rows)


def _lattice(network: Network) -> list[str]:
    if network.lattice is None:
        return []
    edges = len(network.lattice.directed_edges())
    shape = format_lattice(network.lattice)
    return [f"{shape}: {network.sites} sites, {edges} directed edges"]


def _channels(network: Network) -> list[str]:
    species = [s.name for s in network.species]
    constants = [p.name for p in network.parameters]
    rows: list[tuple[str, ...]] = []
    for reaction in network.reactions:
        local = [species[v] for v in reaction.variables]
        law = format_expression(reaction.propensity, local, constants)
        is_everywhere = any(network.species[v].is_per_site for v in reaction.variables)
        where = "at every site" if is_everywhere and network.sites > 1 else ""
        equation = format_equation(reaction, species)
        rows.append((f"{reaction.name}:", equation, law, where))
    for hop in network.hops:
        name = species[hop.species]
        flux = call(Function.MUL, hop.rate, Count(0))
        law = format_expression(flux, [name], constants)
        equation = f"{name} -> {name} next door"
        rows.append((f"{hop.name}:", equation, law, "along every directed edge"))
    return _aligned(rows)


def _pools(space: StateSpace) -> list[str]:
    return format_pools(space) or ["nothing with a fixed total"]


def _states(lowered: LoweredNetwork, states: int) -> list[str]:
    space = lowered.space
    order = format_order(add_totals(lowered).lowered.space, ", ")
    return [
        f"box: {format_size(space.box_size())}",
        f"within the conservation laws: {format_size(states)}",
        f"order of prediction: {order}",
        f"channel families: {len(lowered.families)} "
        f"(channels of equal net change are one)",
        "a channel is off where its firing would leave the box",
    ]


def _engines(network: Network, states: int) -> list[str]:
    if states <= FSP_STATES:
        fsp = f"fsp: yes, {states} states"
    else:
        fsp = f"fsp: no, {format_size(states)} states are more than {FSP_STATES}"
    has_jumps = bool(network.count_changes or network.triggers)
    neural = "no, events change copy numbers" if has_jumps else "yes"
    followed = [f"{name}: {neural}" for name in ("tdvp", "natgrad", "adam")]
    waits = "no, events wait for a condition"
    ode = waits if network.triggers else "yes, means only"
    return [*followed, "ssa: yes", "we: yes", f"ode: {ode}", fsp]


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
