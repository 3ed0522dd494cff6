"""Network -> initial laws: the law of every species at the start, over 0..cap."""

import math

import numpy as np
from jaxtyping import Float, Int

from crnlang.diagnostics import Report, Span
from crnlang.ir.network import (
    Binomial,
    Delta,
    Initial,
    Network,
    Poisson,
    Species,
    Table,
)
from crnlang.passes.errors import StartCut, StartOutside

#: A cut of more than this is warned of; of more than half, refused.
NOTICEABLE = 1e-6


def tabulate_start(
    network: Network, caps: Int[np.ndarray, " species"], report: Report
) -> tuple[Float[np.ndarray, " _levels"], ...]:
    """The initial law of each variable; reports a start that lies above the cap.

    Species at unsound places are left out. A cap that follows from a law holds the
    start, unless there is an error elsewhere.
    """
    laws: list[Float[np.ndarray, " _levels"]] = []
    for place, block in enumerate(network.blocks()):
        species, cap = network.species[place], int(caps[place])
        starts = [start for start in network.site_starts if start.species == place]
        if not report.is_sound(species.span):
            continue
        common = [species.initial] if len(starts) < len(block) else []
        found = {one: _law(one, species, cap, species.span, report) for one in common}
        here = [found.get(species.initial, np.zeros(cap + 1))] * len(block)
        for start in starts:
            law = _law(start.initial, species, cap, start.span, report)
            here[start.site] = law
        laws += here
    return tuple(laws)


def _law(
    initial: Initial, species: Species, cap: int, place: Span, report: Report
) -> Float[np.ndarray, " levels"]:
    """The law over 0..cap; reports what the cap cuts off."""
    weights = weights_of(initial, cap)
    inside = float(weights.sum())
    lost = 1.0 - inside
    if species.cap is None:
        lost = 0.0
    if lost > 0.5:
        shown, proposed = _describe(initial)
        report.add(StartOutside(place, species.name, shown, cap, proposed))
    elif lost > NOTICEABLE:
        report.add(StartCut(place, species.name, cap, f"{lost:.2g}"))
    return weights / inside if inside else weights


def weights_of(initial: Initial, cap: int) -> Float[np.ndarray, " _levels"]:
    """Probabilities of 0..cap, the part above the cap missing."""
    weights = np.zeros(cap + 1)
    match initial:
        case Delta(count):
            weights[count : count + 1] = 1.0
        case Poisson(mean):
            for n in range(cap + 1):
                weights[n] = _poisson(n, mean)
        case Binomial(trials, probability):
            for n in range(min(cap, trials) + 1):
                weights[n] = _binomial(n, trials, probability)
        case Table(table):
            size = min(cap + 1, len(table))
            weights[:size] = table[:size]
        case uniform:
            weights[uniform.low : uniform.high + 1] = 1 / (
                uniform.high - uniform.low + 1
            )
    return weights


def _poisson(n: int, mean: float) -> float:
    if mean == 0:
        return float(n == 0)
    return math.exp(n * math.log(mean) - mean - math.lgamma(n + 1))


def _binomial(n: int, trials: int, probability: float) -> float:
    if probability in (0.0, 1.0):
        return float(n == trials * probability)
    log_choices = (
        math.lgamma(trials + 1) - math.lgamma(n + 1) - math.lgamma(trials - n + 1)
    )
    log_odds = n * math.log(probability) + (trials - n) * math.log1p(-probability)
    return math.exp(log_choices + log_odds)


def _describe(initial: Initial) -> tuple[str, int]:
    """The start in words, and a cap that holds it."""
    match initial:
        case Delta(count):
            return str(count), count
        case Poisson(mean):
            return f"poisson({mean:g})", math.ceil(mean + 10 * math.sqrt(mean))
        case Binomial(trials, probability):
            return f"binomial({trials}, {probability:g})", trials
        case Table(weights):
            return "a table", len(weights) - 1
        case uniform:
            return f"uniform({uniform.low}, {uniform.high})", uniform.high
