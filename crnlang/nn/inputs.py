"""What a conditional sees of the counts before it: its receptive field.

An input is the sum of the counts at some earlier free positions: of one, or of several
that are too far away to be seen one by one.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Real

#: The numbers of the free positions that each input of a conditional sums, those of
#: single positions first.
Inputs = tuple[tuple[int, ...], ...]


def all_before(free: int) -> tuple[Inputs, ...]:
    """Inputs of every conditional that sees all counts before it one by one."""
    return tuple(tuple((q,) for q in range(number)) for number in range(free))


def sums_of(inputs: Inputs, counts: Real[Array, " free"]) -> Real[Array, " inputs"]:
    """The inputs of one conditional, from the counts at free positions."""
    single = [members[0] for members in inputs if len(members) == 1]
    alone = counts[np.asarray(single, int)]
    rest = [counts[np.asarray(members)] for members in inputs[len(single) :]]
    return jnp.concatenate([alone, *(jnp.sum(some, keepdims=True) for some in rest)])


def changes_of(
    inputs: Inputs, moves: Int[np.ndarray, "channels free"]
) -> Int[np.ndarray, "channels inputs"]:
    """How net changes at the free positions change the inputs of one conditional."""
    return moves @ members_of(inputs, moves.shape[1]).T


def members_of(inputs: Inputs, free: int) -> Int[np.ndarray, "inputs free"]:
    """1 where an input sums a free position, else 0."""
    found = np.zeros((len(inputs), free), int)
    for row, members in enumerate(inputs):
        found[row, list(members)] = 1
    return found
