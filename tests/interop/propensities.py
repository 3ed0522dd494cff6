"""Propensities of a network at one state, and networks, for tests of every format."""

from dataclasses import replace

from crnlang.diagnostics import Report
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.network import Delta
from crnlang.passes.declare import declare_caps
from crnlang.passes.laws import find_laws


def rates(network, counts, t=0.0):
    """The propensity of each channel by name."""
    values = [one.value for one in network.parameters]
    return {
        one.name: float(
            evaluate_float64(
                one.propensity, [float(counts[v]) for v in one.variables], values, t
            )
        )
        for one in network.reactions
    }


def fires(network, counts, t):
    """The propensities as an engine sees them: off where too little is there."""
    found = rates(network, counts, t)
    for one in network.reactions:
        left = [
            counts[v] + c for v, c in zip(one.variables, one.net_change, strict=True)
        ]
        if min(left) < 0:
            found[one.name] = 0.0
    return found


def fixed(network):
    """The same network with fixed starts."""
    kinds = tuple(replace(one, initial=Delta(1)) for one in network.species)
    return replace(network, species=kinds)


def capped(network, caps):
    """The same network with caps by name, `""` for all that nothing else limits."""
    laws = find_laws(network, Report())
    return declare_caps(network, laws, caps, caps.get(""))[0]
