"""One generated network with what its invariants share: states, matrix, a law."""

import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import Network
from crnlang.ir.writer import write_program
from crnlang.reference.fsp import generator
from crnlang.selftest.kernel import local_generator
from crnlang.testing import lower


class BrokenError(AssertionError):
    """An invariant that does not hold; the text says how far it is off."""


@dataclass(frozen=True, eq=False)
class Case:
    """A network; everything random about it comes from its own text."""

    network: Network

    @cached_property
    def text(self) -> str:
        """The network as a `.crn` file."""
        return write_program(self.network)

    @cached_property
    def digest(self) -> int:
        """A number that tells networks apart."""
        return zlib.crc32(self.text.encode())

    @cached_property
    def time(self) -> float:
        """A time at which propensities are looked at."""
        return self.digest % 30 / 10

    @cached_property
    def lowered(self) -> LoweredNetwork:
        """The network after the passes."""
        return lower(self.network)

    @cached_property
    def equation(self) -> tuple[Int[np.ndarray, "states variables"], Any]:
        """All states of the box, and the generator matrix on them."""
        return full_generator(self.lowered, self.time)

    @cached_property
    def law(self) -> Float[np.ndarray, " states"]:
        """A law on all states of the box, positive everywhere."""
        weights = np.random.default_rng(self.digest).uniform(
            0.05, 1.0, len(self.equation[0])
        )
        return weights / weights.sum()

    @cached_property
    def rates(
        self,
    ) -> tuple[Float[np.ndarray, " states"], Float[np.ndarray, " states"]]:
        """The kernel's (W P)(n) / P(n) and out-flux at every state."""
        return local_generator(self.lowered, self.equation[0], self.law, self.time)

    @cached_property
    def scale(self) -> float:
        """Size of the fluxes, which rounding is measured by."""
        return max(float(-self.equation[1].diagonal() @ self.law), 1e-3)

    def demand(self, error: float, what: str) -> None:
        """Raise `BrokenError` where an error is more than rounding."""
        if not error <= 1e-9 * self.scale:
            raise BrokenError(f"{what} by {error:.3g}, of fluxes of {self.scale:.3g}")


def full_generator(
    lowered: LoweredNetwork, t: float
) -> tuple[Int[np.ndarray, "states variables"], Any]:
    """The generator matrix on the whole box: every state is possible at the start."""
    anywhere = tuple(
        np.full(int(cap) + 1, 1 / (int(cap) + 1)) for cap in lowered.space.caps
    )
    return generator(replace(lowered, initial=anywhere), t)
