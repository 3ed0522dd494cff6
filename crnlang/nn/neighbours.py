"""Which conditionals must be evaluated anew for the neighbours of a state.

A neighbour n + s differs from n in a few variables. The conditional at position p
feels it in two ways: through its prefix, which asks for a new evaluation, and through
the copy number at p itself, which asks only for another logit. Channels whose net
changes agree before p share the evaluation. What a first layer sees of a prefix changes
by the sum of a few single changes, one variable each, which all evaluations share.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int


@dataclass(frozen=True, eq=False)
class Evaluations:
    """What the conditional at one position has to do for all channels.

    Evaluation 0 is that of the state itself. Axis `here`: the channels that change
    the position or its prefix.
    """

    #: Change of the prefix at each evaluation, 0 from the position on.
    shifts: Int[np.ndarray, "evaluations variables"]
    #: The single changes that make up each shift; `Singles.none` fills up the rows.
    parts: Int[np.ndarray, "evaluations most"]
    #: Whether an evaluation serves a channel.
    users: Bool[np.ndarray, "evaluations channels"]
    channels: Int[np.ndarray, " here"]
    #: The evaluation that each of `channels` reads.
    evaluation: Int[np.ndarray, " here"]
    #: Change of the copy number at the position itself.
    steps: Int[np.ndarray, " here"]


@dataclass(frozen=True, eq=False)
class Singles:
    """The changes of single free variables that net changes are made of.

    In the order of their place among the free positions.
    """

    place: Int[np.ndarray, " singles"]
    step: Int[np.ndarray, " singles"]

    @property
    def none(self) -> int:
        """Stands for no change."""
        return len(self.place)

    def before(self, number: int) -> int:
        """How many there are of the free positions before one."""
        return int(np.searchsorted(self.place, number))


def list_singles(moves: Int[np.ndarray, "channels free"]) -> Singles:
    """The single changes of net changes at the free positions."""
    _, place = np.nonzero(moves)
    found = np.unique(np.stack([place, moves[moves != 0]], axis=1), axis=0)
    return Singles(found[:, 0], found[:, 1])


def _list_parts(
    shifts: Int[np.ndarray, "evaluations variables"],
    singles: Singles,
    free: tuple[int, ...],
) -> Int[np.ndarray, "evaluations most"]:
    """The single changes of each shift at the free positions."""
    matches = shifts[:, list(free)][:, singles.place] == singles.step
    most = max(int(matches.sum(axis=1).max(initial=0)), 1)
    found = np.full((len(shifts), most), singles.none)
    row, single = np.nonzero(matches)
    found[row, (np.cumsum(matches, axis=1) - 1)[row, single]] = single
    return found


def list_evaluations(
    moves: Int[np.ndarray, "channels variables"],
    position: int,
    singles: Singles,
    free: tuple[int, ...],
) -> Evaluations:
    """The evaluations of one position; `moves` are net changes in the model's order."""
    prefix = np.where(np.arange(moves.shape[1]) < position, moves, 0)
    channels = np.flatnonzero(moves[:, : position + 1].any(axis=1))
    rows = np.concatenate([np.zeros_like(prefix[:1]), prefix[channels]])
    shifts, first, place = np.unique(
        rows, axis=0, return_index=True, return_inverse=True
    )
    base_first = np.argsort(first)
    rank = np.argsort(base_first)
    evaluation = rank[place.ravel()][1:]
    users = np.zeros((len(shifts), len(moves)), bool)
    users[evaluation, channels] = True
    return Evaluations(
        shifts=shifts[base_first],
        parts=_list_parts(shifts[base_first], singles, free),
        users=users,
        channels=channels,
        evaluation=evaluation,
        steps=moves[channels, position],
    )
