"""Network -> initial laws: the law of every species at the start, over 0..cap."""

import math

import numpy as np
from jaxtyping import Float, Int

from crnlang.diagnostics import Report
from crnlang.ir.network import Binomial, Delta, Initial, Network, Poisson, Species
from crnlang.passes.errors import StartCut, StartOutside

#: A cut of more than this is warned of; of more than half, refused.
NOTICEABLE = 1e-6


def tabulate_start(
    network: Network, caps: Int[np.ndarray, " species"], report: Report
) -> tuple[Float[np.ndarray, " _levels"], ...]:
    """The initial law of each species; reports a start that lies above the cap.

    Species at unsound places are left out. A cap that follows from a law holds the
    start, unless there is an error elsewhere.
    """
    laws: list[Float[np.ndarray, " _levels"]] = []
    for species, cap in zip(network.species, caps.tolist(), strict=True):
        if report.is_sound(species.span):
            weights = _weights(species.initial, cap)
            inside = float(weights.sum())
            if species.cap is not None:
                _check(species, cap, 1.0 - inside, report)
            laws.append(weights / inside if inside else weights)
    return tuple(laws)


def _check(species: Species, cap: int, lost: float, report: Report) -> None:
    if lost > 0.5:
        shown, proposed = _describe(species.initial)
        start = StartOutside(species.span, species.name, shown, cap, proposed)
        report.add(start)
    elif lost > NOTICEABLE:
        report.add(StartCut(species.span, species.name, cap, f"{lost:.2g}"))


def _weights(initial: Initial, cap: int) -> Float[np.ndarray, " _levels"]:
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
        case uniform:
            return f"uniform({uniform.low}, {uniform.high})", uniform.high
