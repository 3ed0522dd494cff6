"""Which conditionals must be evaluated anew for the neighbours of a state.

A neighbour n + s differs from n in a few variables. The conditional at position p
feels it in two ways: through its prefix, which asks for a new evaluation, and through
the copy number at p itself, which asks only for another logit. Channels whose net
changes agree before p share the evaluation.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, eq=False)
class Evaluations:
    """What the conditional at one position has to do for all channels.

    Evaluation 0 is that of the state itself. Axis `here`: the channels that change
    the position or its prefix.
    """

    #: Change of the prefix at each evaluation, 0 from the position on.
    shifts: Int[np.ndarray, "evaluations variables"]
    #: Whether an evaluation serves a channel.
    users: Bool[np.ndarray, "evaluations channels"]
    channels: Int[np.ndarray, " here"]
    #: The evaluation that each of `channels` reads.
    evaluation: Int[np.ndarray, " here"]
    #: Change of the copy number at the position itself.
    steps: Int[np.ndarray, " here"]
    #: 1 where a row of `here` belongs to a channel.
    placement: Float[np.ndarray, "here channels"]


def list_evaluations(
    moves: Int[np.ndarray, "channels variables"], position: int
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
    placement = np.eye(len(moves))[channels]
    users = np.zeros((len(shifts), len(moves)), bool)
    users[evaluation, channels] = True
    return Evaluations(
        shifts=shifts[base_first],
        users=users,
        channels=channels,
        evaluation=evaluation,
        steps=moves[channels, position],
        placement=placement,
    )
