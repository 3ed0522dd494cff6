"""The reachable states of a network: breadth-first search over rows of counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, Integer, Shaped

from crnlang.ir.evaluate import evaluate
from crnlang.ir.expr import Call, Expr, Function, call, depends_on_time, number
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork
from crnlang.reference.refusals import TooManyStatesError
from crnlang.reference.triggers import settle

#: Mixed-radix codes of states up to this size of the box fit an `int64` safely.
LARGEST_CODED_BOX = 2**62
#: The initial law may pass through so many times `max_states` before it is cut.
ROOM = 4
#: The search looks for copies among no fewer rows than these.
AT_ONCE = 512


@dataclass(frozen=True, eq=False)
class Channel:
    """One instance of a family: a propensity on some variables, and their change.

    `parameters` are those at its site.
    """

    lowered: LoweredNetwork
    family: ChannelFamily
    variables: Int[np.ndarray, " width"]
    parameters: Float[np.ndarray, " parameters"]

    def fire(
        self, states: Int[np.ndarray, "states variables"]
    ) -> Int[np.ndarray, "states variables"]:
        """The states after one firing that is allowed, and the events it sets off."""
        targets = states.copy()
        targets[:, self.variables] += self.family.net_change
        return settle(self.lowered, states, targets)

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
        t: float,
        chosen: Int[np.ndarray, " chosen"] | None = None,
    ) -> Float[np.ndarray, " values"]:
        """An expression over the channel's slots, at each state or the chosen ones."""
        rows = slice(None) if chosen is None else chosen
        counts = [states[rows, v].astype(float) for v in self.variables]
        with np.errstate(all="ignore"):
            found = evaluate(expr, counts, self.parameters, t, np)
        size = len(states) if chosen is None else len(chosen)
        return np.broadcast_to(np.asarray(found, dtype=float), size)


def channels_of(lowered: LoweredNetwork) -> Iterator[Channel]:
    """Every channel: family by family, instance by instance."""
    for family in lowered.families:
        size = len(family.variables)
        columns = [np.broadcast_to(one, size) for one in lowered.constants(family)]
        table = np.array(columns, dtype=float).reshape(len(columns), size)
        for variables, parameters in zip(family.variables, table.T, strict=True):
            yield Channel(lowered, family, variables, parameters)


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

    @cached_property
    def compact(self) -> Integer[np.ndarray, "states variables"]:
        """The states in the smallest integers that hold the caps."""
        return self.states.astype(np.min_scalar_type(int(self.caps.max())))

    def positions(
        self, states: Int[np.ndarray, "found variables"]
    ) -> Int[np.ndarray, " found"]:
        """The positions of states that are known to be in the index."""
        return np.searchsorted(self.codes, encode(states, self.caps))

    def find(self, codes: Shaped[np.ndarray, " codes"]) -> Int[np.ndarray, " codes"]:
        """The positions of states by their codes; -1 for those not in the index."""
        return find(self.codes, codes)

    def targets(
        self, channel: Channel, sources: Int[np.ndarray, " sources"]
    ) -> Shaped[np.ndarray, " sources"]:
        """The codes of the states that a firing inside the box leads to."""
        strides = mixed_radix(self.caps)
        if strides is None or channel.lowered.network.triggers:
            return encode(channel.fire(self.states[sources]), self.caps)
        shift = (strides[channel.variables] * channel.family.net_change).sum()
        return self.codes[sources] + shift

    def keep(self, kept: Bool[np.ndarray, " states"]) -> "StateIndex":
        """The index of some of the states."""
        return StateIndex(self.states[kept], self.codes[kept], self.caps)

    def union(self, other: "StateIndex") -> "StateIndex":
        """The index of the states of both, which have none in common."""
        codes = np.concatenate([self.codes, other.codes])
        order = np.argsort(codes, kind="stable")
        states = np.vstack([self.states, other.states])
        return StateIndex(states[order], codes[order], self.caps)


def index_of(
    states: Int[np.ndarray, "states variables"], caps: Int[np.ndarray, " variables"]
) -> StateIndex:
    """The index of distinct states."""
    codes = encode(states, caps)
    order = np.argsort(codes)
    return StateIndex(states[order], codes[order], caps)


def find(
    sorted_codes: Shaped[np.ndarray, " known"], codes: Shaped[np.ndarray, " codes"]
) -> Int[np.ndarray, " codes"]:
    """The positions of codes among the sorted ones; -1 for those not among them."""
    if not len(sorted_codes):
        return np.full(len(codes), -1)
    places = np.minimum(np.searchsorted(sorted_codes, codes), len(sorted_codes) - 1)
    places[sorted_codes[places] != codes] = -1
    return places


def mixed_radix(
    caps: Int[np.ndarray, " variables"],
) -> Int[np.ndarray, " variables"] | None:
    """What one count of each variable adds to a code; `None` if the box is too large.

    The codes are additive: one firing shifts every code by the same number.
    """
    strides = [1]
    for cap in caps[::-1].tolist():
        strides.append(strides[-1] * (cap + 1))
    if strides.pop() >= LARGEST_CODED_BOX:
        return None
    return np.array(strides[::-1], dtype=np.int64)


def encode(
    states: Int[np.ndarray, "states variables"], caps: Int[np.ndarray, " variables"]
) -> Shaped[np.ndarray, " states"]:
    """One sortable code a state, distinct for distinct states inside the box.

    Mixed-radix integers where the box is small enough, else the big-endian bytes.
    """
    strides = mixed_radix(caps)
    if strides is not None:
        return states @ strides
    rows = np.ascontiguousarray(states.astype(">u4"))
    return rows.view(f"S{4 * rows.shape[1]}")[:, 0]


