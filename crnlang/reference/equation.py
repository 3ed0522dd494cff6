"""The master equation dP/dt = W(t) P on the reachable states of the box.

A channel whose target leaves the box is off, so the columns of W add up to zero. One
more row of the augmented generator integrates the flux that upper caps stop: the leak.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num
from scipy import sparse

from crnlang.ir.expr import depends_on_time
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.refusals import WrongPropensityError
from crnlang.reference.states import (
    Channel,
    StateIndex,
    channels_of,
    initial_law,
    reachable_states,
    timeless_factor,
)

#: No positions: keeps the concatenation of no channels an integer array.
NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Firings:
    """Firings of one channel from `sources` to `targets`, positions of states.

    Where `is_leak`, an upper cap stops them and the target is the row of the leak.
    """

    channel: Channel
    sources: Int[np.ndarray, " firings"]
    targets: Int[np.ndarray, " firings"]
    is_leak: bool

    def flux(
        self,
        lowered: LoweredNetwork,
        states: Int[np.ndarray, "states variables"],
        t: float,
    ) -> Float[np.ndarray, " firings"]:
        """The propensity at each source.

        Raises:
            WrongPropensityError: one is negative, infinite or not a number; where
                the channel is stopped by a cap such values count as zero leak.
        """
        local = states[self.sources]
        family = self.channel.family
        found = self.channel.values(family.propensity, local, lowered.parameters, t)
        is_wrong = ~((found >= 0) & np.isfinite(found))
        if not is_wrong.any():
            return found
        if self.is_leak:
            return np.where(is_wrong, 0.0, found)
        worst = int(np.flatnonzero(is_wrong)[0])
        raise WrongPropensityError(
            " + ".join(family.reactions),
            float(found[worst]),
            lowered.space.names,
            local[worst].tolist(),
            t,
        )


@dataclass(frozen=True, eq=False)
class MasterEquation:
    """The generator as firings between states, one row and column a state.

    The last row of the augmented generator integrates the leak; its column is zero.
    """

    lowered: LoweredNetwork
    index: StateIndex
    firings: tuple[Firings, ...]

    @property
    def states(self) -> Int[np.ndarray, "states variables"]:
        """The reachable states, in lexicographic order."""
        return self.index.states

    @cached_property
    def is_varying(self) -> bool:
        """Whether any propensity reads `t`."""
        return any(
            depends_on_time(firing.channel.family.propensity) for firing in self.firings
        )

    @cached_property
    def sources(self) -> Int[np.ndarray, " firings"]:
        """The source of every firing of every channel."""
        return np.concatenate([NONE, *(f.sources for f in self.firings)])

    @cached_property
    def incidence(self) -> Any:
        """The change of the augmented law by a unit flux of each firing, as CSR."""
        targets = np.concatenate([NONE, *(f.targets for f in self.firings)])
        leaves = np.where(targets < len(self.states), 1.0, 0.0)
        number = np.arange(len(targets))
        shape = (len(self.states) + 1, len(targets))
        plus = sparse.csr_array((np.ones(len(targets)), (targets, number)), shape)
        return plus - sparse.csr_array((leaves, (self.sources, number)), shape)

    @cached_property
    def steady_fluxes(self) -> tuple[Any, ...]:
        """The propensities of each group of firings; `None` where they read `t`."""
        return tuple(
            None
            if depends_on_time(firing.channel.family.propensity)
            else firing.flux(self.lowered, self.states, 0.0)
            for firing in self.firings
        )

    def fluxes(self, t: float) -> Float[np.ndarray, " firings"]:
        """The propensity of every firing at its source."""
        parts = [
            firing.flux(self.lowered, self.states, t) if steady is None else steady
            for firing, steady in zip(self.firings, self.steady_fluxes, strict=True)
        ]
        return np.concatenate([np.zeros(0), *parts])

    def flow(
        self, t: float, law: Num[np.ndarray, " states"]
    ) -> Num[np.ndarray, " states"]:
        """The derivative of the augmented law, without assembling the generator."""
        return self.incidence @ (self.fluxes(t) * law[self.sources])

    def start(self) -> Float[np.ndarray, " states"]:
        """The augmented law at time 0."""
        states, weights = initial_law(self.lowered, len(self.states))
        law = np.zeros(len(self.states) + 1)
        law[self.index.positions(states)] = weights
        return law

    def augmented(self, t: float) -> Any:
        """The generator at time `t` with the leak's row, as a CSR matrix."""
        size = len(self.states) + 1
        number = np.arange(len(self.sources))
        shape = (len(self.sources), size)
        take = sparse.csr_array((self.fluxes(t), (number, self.sources)), shape)
        return (self.incidence @ take).tocsr()


def master_equation(lowered: LoweredNetwork, max_states: int) -> MasterEquation:
    """The master equation of a network on its reachable states.

    Raises:
        TooManyStatesError: more than `max_states` states can be reached.
    """
    index = reachable_states(lowered, max_states)
    firings = [
        firing
        for channel in channels_of(lowered)
        for firing in _firings(lowered, index, channel)
    ]
    return MasterEquation(lowered, index, tuple(firings))


def _firings(
    lowered: LoweredNetwork, index: StateIndex, channel: Channel
) -> Iterator[Firings]:
    """The firings of one channel inside the box, and those that a cap stops."""
    states, caps = index.states, lowered.space.caps
    factor = timeless_factor(channel.family.propensity)
    alive = channel.values(factor, states, lowered.parameters, 0.0) != 0
    sources = np.flatnonzero(alive & channel.is_allowed(states, caps))
    yield Firings(
        channel, sources, index.positions(channel.fire(states[sources])), is_leak=False
    )
    capped = np.flatnonzero(alive & channel.is_capped(states, caps))
    yield Firings(channel, capped, np.full(len(capped), len(states)), is_leak=True)
