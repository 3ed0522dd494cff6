"""The master equation dP/dt = W(t) P on a set of states.

A channel whose target leaves the box is off. What leaves the set inside the box is
lost, so that the law on the set is a lower bound of the law on the box (finite state
projection). On a set that nothing leaves, the columns of W add up to zero. One more row
of the augmented generator integrates the flux that upper caps stop: the leak.
"""

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
    reachable_states,
    timeless_factor,
)

#: No positions: keeps the concatenation of no channels an integer array.
NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Firings:
    """Firings of one channel from `sources`, positions of states, to `targets`.

    With N states: a target below N is a state of the set, N is the leak (`is_leak`: an
    upper cap stops the firing), and N + 1 + i is the state i of the edge of the set.
    """

    channel: Channel
    sources: Int[np.ndarray, " firings"]
    targets: Int[np.ndarray, " firings"]
    is_leak: bool

    @property
    def is_varying(self) -> bool:
        """Whether the propensity reads `t`."""
        return depends_on_time(self.channel.family.propensity)

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
        family = self.channel.family
        found = self.channel.values(family.propensity, states, t, self.sources)
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
            states[self.sources[worst]].tolist(),
            t,
        )


@dataclass(frozen=True, eq=False)
class MasterEquation:
    """The generator as firings between states, one row and column a state.

    `edge` are the states outside the set that one firing reaches. The last row of the
    augmented generator integrates the leak; its column is zero.
    """

    lowered: LoweredNetwork
    index: StateIndex
    edge: StateIndex
    firings: tuple[Firings, ...]

    @property
    def size(self) -> int:
        """The number of states."""
        return len(self.index.codes)

    @property
    def states(self) -> Int[np.ndarray, "states variables"]:
        """The states, in lexicographic order."""
        return self.index.states

    @cached_property
    def is_varying(self) -> bool:
        """Whether any propensity reads `t`."""
        return any(firing.is_varying for firing in self.firings)

    @cached_property
    def varying(self) -> Int[np.ndarray, " varying"]:
        """The positions, among all firings, of those whose propensity reads `t`."""
        flags = [np.full(len(f.sources), f.is_varying) for f in self.firings]
        return np.flatnonzero(np.concatenate([np.zeros(0, dtype=bool), *flags]))

    @cached_property
    def sources(self) -> Int[np.ndarray, " firings"]:
        """The source of every firing of every channel."""
        return np.concatenate([NONE, *(f.sources for f in self.firings)])

    @cached_property
    def targets(self) -> Int[np.ndarray, " firings"]:
        """The target of every firing of every channel."""
        return np.concatenate([NONE, *(f.targets for f in self.firings)])

    @cached_property
    def steady_flux(self) -> Float[np.ndarray, " firings"]:
        """The propensity of every firing at its source; 0 where it reads `t`."""
        parts = [
            np.zeros(len(firing.sources))
            if firing.is_varying
            else firing.flux(self.lowered, self.states, 0.0)
            for firing in self.firings
        ]
        return np.concatenate([np.zeros(0), *parts])

    def varying_flux(self, t: float) -> Float[np.ndarray, " varying"]:
        """The propensities of the firings that read `t`, at their sources."""
        parts = [
            firing.flux(self.lowered, self.states, t)
            for firing in self.firings
            if firing.is_varying
        ]
        return np.concatenate([np.zeros(0), *parts])

    def flux(self, t: float) -> Float[np.ndarray, " firings"]:
        """The propensity of every firing at its source."""
        found = self.steady_flux.copy()
        found[self.varying] = self.varying_flux(t)
        return found

    def matrix(
        self,
        fluxes: Float[np.ndarray, " chosen"],
        chosen: Int[np.ndarray, " chosen"] | None = None,
    ) -> Any:
        """The augmented generator of some propensities, or of all, as a CSR matrix."""
        pick = slice(None) if chosen is None else chosen
        sources, targets = self.sources[pick], self.targets[pick]
        arrives, leaves = targets <= self.size, targets != self.size
        rows = np.concatenate([targets[arrives], sources[leaves]])
        columns = np.concatenate([sources[arrives], sources[leaves]])
        values = np.concatenate([fluxes[arrives], -fluxes[leaves]])
        shape = (self.size + 1, self.size + 1)
        return sparse.csr_array((values, (rows, columns)), shape)

    def augmented(self, t: float) -> Any:
        """The generator at time `t` with the leak's row, as a CSR matrix."""
        return self.matrix(self.flux(t))

    @cached_property
    def steady(self) -> Any:
        """The augmented generator of propensities that do not read `t`."""
        return self.augmented(0.0)

    def out_rates(
        self,
        fluxes: Float[np.ndarray, " chosen"],
        chosen: Int[np.ndarray, " chosen"] | None = None,
    ) -> Float[np.ndarray, " states"]:
        """The sum of some propensities, or of all, at each state: no leak."""
        pick = slice(None) if chosen is None else chosen
        moves = np.where(self.targets[pick] == self.size, 0.0, fluxes)
        return np.bincount(self.sources[pick], moves, self.size).astype(float)

    def inflow(
        self, t: float, law: Num[np.ndarray, " augmented"]
    ) -> tuple[Float[np.ndarray, " states"], Float[np.ndarray, " edge"]]:
        """The probability that flows, each unit of time, into states and edge states.

        `law` holds the law at each state, and may hold the leak behind them.
        """
        size, edges = self.size, len(self.edge.codes)
        flux = self.flux(t) * law[self.sources]
        into = np.bincount(self.targets, flux, size + 1 + edges).astype(float)
        return into[:size], into[size + 1 :]


