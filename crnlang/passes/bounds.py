"""Network -> caps: declared, or inferred from conservation laws; else an error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from crnlang.diagnostics import Report
from crnlang.ir.network import (
    MAX_CAP,
    Binomial,
    Delta,
    Network,
    Poisson,
    Species,
    Table,
)
from crnlang.passes.errors import CapTooLarge, NoCap
from crnlang.passes.laws import Laws


@dataclass(frozen=True, slots=True)
class _Equation:
    """A law, its largest total anywhere, and how often it counts each species."""

    law: Sequence[int]
    total: int
    copies: Sequence[int]


def derive_bounds(
    network: Network, laws: Laws, report: Report
) -> Int[np.ndarray, " species"]:
    """The cap of every species.

    A declared cap is kept as it is. A species without one gets the largest count that
    any law allows: from c . n = total follows
    n_i <= (total - sum of c_j cap_j over negative c_j) / c_i, where the sum goes over
    all sites if the law does. Reports each species
    that no law limits, which gets the cap that is proposed.
    """
    caps = [species.cap for species in network.species]
    _infer(caps, laws, network)
    is_whole = not report.lacks("reactions") and all(
        report.is_sound(species.span) for species in network.species
    )
    settled: list[int] = []
    for species, cap in zip(network.species, caps, strict=True):
        if cap is None:
            cap = _proposal(species)
            report.add(NoCap(species.span, species.name, cap))
        elif cap > MAX_CAP and is_whole:
            report.add(CapTooLarge(species.span, species.name, cap, MAX_CAP))
        settled.append(min(cap, MAX_CAP))
    return np.array(settled, dtype=np.int64)


def _infer(caps: list[int | None], laws: Laws, network: Network) -> None:
    """Fill in the caps that laws imply, until no law gives another."""
    if None not in caps:
        return
    sites = [network.sites if kind.is_per_site else 1 for kind in network.species]
    equations = [
        _Equation([sign * c for c in row], max(sign * t for t in totals), copies)
        for row, totals, is_local in zip(
            laws.coefficients.tolist(), laws.totals.tolist(), laws.is_local, strict=True
        )
        for copies in ([1] * len(sites) if is_local else sites,)
        for sign in (1, -1)
    ]
    is_settled = False
    while not is_settled:
        is_settled = True
        for i, cap in enumerate(caps):
            if cap is not None:
                continue
            bounds = [_bound(equation, i, caps) for equation in equations]
            known = [bound for bound in bounds if bound is not None]
            if known:
                caps[i] = max(0, min(known))
                is_settled = False


def _bound(equation: _Equation, i: int, caps: Sequence[int | None]) -> int | None:
    """What one law says about the largest count of species `i`; `None` for nothing."""
    law = equation.law
    if law[i] <= 0:
        return None
    slack = equation.total
    for j, coefficient in enumerate(law):
        if coefficient < 0:
            cap = caps[j]
            if cap is None:
                return None
            slack -= coefficient * cap * equation.copies[j]
    return slack // law[i]


def _proposal(species: Species) -> int:
    """A round cap well above the start."""
    match species.initial:
        case Delta(count):
            start = count
        case Poisson(mean):
            start = int(mean)
        case Binomial(trials, _):
            start = trials
        case Table(weights):
            start = len(weights) - 1
        case uniform:
            start = uniform.high
    return max(100, 10 ** len(str(2 * start)))
