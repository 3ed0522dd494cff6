"""The record of a run, the same for every engine, and the error of this room.

Axes: `times`, `species`, `count` (0..largest cap; 0 beyond a species' own cap).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from crnlang.diagnostics import Refusal

Pair = tuple[str, str]


class RunError(Refusal):
    """A run directory or a record cannot be used; the text says why and what to do."""

    exit_code = 2


class NoLawError(RunError):
    """A run knows means only, and is asked for a distribution."""

    def __init__(self, engine: str, what: str) -> None:
        super().__init__(
            f"`{engine}` follows the means only, so it has no {what}; run the model "
            "with `fsp`, `ssa` or `tdvp` for that"
        )


@dataclass(frozen=True, eq=False)
class QueryAnswer:
    """The answer to one query of the file.

    `kind` is `dist`, `prob`, `expect`, `logp`, `hit`, `mfpt` or `rate`; the axes of
    `values` are `times`, then the counts of each of `species` (none but for `dist`).
    The time of `mfpt` and `rate` is nan. `errors` are of the same shape: standard
    errors; for an exact law 0, but bounds for the last four kinds. Where the condition
    behind `given` never holds, values and errors are nan. A log-probability is -inf,
    its error inf, where nothing was seen.
    """

    name: str
    kind: str
    species: tuple[str, ...]
    times: Float[np.ndarray, " times"]
    values: Float[np.ndarray, "times ..."]
    errors: Float[np.ndarray, "times ..."]


@dataclass(frozen=True, eq=False)
class RunData:
    """Everything that a run found out.

    `samples[k]` is the effective number of samples behind time k, `inf` for an exact
    law. `leak` is the expected number of firings that an upper cap stopped, `None`
    where the engine does not measure it. `health[key]` has one entry a step. `status`
    is `complete` or `stopped`, and `sentence` says why. `notes` say what the run was
    asked for and does not answer, and what is doubtful. Of an engine that knows means
    only `marginals` have no counts, and `sds` and `samples` are nan.
    """

    engine: str
    model: str
    seed: int
    names: tuple[str, ...]
    caps: Int[np.ndarray, " species"]
    times: Float[np.ndarray, " times"]
    samples: Float[np.ndarray, " times"]
    marginals: Float[np.ndarray, "times species count"]
    means: Float[np.ndarray, "times species"]
    sds: Float[np.ndarray, "times species"]
    joints: Mapping[Pair, Float[np.ndarray, "times count_a count_b"]]
    queries: tuple[QueryAnswer, ...]
    leak: Float[np.ndarray, " times"] | None
    health: Mapping[str, Float[np.ndarray, " steps"]] = field(default_factory=dict)
    status: str = "complete"
    sentence: str = ""
    wall_seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def has_law(self) -> bool:
        """Whether there is a distribution, not means alone."""
        return self.marginals.shape[2] > 0

    def need_law(self, what: str) -> None:
        """Raise `NoLawError` where there is no distribution to find `what` in."""
        if not self.has_law:
            raise NoLawError(self.engine, what)

    def marginal(self, name: str) -> Float[np.ndarray, "times levels"]:
        """The law of one species over 0..cap, a row a time.

        Raises:
            NoLawError: the run knows means only.
        """
        self.need_law("marginal law")
        place = self.names.index(name)
        return self.marginals[:, place, : int(self.caps[place]) + 1]

    def joint(self, pair: Pair) -> Float[np.ndarray, "times count_a count_b"] | None:
        """The joint law of two species in this order, if either order is stored."""
        if pair in self.joints:
            return self.joints[pair]
        turned = self.joints.get((pair[1], pair[0]))
        return None if turned is None else turned.swapaxes(1, 2)
