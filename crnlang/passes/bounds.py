"""Network -> caps: declared, or inferred from conservation laws; else an error."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from crnlang.diagnostics import Report
from crnlang.ir.network import MAX_CAP, Binomial, Delta, Network, Poisson, Species
from crnlang.passes.errors import CapTooLarge, NoCap
from crnlang.passes.laws import Laws


def derive_bounds(
    network: Network, laws: Laws, report: Report
) -> Int[np.ndarray, " species"]:
    """The cap of every species.

    A declared cap is kept as it is. A species without one gets the largest count that
    any law allows: from c . n = total follows
    n_i <= (total - sum of c_j cap_j over negative c_j) / c_i. Reports each species
    that no law limits, which gets the cap that is proposed.
    """
    caps = [species.cap for species in network.species]
    _infer(caps, laws)
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


def _infer(caps: list[int | None], laws: Laws) -> None:
    """Fill in the caps that laws imply, until no law gives another."""
    equations = [
        ([sign * c for c in row], sign * total)
        for row, total in zip(
            laws.coefficients.tolist(), laws.totals.tolist(), strict=True
        )
        for sign in (1, -1)
    ]
    is_settled = False
    while not is_settled:
        is_settled = True
        for i, cap in enumerate(caps):
            if cap is not None:
                continue
            bounds = [_bound(law, total, i, caps) for law, total in equations]
            known = [bound for bound in bounds if bound is not None]
            if known:
                caps[i] = max(0, min(known))
                is_settled = False


def _bound(
    law: Sequence[int], total: int, i: int, caps: Sequence[int | None]
) -> int | None:
    """What one law says about the largest count of species `i`; `None` for nothing."""
    if law[i] <= 0:
        return None
    slack = total
    for j, coefficient in enumerate(law):
        if coefficient < 0:
            cap = caps[j]
            if cap is None:
                return None
            slack -= coefficient * cap
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
        case uniform:
            start = uniform.high
    return max(100, 10 ** len(str(2 * start)))
