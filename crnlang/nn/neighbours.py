"""Which conditionals must be evaluated anew for the neighbours of a state.

A neighbour n + s differs from n in a few variables. The conditional at position p
feels it in two ways: through its inputs, which asks for a new evaluation, and through
the copy number at p itself, which asks only for another logit. Channels whose net
changes do the same to the inputs share the evaluation. What a first layer sees changes
by the sum of a few single changes, one input each, which all evaluations share.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int


@dataclass(frozen=True, eq=False)
class Evaluations:
    """What the conditional at one position has to do for all channels.

    Evaluation 0 is that of the state itself. Axis `here`: the channels that change
    the position or what it reads, and others that were asked for.
    """

    #: Change of the prefix at each evaluation, where a law binds the position; 0 from
    #: the position on.
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
    """The changes of single inputs that net changes are made of, by their place."""

    place: Int[np.ndarray, " singles"]
    step: Int[np.ndarray, " singles"]

    @property
    def none(self) -> int:
        """Stands for no change."""
        return len(self.place)


def list_singles(moves: Int[np.ndarray, "channels inputs"]) -> Singles:
    """The single changes of what net changes do to inputs."""
    _, place = np.nonzero(moves)
    found = np.unique(np.stack([place, moves[moves != 0]], axis=1), axis=0)
    return Singles(found[:, 0], found[:, 1])


def _list_parts(
    shifts: Int[np.ndarray, "evaluations inputs"], singles: Singles
) -> Int[np.ndarray, "evaluations most"]:
    """The single changes of each shift."""
    matches = shifts[:, singles.place] == singles.step
    most = max(int(matches.sum(axis=1).max(initial=0)), 1)
    found = np.full((len(shifts), most), singles.none)
    row, single = np.nonzero(matches)
    found[row, (np.cumsum(matches, axis=1) - 1)[row, single]] = single
    return found


def list_evaluations(
    moves: Int[np.ndarray, "channels variables"],
    position: int,
    seen: Int[np.ndarray, "channels inputs"],
    singles: Singles,
    *,
    is_bound: bool,
    others: Bool[np.ndarray, " channels"],
) -> Evaluations:
    """The evaluations of one position; `moves` are net changes in the model's order.

    `seen` is what they do to its inputs, `singles` what that is made of. Where a law
    binds the position (`is_bound`) it reads the whole prefix. A channel that changes
    neither what it reads nor its own count is listed only if it is one of the `others`.
    """
    prefix = np.where(np.arange(moves.shape[1]) < position, moves, 0)
    read = np.concatenate([seen, prefix * is_bound], axis=1)
    here = read.any(axis=1) | (moves[:, position] != 0)
    channels = np.flatnonzero(here | (others & prefix.any(axis=1)))
    rows = np.concatenate([np.zeros_like(read[:1]), read[channels]])
    distinct, first, place = np.unique(
        rows, axis=0, return_index=True, return_inverse=True
    )
    base_first = np.argsort(first)
    rank = np.argsort(base_first)
    evaluation = rank[place.ravel()][1:]
    users = np.zeros((len(distinct), len(moves)), bool)
    users[evaluation, channels] = True
    inputs, shifts = np.split(distinct[base_first], [seen.shape[1]], axis=1)
    return Evaluations(
        shifts=shifts,
        parts=_list_parts(inputs, singles),
        users=users,
        channels=channels,
        evaluation=evaluation,
        steps=moves[channels, position],
    )