def radius(matrix: Any) -> float:
    """The largest out-rate, or flux that a cap stops; not 0 where nothing happens."""
    return max(float(-matrix.diagonal().min()), float(matrix[[-1], :].max()), 1e-300)


def master_equation(lowered: LoweredNetwork, max_states: int) -> MasterEquation:
    """The master equation of a network on all its reachable states.

    Raises:
        TooManyStatesError: more than `max_states` states can be reached.
    """
    return equation_on(lowered, reachable_states(lowered, max_states))


def equation_on(lowered: LoweredNetwork, index: StateIndex) -> MasterEquation:
    """The master equation of a network on a set of states, not empty."""
    channels = list(channels_of(lowered))
    found = [_inside(lowered, index, channel) for channel in channels]
    codes = [index.targets(c, s) for c, (s, _) in zip(channels, found, strict=True)]
    places = [index.find(one) for one in codes]
    edge, outer = _edge(index, channels, [s for s, _ in found], codes, places)
    firings: list[Firings] = []
    size = len(index.codes)
    for number, (channel, (sources, capped)) in enumerate(
        zip(channels, found, strict=True)
    ):
        targets = places[number]
        targets[targets < 0] = size + 1 + outer[number]
        firings.append(Firings(channel, sources, targets, is_leak=False))
        leaks = np.full(len(capped), size)
        firings.append(Firings(channel, capped, leaks, is_leak=True))
    kept = tuple(firing for firing in firings if len(firing.sources))
    return MasterEquation(lowered, index, edge, kept)


def _inside(
    lowered: LoweredNetwork, index: StateIndex, channel: Channel
) -> tuple[Int[np.ndarray, " sources"], Int[np.ndarray, " capped"]]:
    """Where a channel can fire inside the box, and where only a cap stops it."""
    states, caps = index.states, lowered.space.caps
    factor = timeless_factor(channel.family.propensity)
    alive = channel.values(factor, states, 0.0) != 0
    sources = np.flatnonzero(alive & channel.is_allowed(states, caps))
    return sources, np.flatnonzero(alive & channel.is_capped(states, caps))


def _edge(
    index: StateIndex,
    channels: list[Channel],
    sources: list[Int[np.ndarray, " _"]],
    codes: list[Any],
    places: list[Int[np.ndarray, " _"]],
) -> tuple[StateIndex, list[Int[np.ndarray, " _"]]]:
    """The states outside that firings reach, and for each channel which of them."""
    outside = [np.flatnonzero(one < 0) for one in places]
    edge_codes, first, numbers = np.unique(
        np.concatenate([index.codes[:0], *map(_pick, codes, outside)]),
        return_index=True,
        return_inverse=True,
    )
    owners = np.repeat(np.arange(len(channels)), [len(one) for one in outside])
    origins = np.concatenate([NONE, *map(_pick, sources, outside)])
    states = index.states[origins[first]]
    for number in np.unique(owners[first]).tolist():
        rows = np.flatnonzero(owners[first] == number)
        states[rows] = channels[number].fire(states[rows])
    splits = np.cumsum([len(one) for one in outside])[:-1]
    return StateIndex(states, edge_codes, index.caps), np.split(numbers, splits)


def _pick(values: Any, positions: Int[np.ndarray, " _"]) -> Any:
    return values[positions]
