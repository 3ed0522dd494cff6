"""Network, caps -> warnings: caps that the rate equations leave behind.

The rate equations know of no caps. Where they take a species beyond its cap, a large
part of the law is stopped there, whatever the engine. They are followed roughly, and
only as far as a few hundred evaluations lead: no warning is no proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from crnlang.diagnostics import Report
from crnlang.ir.evaluate import evaluate, with_float64
from crnlang.ir.expr import Expr, depends_on_time
from crnlang.ir.network import (
    Binomial,
    Delta,
    Initial,
    Network,
    Poisson,
    Uniform,
)
from crnlang.passes.errors import CapTooLow

#: Most propensities that are evaluated, and most reactions of a network looked at.
MAX_EVALUATIONS, MAX_REACTIONS = 600, 60
#: A step changes no count by more than this share of it.
STEP = 0.25
#: Where no count would change by more than this share until the end, that is the end.
SETTLED = 1e-3
#: A cap is left behind where it is passed by this share of it.
MARGIN = 0.1
#: Caps below this are switches: that a firing stops there is their purpose.
SMALLEST_CAP = 2


@dataclass(frozen=True, slots=True)
class _Passed:
    """A species beyond its cap, and when."""

    species: int
    count: float
    time: float


def warn_of_leak(
    network: Network,
    caps: Int[np.ndarray, " species"],
    horizon: float,
    report: Report,
) -> None:
    """Report the first species that the rate equations take beyond its cap.

    On a lattice they are those of one site with the mean of the parameters; a network
    with species for the whole lattice beside others is not looked at.
    """
    kinds = {species.is_per_site for species in network.species}
    few = 0 < len(network.reactions) <= MAX_REACTIONS
    if len(kinds) != 1 or not few or network.count_changes or network.triggers:
        return
    with np.errstate(all="ignore"):  # what is no number leads no further
        passed = _follow(network, caps, horizon)
    if passed is not None:
        species, cap = network.species[passed.species], int(caps[passed.species])
        enough = int(np.ceil(passed.count + 5 * np.sqrt(passed.count)))
        shown = (f"{passed.count:.3g}", f"{passed.time:.3g}")
        report.add(CapTooLow(species.span, species.name, cap, *shown, enough))


def _follow(
    network: Network, caps: Int[np.ndarray, " species"], horizon: float
) -> _Passed | None:
    counts = np.array([_mean(species.initial) for species in network.species])
    constants = [
        np.float64(np.mean(one.site_values) if one.site_values else one.value)
        for one in network.parameters
    ]
    flows = [
        _Flow(
            list(one.variables),
            np.array(one.net_change, np.int64),
            with_float64(one.propensity),
        )
        for one in network.reactions
    ]
    limits = np.where(caps < SMALLEST_CAP, np.inf, caps * (1 + MARGIN) + 1)
    varies = any(depends_on_time(one.propensity) for one in network.reactions)
    time = 0.0
    for _ in range(MAX_EVALUATIONS // len(network.reactions)):
        slope = _slope(flows, counts, constants, np.float64(time))
        speed = np.abs(slope) / np.maximum(counts, 1)
        step = min(STEP / max(float(speed.max()), 1e-300), horizon / 20, horizon - time)
        is_settled = not varies and float(speed.max()) * horizon < SETTLED
        if is_settled or not np.isfinite(step) or step <= 0:
            return None
        counts = np.maximum(counts + step * slope, 0)
        time += step
        if (counts > limits).any():
            worst = int(np.argmax(counts / limits))
            return _Passed(worst, float(counts[worst]), time)
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Flow:
    """A reaction, its propensity ready to be evaluated very often."""

    variables: list[int]
    net_change: Int[np.ndarray, " width"]
    propensity: Expr


def _slope(
    flows: Sequence[_Flow],
    counts: Float[np.ndarray, " species"],
    constants: Sequence[np.float64],
    time: np.float64,
) -> Float[np.ndarray, " species"]:
    """The rate equations; what has no value, or a negative one, stands still."""
    slope = np.zeros_like(counts)
    for flow in flows:
        local = counts[flow.variables]
        value = float(evaluate(flow.propensity, list(local), constants, time, np))
        if 0 < value < np.inf:
            slope[flow.variables] += value * flow.net_change
    return slope


def _mean(initial: Initial) -> float:
    match initial:
        case Delta(count):
            return float(count)
        case Poisson(mean):
            return mean
        case Binomial(trials, probability):
            return trials * probability
        case Uniform(low, high):
            return (low + high) / 2
        case table:
            return float(np.arange(len(table.weights)) @ np.array(table.weights))
