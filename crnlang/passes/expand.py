"""Network -> channel families: one instance each, as long as there is one site."""

import numpy as np

from crnlang.diagnostics import Report
from crnlang.ir.lowered import ChannelFamily
from crnlang.ir.network import Network, Reaction
from crnlang.passes.errors import Empty, NoChange


def expand_channels(network: Network, report: Report) -> tuple[ChannelFamily, ...]:
    """One family a reaction; reactions without net change are reported and left out."""
    families: list[ChannelFamily] = []
    for reaction in network.reactions:
        if any(reaction.net_change):
            families.append(_family(reaction))
        elif report.is_sound(reaction.span):
            report.add(NoChange(reaction.span, reaction.name))
        else:
            report.leave_out("reactions")
    if not families and network.species and not report.lacks("reactions"):
        fix = "write one below: `0 -> X @ k`"
        what = "reaction that changes anything" if network.reactions else "reactions"
        report.add(Empty(network.species[-1].span, what, fix))
    return tuple(families)


def _family(reaction: Reaction) -> ChannelFamily:
    return ChannelFamily(
        name=reaction.name,
        reactions=(reaction.name,),
        variables=np.array([reaction.variables], dtype=np.int64),
        net_change=np.array(reaction.net_change, dtype=np.int64),
        propensity=reaction.propensity,
        span=reaction.span,
    )
