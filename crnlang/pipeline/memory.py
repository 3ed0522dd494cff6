"""How much memory a batch takes on each device, known before anything is compiled.

What grows with the batch is what the steps keep of every state: its scores, one number
a weight, several times over, and the numbers on the way to log P. How many times was
read off the compiled programs, and is tested against the memory of whole processes.
"""

import numpy as np
from jaxtyping import Int

from crnlang.ir.lowered import LoweredNetwork
from crnlang.passes.order import follow_path
from crnlang.passes.totals import TOTALS
from crnlang.settings import (
    AdamSettings,
    NatgradSettings,
    NeuralSettings,
    Settings,
    TdvpSettings,
)
from crnlang.solve.outcome import EngineError

#: What a network sees of an input: `nn.counts`, which loads JAX.
FEATURES = 2
#: Scores kept at the peak: of a Galerkin step and of natural gradient.
GALERKIN, NATURAL = 5, 2
#: Matrices over all weights, or over all states, at the peak.
MATRICES = {"cholesky": 2.2, "kernel": 3.0}
#: Arrays of one number a copy number, of every conditional.
LEVELS = 4
#: No network is built with more weights of conditionals: 0.4 GB, several times over.
MOST_WEIGHTS = 50_000_000
#: No matrix is formed of more weights and states than this (`solve.systems`).
LARGE = 8192


def batch_memory(lowered: LoweredNetwork, settings: Settings) -> float | None:
    """Bytes a device needs for its part of a batch, beside the programs.

    `None` where it is not known: of the default steps of `tdvp`, whose states are kept
    in the memory of the host, and of ansaetze that share weights.
    """
    if not isinstance(settings, TdvpSettings | NatgradSettings | AdamSettings):
        return None
    if settings.ansatz != "conditional":
        return None
    followed = follow_path(lowered, settings.order)
    described = TOTALS[settings.totals](followed).lowered
    caps, weights = _free_caps(described), count_weights(described, settings)
    batch, size = settings.samples, np.dtype(settings.precision).itemsize
    own = -(-batch // settings.devices)
    passing = size * (LEVELS * (caps + 1).sum() + len(caps) * settings.width)
    if isinstance(settings, AdamSettings):
        return float(own * passing)
    if isinstance(settings, NatgradSettings):
        solver = _solver(settings.solver, weights, batch)
        if solver == "cg":
            return float(own * passing)
        side = weights if solver == "cholesky" else batch
        kept = own * NATURAL * (8 if solver == "kernel" else size) * weights
        return float(kept + MATRICES[solver] * 8 * side**2)
    if settings.method != "galerkin" or settings.solver not in ("auto", "cholesky"):
        return None
    return float(own * (GALERKIN * size * weights + passing))


def check_weights(lowered: LoweredNetwork, settings: NeuralSettings) -> None:
    """Refuse networks that are too large to build; `lowered` is what they describe.

    Raises:
        EngineError: there are more than `MOST_WEIGHTS` of one network a conditional.
    """
    if settings.ansatz != "conditional":
        return
    weights = count_weights(lowered, settings)
    if weights > MOST_WEIGHTS:
        raise EngineError(
            f"one network for each of {len(_free(lowered))} copy numbers has "
            f"{weights / 1e6:.0f} million weights, more than "
            f"{MOST_WEIGHTS / 1e6:.0f} million: use `ssa`, or let `--engine auto` pick "
            "an engine"
        )


def count_weights(lowered: LoweredNetwork, settings: NeuralSettings) -> int:
    """The weights of one network a conditional."""
    caps = _free_caps(lowered)
    seen = np.arange(len(caps))
    if settings.receptive_field and lowered.network.lattice is not None:
        from crnlang.codegen.receptive_field import local_inputs  # loads JAX

        inputs = local_inputs(lowered, _free(lowered), settings.receptive_field)
        seen = np.array([len(some) for some in inputs])
    functions = np.minimum(settings.basis, caps)
    return int((settings.width * (FEATURES * seen + 1 + functions) + caps).sum())


def _free(lowered: LoweredNetwork) -> tuple[int, ...]:
    """The positions along the order whose counts no law determines."""
    space = lowered.space
    last = {int(np.flatnonzero(row)[-1]) for row in space.laws[:, space.order]}
    return tuple(place for place in range(len(space.order)) if place not in last)


def _free_caps(lowered: LoweredNetwork) -> Int[np.ndarray, " free"]:
    return lowered.space.caps[lowered.space.order][list(_free(lowered))]


def _solver(solver: str, weights: int, batch: int) -> str:
    """What `auto` of `natgrad` stands for."""
    if solver != "auto":
        return solver
    if min(weights, batch) > LARGE:
        return "cg"
    return "cholesky" if weights <= batch else "kernel"


def told_memory(needed: float) -> str:
    """The memory of a batch in words."""
    unit, power = ("GiB", 30) if needed >= 2**30 else ("MiB", 20)
    return f"memory of the batch: about {needed / 2**power:.2g} {unit} a device"
