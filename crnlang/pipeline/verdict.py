"""Whether to trust a run, in words, from what the engine measured of itself."""

from collections.abc import Mapping

import numpy as np

from crnlang.ir.lowered import StateSpace
from crnlang.results.record import RunData
from crnlang.solve.outcome import STAGES

#: Below this effective sample size, or above this residual, a run is doubtful.
LEAST_SIZE, MOST_RESIDUAL = 1000, 0.3
#: A leak, or a probability at a cap, above this says that the caps are felt.
FELT = 1e-3


def verdict(data: RunData, space: StateSpace) -> str:
    """How healthy the run was, in words with numbers."""
    if data.health:
        return f"{_steps(data)} {_caps_by_mass(data, space)}"
    if not data.has_law:
        return "Rate equations: means only, no distribution."
    if data.engine == "we":
        return (
            f"Weighted ensembles; the law shown is worth {data.samples[-1]:,.0f} "
            "independent samples at the end, and the error of each answer is the "
            f"spread over the repeats. {_caps_by_leak(data)}"
        )
    accuracy = (
        f"{data.samples[-1]:,.0f} exact trajectories: the standard errors of the means "
        f"are at most {_largest_error(data):.2g} of the means."
        if data.engine == "ssa"
        else "The law is exact within the caps."
    )
    return f"{accuracy} {_caps_by_leak(data)}"


def _steps(data: RunData) -> str:
    """The steps of a neural run, and whether they went well."""
    health = data.health
    size, residual = health["effective_size"], health["residual"]
    worst_residual = int(residual.argmax())
    number = int((health["stage"] == STAGES.index("set")).sum())
    if number == len(size):
        return (
            "Followed on a set of states to the end, no variational step taken: "
            f"{number} steps lost {health['error'].max():.1g} of the law, and the "
            f"networks lie within a Hellinger distance of {residual.max():.2g} of it "
            f"(t = {health['t'][worst_residual]:.3g})."
        )
    projected = int((health["stage"] == STAGES.index("projection")).sum())
    on_set = f", {number} on a set of states" if number else ""
    alone = health["stage"] == STAGES.index("independent")
    if alone.any():
        on_set += f", every count by itself to t = {health['t'][alone].max():.3g}"
    on_set += f", {projected} projected from selected states" if projected else ""
    apart = int((health["stage"] == STAGES.index("conditionals")).sum())
    on_set += f", {apart} of every conditional at sampled prefixes" if apart else ""
    facts = (
        f"{len(size)} steps{on_set}, {int(health['rejections'].sum())} tries rejected; "
        f"{_worst_sampling(health)}, residual at most "
        f"{residual[worst_residual]:.2g} (t = {health['t'][worst_residual]:.3g})."
        f"{_bound(health)}"
    )
    doubts = [
        reason
        for reason, is_so in (
            (
                "few samples carried some steps: raise `samples`",
                size.min() < LEAST_SIZE,
            ),
            (
                "the network could not follow some steps: raise `width` or `basis`",
                not _galerkin_residual(health) <= MOST_RESIDUAL,
            ),
        )
        if is_so
    ]
    if doubts:
        return f"Doubtful: {'; '.join(doubts)}. {facts}"
    return f"Healthy by its own measures, which is no proof: {facts}"


def _bound(health: Mapping[str, np.ndarray]) -> str:
    """How far the law can have come from the exact one, where it is measured."""
    bound = float(health["bound"][-1])
    if not bound < 1:
        return ""
    return (
        f" What the steps missed adds up to {bound:.2g} at the end: no probability is "
        "further off, as far as the states looked at tell."
    )


def _galerkin_residual(health: Mapping[str, np.ndarray]) -> float:
    """The largest residual of the steps that are not projected.

    Where the law hardly moves in a projection step, what is left undone is a large
    share of very little: such a step is judged by its error.
    """
    is_galerkin = health["stage"] == STAGES.index("tdvp")
    return float(health["residual"][is_galerkin].max(initial=0.0))


def _worst_sampling(health: Mapping[str, np.ndarray]) -> str:
    """The smallest effective sample size, and when."""
    size = health["effective_size"]
    worst = int(size.argmin())
    if np.isinf(size[worst]):
        return "no state missed by any batch"
    return (
        f"effective sample size at least {size[worst]:.2g} "
        f"(t = {health['t'][worst]:.3g})"
    )


def _largest_error(data: RunData) -> float:
    """The largest standard error of a mean over that mean, at the last time."""
    means, sds = data.means[-1], data.sds[-1]
    seen = means > 0
    if not seen.any():
        return 0.0
    return float((sds[seen] / means[seen]).max() / np.sqrt(data.samples[-1]))


def _caps_by_leak(data: RunData) -> str:
    """What the caps cut off, where the engine counts it."""
    leak = 0.0 if data.leak is None else float(data.leak[-1])
    if leak <= FELT:
        return (
            f"The caps are high enough: they stopped {leak:.1g} firings a trajectory."
        )
    return (
        f"The caps are felt: they stopped {leak:.2g} firings a trajectory; raise them "
        "and see whether the answers change."
    )


def _caps_by_mass(data: RunData, space: StateSpace) -> str:
    """What piles up at caps that no conservation law explains."""
    is_bound = np.any(space.laws != 0, axis=0)
    found = {
        name: float(data.marginals[:, v, space.caps[v]].max())
        for v, name in enumerate(data.names)
        if not is_bound[v]
    }
    felt = {name: mass for name, mass in found.items() if mass > FELT}
    if not felt:
        return "The caps are high enough."
    worst = max(felt, key=lambda name: felt[name])
    return (
        f"The caps are felt: {worst} is at its cap with probability {felt[worst]:.2g}; "
        "raise it and see whether the answers change."
    )
