"""Many states through one program, a fixed number at a time: bounds its memory."""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr
from jaxtyping import Array, Float, Int, Integer, PyTree

from crnlang.nn.base import AbstractAutoregressive
from crnlang.solve.problem import Generator

#: States in one call of a network.
CHUNK = 2**12
#: Bytes of all numbers on the way to the local generators of one piece, and most states
#: in it: what was fastest on two cores; a GPU wants large pieces.
ROOM = {"cpu": (800 * 2**20, 1024), "gpu": (8 * 2**30, 2**20)}

_sizes: dict[Hashable, int] = {}


def over_batch(
    function: Callable[..., PyTree[Array]], states: PyTree[Array], size: int
) -> PyTree[Array]:
    """`function` of every state of a batch, `size` states or a few less at a time.

    Part of a compiled program, unlike `in_pieces`.
    """
    batch = len(jax.tree.leaves(states)[0])
    pieces = -(-batch // size)
    if pieces == 1:
        return jax.vmap(function)(states)
    size = -(-batch // pieces)
    missing = pieces * size - batch

    def split(x: Array) -> Array:
        filled = jnp.concatenate([x, jnp.repeat(x[:1], missing, axis=0)])
        return filled.reshape(pieces, size, *x.shape[1:])

    found = jax.lax.map(jax.vmap(function), jax.tree.map(split, states))
    return jax.tree.map(lambda x: jax.lax.collapse(x, 0, 2)[:batch], found)


def piece_size(model: AbstractAutoregressive, generator: Generator) -> int:
    """How many local generators at once have room: see `ROOM`."""
    room, most = ROOM["cpu" if jax.default_backend() == "cpu" else "gpu"]
    leaves, structure = jax.tree.flatten((model, generator))
    key = (
        structure,
        tuple(
            (leaf.shape, leaf.dtype) if isinstance(leaf, Array | np.ndarray) else leaf
            for leaf in leaves
        ),
    )
    if key not in _sizes:
        state = jnp.zeros(len(model.order), int), jnp.zeros((), model.dtype)
        program = jax.make_jaxpr(lambda n, t: generator(model.log_ratios, n, t))(*state)
        _sizes[key] = sum(_bytes_made(program.jaxpr))
    return min(max(room // _sizes[key], 1), most)


def _bytes_made(program: Jaxpr) -> Iterator[int]:
    """The bytes of every number that a program makes on its way."""
    for step in program.eqns:
        inner = [p for p in map(_program, step.params.values()) if p is not None]
        for part in inner:
            yield from _bytes_made(part)
        if not inner:
            yield from (_size(variable.aval) for variable in step.outvars)


def _size(made: Any) -> int:
    """Bytes of an array known by its type."""
    return made.size * made.dtype.itemsize


def _program(value: Any) -> Jaxpr | None:
    if isinstance(value, ClosedJaxpr):
        return value.jaxpr
    return value if isinstance(value, Jaxpr) else None


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
