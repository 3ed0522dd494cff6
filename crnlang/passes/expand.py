"""Network -> channel families: a reaction at every site, a hop along every edge."""

import numpy as np
from jaxtyping import Int

from crnlang.diagnostics import Report
from crnlang.ir.expr import Count, Function, call
from crnlang.ir.lowered import ChannelFamily, Jump
from crnlang.ir.network import Hop, Network, Reaction
from crnlang.passes.errors import Empty, NoChange


def expand_channels(network: Network, report: Report) -> tuple[ChannelFamily, ...]:
    """One family a reaction and a hop; reactions without net change are left out.

    Such reactions are reported.
    """
    families: list[ChannelFamily] = []
    blocks = network.blocks()
    for reaction in network.reactions:
        if any(reaction.net_change):
            families.append(_family(reaction, network, blocks))
        elif report.is_sound(reaction.span):
            report.add(NoChange(reaction.span, reaction.name))
        else:
            report.leave_out("reactions")
    families += _hops(network, blocks)
    is_empty = not families and not network.hops
    if is_empty and network.species and not report.lacks("reactions"):
        fix = "write one below: `0 -> X @ k`"
        what = "reaction that changes anything" if network.reactions else "reactions"
        report.add(Empty(network.species[-1].span, what, fix))
    return tuple(families)


def expand_jumps(network: Network) -> tuple[Jump, ...]:
    """Every change of copy numbers, at its sites."""
    blocks = network.blocks()
    found: list[Jump] = []
    for change in network.count_changes:
        block = blocks[change.species]
        sites = np.arange(len(block))
        if change.site is not None:
            sites = np.array([change.site])
        columns = [_column(blocks[v], network.sites)[sites] for v in change.reads]
        table = np.array(columns, dtype=np.int64).reshape(len(columns), len(sites))
        found.append(
            Jump(change.time, block.start + sites, table.T, sites, change.value)
        )
    return tuple(found)


def _family(reaction: Reaction, network: Network, blocks: list[range]) -> ChannelFamily:
    """The reaction at every site; once where none of its species is per site."""
    is_everywhere = any(network.species[v].is_per_site for v in reaction.variables)
    sites = np.arange(network.sites if is_everywhere else 1)
    columns = [_column(blocks[v], len(sites)) for v in reaction.variables]
    table = np.array(columns, dtype=np.int64).reshape(len(columns), len(sites))
    return ChannelFamily(
        name=reaction.name,
        reactions=(reaction.name,),
        variables=table.T,
        sites=sites,
        net_change=np.array(reaction.net_change, dtype=np.int64),
        propensity=reaction.propensity,
        span=reaction.span,
    )


def _column(block: range, sites: int) -> Int[np.ndarray, " sites"]:
    """The variable of a species at each site; the same where it has only one."""
    if len(block) == 1:  # much faster than below
        return np.full(sites, block.start)
    return np.broadcast_to(np.arange(block.start, block.stop), sites)


def _hops(network: Network, blocks: list[range]) -> list[ChannelFamily]:
    """Every hop along every directed edge; none where there are no edges."""
    if network.lattice is None:
        return []
    edges = network.lattice.directed_edges()
    return [_hop(hop, edges, blocks) for hop in network.hops if len(edges)]


def _hop(
    hop: Hop, edges: Int[np.ndarray, "edges 2"], blocks: list[range]
) -> ChannelFamily:
    return ChannelFamily(
        name=hop.name,
        reactions=(hop.name,),
        variables=edges + blocks[hop.species].start,
        sites=edges[:, 0],
        net_change=np.array([-1, 1], dtype=np.int64),
        propensity=call(Function.MUL, hop.rate, Count(0)),
        span=hop.span,
    )
