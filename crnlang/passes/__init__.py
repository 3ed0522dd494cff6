"""Network -> LoweredNetwork: the passes, in order."""

import numpy as np

from crnlang.diagnostics import Report, Span
from crnlang.ir.lowered import LoweredNetwork, StateSpace
from crnlang.ir.network import Network
from crnlang.passes.bounds import derive_bounds
from crnlang.passes.checks import (
    check_jumps,
    check_propensities,
    check_triggers,
    horizon_of,
)
from crnlang.passes.errors import Empty
from crnlang.passes.expand import expand_channels, expand_jumps
from crnlang.passes.fold import fold_constants
from crnlang.passes.laws import Laws, expand_laws, find_laws
from crnlang.passes.leak import warn_of_leak
from crnlang.passes.merge import merge_families
from crnlang.passes.order import choose_order
from crnlang.passes.questions import check_questions
from crnlang.passes.start import tabulate_start


def run_passes(
    network: Network, report: Report, laws: Laws | None = None
) -> LoweredNetwork:
    """What an engine needs of a network; with its `laws`, where they are known already.

    Warnings go into the report. What stands at a place that the report calls unsound is
    a stand-in: nothing is said about it, nor what holds only because of it.

    Raises:
        CrnError: with everything reported so far, once there is an error among it.
    """
    if not network.species and not report.lacks("species"):
        start = Span(network.source, 0, 0)
        report.add(Empty(start, "species", "write one: `species X in 0..100 = 0`"))
    network = fold_constants(network)
    laws = laws or find_laws(network, report)
    caps = derive_bounds(network, laws, report)
    initial = tabulate_start(network, caps, report)
    check_propensities(network, laws, caps, report)
    check_jumps(network, laws, caps, report)
    check_triggers(network, laws, caps, report)
    check_questions(network, laws, caps, report)
    families = merge_families(expand_channels(network, report))
    report.stop_on_errors()
    warn_of_leak(network, caps, horizon_of(network, report), report)
    rows, totals = expand_laws(network, laws, report)
    blocks = network.blocks()
    space = StateSpace(
        names=network.variable_names(),
        caps=np.repeat(caps, [len(block) for block in blocks]),
        laws=rows,
        totals=totals,
        order=choose_order(network, caps, laws),
    )
    values = [parameter.value for parameter in network.parameters]
    return LoweredNetwork(
        network,
        space,
        families,
        np.array(values, dtype=np.float64),
        initial,
        {
            i: np.array(parameter.site_values)
            for i, parameter in enumerate(network.parameters)
            if parameter.site_values
        },
        expand_jumps(network),
    )
