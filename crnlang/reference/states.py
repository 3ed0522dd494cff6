"""The reachable states of a network: breadth-first search over rows of counts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from crnlang.ir.expr import (
    Call,
    Expr,
    Function,
    call,
    depends_on_time,
    evaluate,
    number,
)
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork
from crnlang.reference.refusals import TooManyStatesError

#: Mixed-radix codes of states up to this size of the box fit an `int64` safely.
LARGEST_CODED_BOX = 2**62


@dataclass(frozen=True, eq=False)
class Channel:
    """One instance of a family: a propensity on some variables, and their change."""

    family: ChannelFamily
    variables: Int[np.ndarray, " width"]

    def fire(
        self, states: Int[np.ndarray, "states variables"]
    ) -> Int[np.ndarray, "states variables"]:
        """The states after one firing, inside the box or not."""
        targets = states.copy()
        targets[:, self.variables] += self.family.net_change
        return targets

    def is_allowed(
        self,
        states: Int[np.ndarray, "states variables"],
        caps: Int[np.ndarray, " variables"],
    ) -> Bool[np.ndarray, " states"]:
        """Where the firing stays inside the box: elsewhere the channel is off."""
        after = states[:, self.variables] + self.family.net_change
        inside = (after >= 0) & (after <= caps[self.variables])
        return np.logical_and.reduce(inside, axis=1)

    def is_capped(
        self,
        states: Int[np.ndarray, "states variables"],
        caps: Int[np.ndarray, " variables"],
    ) -> Bool[np.ndarray, " states"]:
        """Where only an upper cap stops the firing: the source of the leak."""
        after = states[:, self.variables] + self.family.net_change
        is_above = np.logical_or.reduce(after > caps[self.variables], axis=1)
        return is_above & np.logical_and.reduce(after >= 0, axis=1)

    def values(
        self,
        expr: Expr,
        states: Int[np.ndarray, "states variables"],
        parameters: Float[np.ndarray, " parameters"],
        t: float,
    ) -> Float[np.ndarray, " states"]:
        """An expression over the channel's slots, at each state."""
        counts = [states[:, v].astype(float) for v in self.variables]
        with np.errstate(all="ignore"):
            found = evaluate(expr, counts, parameters, t, np)
        return np.broadcast_to(np.asarray(found, dtype=float), len(states))


def channels_of(lowered: LoweredNetwork) -> Iterator[Channel]:
    """Every channel: family by family, instance by instance."""
    for family in lowered.families:
        for variables in family.variables:
            yield Channel(family, variables)


def timeless_factor(expr: Expr) -> Expr:
    """The factors that do not read `t`: where they vanish, the product always does.

    For an expression that does not read `t` at all, the expression itself.
    """
    if not depends_on_time(expr):
        return expr
    match expr:
        case Call(Function.MUL, (left, right)):
            return call(Function.MUL, timeless_factor(left), timeless_factor(right))
        case Call(Function.DIV, (above, _)):
            return timeless_factor(above)
        case _:
            return number(1)


@dataclass(frozen=True, eq=False)
class StateIndex:
    """Sorted states with their codes, so that a state is found by bisection."""

    states: Int[np.ndarray, "states variables"]
    codes: Shaped[np.ndarray, " states"]
    caps: Int[np.ndarray, " variables"]

    def positions(
        self, states: Int[np.ndarray, "found variables"]
    ) -> Int[np.ndarray, " found"]:
        """The positions of states that are known to be in the index."""
        return np.searchsorted(self.codes, encode(states, self.caps))


def encode(
    states: Int[np.ndarray, "states variables"], caps: Int[np.ndarray, " variables"]
) -> Shaped[np.ndarray, " states"]:
    """One sortable code a state, distinct for distinct states inside the box.

    Mixed-radix integers where the box is small enough, else the big-endian bytes.
    """
    sizes = [int(cap) + 1 for cap in caps]
    strides = [1]
    for size in reversed(sizes):
        strides.append(strides[-1] * size)
    if strides.pop() < LARGEST_CODED_BOX:
        return states @ np.array(strides[::-1], dtype=np.int64)
    rows = np.ascontiguousarray(states.astype(">u4"))
    return rows.view(f"S{4 * rows.shape[1]}")[:, 0]


def initial_law(
    lowered: LoweredNetwork, max_states: int
) -> tuple[Int[np.ndarray, "states variables"], Float[np.ndarray, " states"]]:
    """The states of the initial law and their probabilities, zeros left out.

    Raises:
        TooManyStatesError: the initial law alone has more states than allowed.
    """
    rows = np.zeros((1, 0), dtype=np.int64)
    weights = np.ones(1)
    for law in lowered.initial:
        support = np.flatnonzero(law)
        if len(rows) * len(support) > max_states:
            raise TooManyStatesError(len(rows) * len(support), max_states)
        column = np.tile(support, len(rows))[:, None]
        rows = np.hstack([np.repeat(rows, len(support), axis=0), column])
        weights = np.repeat(weights, len(support)) * np.tile(law[support], len(weights))
    return rows, weights


def reachable_states(lowered: LoweredNetwork, max_states: int) -> StateIndex:
    """Every state that the channels can reach from the initial law inside the box.

    A channel whose propensity depends on time counts as able to fire wherever its
    factors without `t` are not zero.

    Raises:
        TooManyStatesError: there are more states than `max_states`.
    """
    caps = lowered.space.caps
    channels = list(channels_of(lowered))
    frontier, _ = initial_law(lowered, max_states)
    seen = encode(frontier, caps)
    seen.sort()
    levels = [frontier]
    while len(frontier):
        found = frontier[:0]
        for channel in channels:
            fired = np.vstack([found, _successors(lowered, channel, frontier)])
            codes, first = np.unique(encode(fired, caps), return_index=True)
            found = fired[first[~_contains(seen, codes)]]
            if len(seen) + len(found) > max_states:
                raise TooManyStatesError(len(seen) + len(found), max_states)
        frontier = found
        seen = np.sort(np.concatenate([seen, encode(found, caps)]), kind="stable")
        levels.append(frontier)
    states = np.vstack(levels)
    return StateIndex(states[np.argsort(encode(states, caps))], seen, caps)


def _successors(
    lowered: LoweredNetwork,
    channel: Channel,
    states: Int[np.ndarray, "states variables"],
) -> Int[np.ndarray, "fired variables"]:
    """The states that one firing reaches from those where the channel can fire."""
    sources = states[channel.is_allowed(states, lowered.space.caps)]
    factor = timeless_factor(channel.family.propensity)
    alive = channel.values(factor, sources, lowered.parameters, 0.0) != 0
    return channel.fire(sources[alive])


def _contains(
    sorted_codes: Shaped[np.ndarray, " seen"], codes: Shaped[np.ndarray, " codes"]
) -> Bool[np.ndarray, " codes"]:
    """Which codes are among the sorted ones."""
    places = np.searchsorted(sorted_codes, codes)
    inside = places < len(sorted_codes)
    inside[inside] = sorted_codes[places[inside]] == codes[inside]
    return inside
