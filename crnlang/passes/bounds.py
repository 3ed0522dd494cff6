"""Network -> caps: declared, or inferred from conservation laws; else an error."""

from collections.abc import Iterator, Sequence
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
    """A law as c . n <= total: what adds to the sum, and what takes from it.

    Pairs of a species and its coefficient; `losses` are counted on all their sites.
    """

    total: int
    gains: Sequence[tuple[int, int]]
    losses: Sequence[tuple[int, int]]


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


def free_species(network: Network, laws: Laws) -> list[int]:
    """The species that neither a declared cap nor a law limits."""
    caps = [species.cap for species in network.species]
    _infer(caps, laws, network)
    return [i for i, cap in enumerate(caps) if cap is None]


def _infer(caps: list[int | None], laws: Laws, network: Network) -> None:
    """Fill in the caps that laws imply, until no law gives another."""
    if None not in caps:
        return
    limits: dict[int, list[tuple[int, _Equation]]] = {}
    for equation in _equations(laws, network):
        for species, coefficient in equation.gains:
            limits.setdefault(species, []).append((coefficient, equation))
    is_settled = False
    while not is_settled:
        is_settled = True
        for i, cap in enumerate(caps):
            if cap is not None:
                continue
            found = [
                top // coefficient
                for coefficient, equation in limits.get(i, ())
                if (top := _top(equation, caps)) is not None
            ]
            if found:
                caps[i] = max(0, min(found))
                is_settled = False


def _equations(laws: Laws, network: Network) -> Iterator[_Equation]:
    """Each law, and its negative, with the largest total anywhere."""
    sites = [network.sites if kind.is_per_site else 1 for kind in network.species]
    for law, totals, is_local in zip(
        laws.coefficients, laws.totals.tolist(), laws.is_local.tolist(), strict=True
    ):
        where = np.flatnonzero(law).tolist()
        for sign in (1, -1):
            pairs = [(i, sign * int(law[i])) for i in where]
            yield _Equation(
                max(sign * total for total in totals),
                [(i, c) for i, c in pairs if c > 0],
                [(i, -c * (1 if is_local else sites[i])) for i, c in pairs if c < 0],
            )


def _top(equation: _Equation, caps: Sequence[int | None]) -> int | None:
    """The largest sum of what adds to a law; `None` where nothing limits it."""
    top = equation.total
    for species, coefficient in equation.losses:
        cap = caps[species]
        if cap is None:
            return None
        top += coefficient * cap
    return top


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
