"""Which channels read a count after a position, and what they change up to it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.solve.hats import knots_of
from crnlang.solve.problem import Generator

#: Networks are not asked for more later means of a state than this; then only counts
#: that are read make surprises.
MOST_MEANS = 1000


@dataclass(frozen=True, eq=False)
class LateChannels:
    """Channels that change a position or one before and read a count after it.

    `within` change none before it and it by `steps`; `across` are the others, and
    `moves` what they change of the free positions up to this one. `shifts` are the
    changes of the prefix that lead to where they come from, none first, and `kind` says
    which of them belongs to each that is `across`. `read` are the free
    positions after it that any of them reads. `later` are those whose counts make
    surprises: all up to the last one that is read, if the networks are asked for the
    means of them all (`is_asked`).
    """

    within: Int[np.ndarray, " within"]
    steps: Int[np.ndarray, " within"]
    across: Int[np.ndarray, " across"]
    moves: Int[np.ndarray, "across here"]
    shifts: Int[np.ndarray, "kinds before"]
    kind: Int[np.ndarray, " across"]
    read: Int[np.ndarray, " read"]
    later: Int[np.ndarray, " later"]
    is_asked: bool


def late_channels(
    model: ConditionalNetworks, generator: Generator, number: int
) -> LateChannels:
    """The late channels of a free position."""
    moves = generator.net_changes[:, list(model.order)]
    position, free = model.mask.free[number], list(model.mask.free[: number + 1])
    latest = latest_read(model, generator)
    is_late = latest > number
    is_before = (moves[:, :position] != 0).any(axis=1)
    within = np.flatnonzero(is_late & ~is_before & (moves[:, position] != 0))
    across = np.flatnonzero(is_late & is_before)
    steps = moves[within, position]
    reads = generator.reads[:, list(model.order)][[*within, *across]].any(axis=0)
    read = np.unique(known_from(model)[reads & (known_from(model) > number)])
    here = moves[across][:, free]
    all_later = np.arange(number + 1, read.max(initial=number) + 1)
    changes, kind = np.unique(-here[:, :-1], axis=0, return_inverse=True)
    shifts = np.concatenate([np.zeros((1, number), int), changes])
    knots = knots_of(len(model.networks[number].smooth))
    is_asked = len(shifts) * len(knots) * len(all_later) <= MOST_MEANS
    return LateChannels(
        within,
        steps,
        across,
        here,
        shifts,
        1 + kind.ravel(),
        read,
        all_later if is_asked else read,
        is_asked,
    )


def own_steps(
    model: ConditionalNetworks, generator: Generator, number: int, late: LateChannels
) -> Int[np.ndarray, " steps"]:
    """By what the channels change a free position; `late` are those that are late."""
    return np.setdiff1d([*own_moves(model, generator, number), *late.steps], 0)


def own_moves(
    model: ConditionalNetworks, generator: Generator, number: int
) -> Int[np.ndarray, " channels"]:
    """The change at a free position; 0 where the propensity reads a later count."""
    order, position = list(model.order), model.mask.free[number]
    return np.where(
        latest_read(model, generator) <= number,
        generator.net_changes[:, order][:, position],
        0,
    )


def known_from(model: ConditionalNetworks) -> Int[np.ndarray, " variables"]:
    """The free position from which on a count is known, for every position."""
    places = np.arange(len(model.order))
    return np.searchsorted(model.mask.free, places, side="right") - 1


def latest_read(
    model: ConditionalNetworks, generator: Generator
) -> Int[np.ndarray, " channels"]:
    """The last free position that the propensity of each channel reads, -1 for none."""
    reads = generator.reads[:, list(model.order)]
    return np.where(reads, known_from(model), -1).max(axis=1)
