"""Many states through one compiled program, a fixed number at a time."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Integer

from crnlang.nn.base import AbstractAutoregressive

#: States in one call of a network: bounds its memory.
CHUNK = 2**12


def in_pieces(
    function: Callable[[Int[Array, "size variables"]], Float[Array, "size ..."]],
    states: Integer[np.ndarray, "states variables"],
    size: int,
) -> Float[np.ndarray, "states ..."]:
    """`function` of every state in float64; the first state fills up the last piece."""
    missing = -len(states) % size
    padded = np.concatenate([states, np.repeat(states[:1], missing, axis=0)])
    found = [
        np.asarray(function(jnp.asarray(piece, int)))
        for piece in padded.reshape(-1, size, states.shape[1])
    ]
    return np.concatenate(found)[: len(states)].astype(float)


def log_probs(
    model: AbstractAutoregressive, states: Integer[np.ndarray, "states variables"]
) -> Float[np.ndarray, " states"]:
    """log P of every state."""
    return in_pieces(lambda piece: _log_probs(model, piece), states, CHUNK)


@eqx.filter_jit
def _log_probs(
    model: AbstractAutoregressive, states: Int[Array, "states variables"]
) -> Float[Array, " states"]:
    return jax.vmap(model.log_prob)(states)
