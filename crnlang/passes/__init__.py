"""Network -> LoweredNetwork: the passes, in order."""

import numpy as np

from crnlang.diagnostics import Report, Span
from crnlang.ir.lowered import LoweredNetwork, StateSpace
from crnlang.ir.network import Network
from crnlang.passes.bounds import derive_bounds
from crnlang.passes.checks import check_propensities
from crnlang.passes.errors import Empty
from crnlang.passes.expand import expand_channels
from crnlang.passes.fold import fold_constants
from crnlang.passes.laws import find_laws
from crnlang.passes.merge import merge_families
from crnlang.passes.order import choose_order
from crnlang.passes.start import tabulate_start


def run_passes(network: Network, report: Report) -> LoweredNetwork:
    """What an engine needs of a network.

    Warnings go into the report. What stands at a place that the report calls unsound is
    a stand-in: nothing is said about it, nor what holds only because of it.

    Raises:
        CrnError: with everything reported so far, once there is an error among it.
    """
    if not network.species and not report.lacks("species"):
        start = Span(network.source, 0, 0)
        report.add(Empty(start, "species", "write one: `species X in 0..100 = 0`"))
    network = fold_constants(network)
    laws = find_laws(network)
    caps = derive_bounds(network, laws, report)
    initial = tabulate_start(network, caps, report)
    check_propensities(network, laws, caps, report)
    families = merge_families(expand_channels(network, report))
    report.stop_on_errors()
    space = StateSpace(
        names=tuple(species.name for species in network.species),
        caps=caps,
        laws=laws.coefficients,
        totals=laws.totals,
        order=choose_order(caps, laws.coefficients, families),
    )
    values = [parameter.value for parameter in network.parameters]
    parameters = np.array(values, dtype=np.float64)
    return LoweredNetwork(network, space, families, parameters, initial)
