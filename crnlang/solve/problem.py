"""What the engine needs to know of a master equation."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Array, Bool, Float, Int, Integer

#: log P(n + change) - log P(n) of every channel; see `nn.base.AbstractAutoregressive`.
LogRatios = Callable[
    [
        Int[Array, " variables"],
        Int[np.ndarray, "channels variables"],
        Bool[Array, " channels"],
    ],
    Float[Array, " channels"],
]


@runtime_checkable
class Generator(Protocol):
    """The generator W of a master equation as seen from one state; the caller vmaps."""

    @property
    def is_autonomous(self) -> bool:
        """Whether no propensity depends on the time."""
        ...

    @property
    def net_changes(self) -> Int[np.ndarray, "channels variables"]:
        """The net change of every channel."""
        ...

    @property
    def caps(self) -> Integer[Array | np.ndarray, " variables"]:
        """The largest copy number of every variable."""
        ...

    @property
    def reads(self) -> Bool[np.ndarray, "channels variables"]:
        """Whether the propensity of a channel depends on a variable."""
        ...

    def propensities(
        self, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """a_k(n), the state space ignored."""
        ...

    def propensities_before(
        self, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """a_k(n - s_k), the state space ignored: perhaps not a number."""
        ...

    def chosen(self, some: Int[np.ndarray, " some"]) -> "Generator":
        """The generator with some channels alone; `some` in increasing order."""
        ...

    def outflux(
        self, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """a_k(n), 0 where the firing would leave the state space."""
        ...

    def sources(
        self, counts: Int[Array, " variables"]
    ) -> tuple[Int[Array, "channels variables"], Bool[Array, " channels"]]:
        """The states n - s_k, and whether they lie in the state space."""
        ...

    def source_propensities(
        self, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """a_k(n - s_k), 0 where n - s_k lies outside the state space."""
        ...

    def influx(
        self,
        log_ratios: LogRatios,
        counts: Int[Array, " variables"],
        t: Float[Array, ""],
    ) -> Float[Array, " channels"]:
        """r_k(n) = a_k(n - s_k) P(n - s_k) / P(n)."""
        ...

    def __call__(
        self,
        log_ratios: LogRatios,
        counts: Int[Array, " variables"],
        t: Float[Array, ""],
    ) -> Float[Array, ""]:
        """(W P)(n) / P(n)."""
        ...
