"""Whether to trust a run, in words, from what the engine measured of itself."""

import numpy as np

from crnlang.ir.lowered import StateSpace
from crnlang.pipeline.found import Run
from crnlang.results.record import RunData

#: Below this share of effective samples, or above this residual, a run is doubtful.
LEAST_SHARE, MOST_RESIDUAL = 0.1, 0.3
#: A leak, or a probability at a cap, above this says that the caps are felt.
FELT = 1e-3


def verdict(run: Run, space: StateSpace) -> str:
    """How healthy the run was, in words with numbers."""
    data = run.data
    if data.health:
        return f"{_steps(data)} {_caps_by_mass(data, space)}"
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
    share, residual = health["effective_share"], health["residual"]
    worst_share, worst_residual = int(share.argmin()), int(residual.argmax())
    facts = (
        f"{len(share)} steps, {int(health['rejections'].sum())} tries rejected; "
        f"effective share of the samples at least {share[worst_share]:.0%} "
        f"(t = {health['t'][worst_share]:.3g}), residual at most "
        f"{residual[worst_residual]:.2g} (t = {health['t'][worst_residual]:.3g})."
    )
    doubts = [
        reason
        for reason, is_so in (
            (
                "few samples carried some steps: raise `samples`",
                share.min() < LEAST_SHARE,
            ),
            (
                "the network could not follow some steps: raise `width` or `basis`",
                not residual.max() <= MOST_RESIDUAL,
            ),
        )
        if is_so
    ]
    if doubts:
        return f"Doubtful: {'; '.join(doubts)}. {facts}"
    return f"Healthy by its own measures, which is no proof: {facts}"


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