def initial_law(
    lowered: LoweredNetwork, max_states: int, drop: float = 0.0
) -> tuple[Int[np.ndarray, "states variables"], Float[np.ndarray, " states"]]:
    """The states of the initial law and their probabilities, zeros left out.

    The least likely states may be left out too, together at most `drop`.

    Raises:
        TooManyStatesError: the initial law alone has more states than allowed.
    """
    if lowered.start is not None:
        states, weights = lowered.start.states, lowered.start.weights
        kept = likeliest(weights, drop)
        if kept.sum() > max_states:
            raise TooManyStatesError(int(kept.sum()), max_states)
        return states[kept], weights[kept]
    rows = np.zeros((1, 0), dtype=np.int64)
    weights = np.ones(1)
    for law in lowered.initial:
        support = np.flatnonzero(law)
        if len(rows) * len(support) > ROOM * max_states:
            raise TooManyStatesError(len(rows) * len(support), max_states)
        column = np.tile(support, len(rows))[:, None]
        rows = np.hstack([np.repeat(rows, len(support), axis=0), column])
        weights = np.repeat(weights, len(support)) * np.tile(law[support], len(weights))
        kept = likeliest(weights, drop / len(lowered.initial))
        rows, weights = rows[kept], weights[kept]
        if len(rows) > max_states:
            raise TooManyStatesError(len(rows), max_states)
    return rows, weights


def likeliest(
    weights: Float[np.ndarray, " states"], drop: float
) -> Bool[np.ndarray, " states"]:
    """All but the smallest weights, which add up to at most `drop`."""
    order = np.argsort(weights)
    sums = weights[order].cumsum()
    kept = np.ones(len(weights), dtype=bool)
    kept[order[: np.searchsorted(sums, drop, side="right")]] = False
    return kept


def reachable_states(lowered: LoweredNetwork, max_states: int) -> StateIndex:
    """Every state that the channels can reach from the initial law inside the box.

    A channel whose propensity depends on time counts as able to fire wherever its
    factors without `t` are not zero, and an event as able to happen at any time.

    Raises:
        TooManyStatesError: there are more states than `max_states`.
    """
    caps = lowered.space.caps
    channels = list(channels_of(lowered))
    frontier, _ = initial_law(lowered, max_states)
    seen = np.sort(encode(frontier, caps))
    levels = [frontier]
    while len(frontier):
        fresh = _Fresh(seen, caps, max_states)
        for channel in channels:
            fresh.add(_successors(lowered, channel, frontier))
        for rows in _jumped(lowered, frontier):
            fresh.add(rows)
        frontier = fresh.merge()
        seen = np.sort(np.concatenate([seen, encode(frontier, caps)]), kind="stable")
        levels.append(frontier)
    return index_of(np.vstack(levels), caps)


class _Fresh:
    """States that were not seen before.

    Copies are looked for only once there are as many new rows as states: one channel
    after the other would look at all of them again, for each of thousands of channels.
    """

    def __init__(
        self,
        seen: Shaped[np.ndarray, " seen"],
        caps: Int[np.ndarray, " variables"],
        max_states: int,
    ) -> None:
        self.seen, self.caps, self.max_states = seen, caps, max_states
        self.found = np.zeros((0, len(caps)), dtype=np.int64)
        self.waiting: list[Int[np.ndarray, "fired variables"]] = []
        self.number = 0

    def add(self, rows: Int[np.ndarray, "fired variables"]) -> None:
        """Take in states.

        Raises:
            TooManyStatesError: with all seen, there are more than `max_states`.
        """
        self.waiting.append(rows)
        self.number += len(rows)
        if self.number > max(len(self.found), AT_ONCE):
            self.merge()

    def merge(self) -> Int[np.ndarray, "states variables"]:
        """All states so far, each of them once.

        Raises:
            TooManyStatesError: with all seen, there are more than `max_states`.
        """
        fired = np.vstack([self.found, *self.waiting])
        codes, first = np.unique(encode(fired, self.caps), return_index=True)
        self.found = fired[first[find(self.seen, codes) < 0]]
        self.waiting, self.number = [], 0
        if len(self.seen) + len(self.found) > self.max_states:
            raise TooManyStatesError(len(self.seen) + len(self.found), self.max_states)
        return self.found


def _jumped(
    lowered: LoweredNetwork, states: Int[np.ndarray, "states variables"]
) -> list[Int[np.ndarray, "jumped variables"]]:
    """What the events would make of states, where that is inside the box."""
    times = {jump.time for jump in lowered.jumps}
    images = [lowered.after_jumps(time, states) for time in sorted(times)]
    caps = lowered.space.caps
    inside = [((one >= 0) & (one <= caps)).all(axis=1) for one in images]
    return [
        settle(lowered, states[rows], one[rows])
        for one, rows in zip(images, inside, strict=True)
    ]


def _successors(
    lowered: LoweredNetwork,
    channel: Channel,
    states: Int[np.ndarray, "states variables"],
) -> Int[np.ndarray, "fired variables"]:
    """The states that one firing reaches from those where the channel can fire."""
    sources = states[channel.is_allowed(states, lowered.space.caps)]
    factor = timeless_factor(channel.family.propensity)
    alive = channel.values(factor, sources, 0.0) != 0
    return channel.fire(sources[alive])
