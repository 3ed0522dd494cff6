"""Many states through one program, a fixed number at a time: bounds its memory.

Devices that share a batch (`solve.mesh`) each take their own pieces.
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr
from jaxtyping import Array, Float, Int, Integer, PyTree

from crnlang.nn.base import SUMS, AbstractAutoregressive
from crnlang.solve.mesh import BATCH, SHARED, WHOLE, readable, workers
from crnlang.solve.problem import Generator

#: States in one call of a network.
CHUNK = 2**12
#: Bytes of all numbers on the way to the local generators of one piece, and most states
#: in it: what was fastest on two cores; a GPU wants large pieces.
ROOM = {"cpu": (800 * 2**20, 1024), "gpu": (8 * 2**30, 2**20)}

_sizes: dict[Hashable, int] = {}


def over_batch(
    function: Callable[..., PyTree[Array]],
    batch: PyTree[Array],
    size: int | None = None,
) -> PyTree[Array]:
    """`function` of every state of a batch, `size` states or a few less at a time.

    All at once where no size is given. Where devices share the batch each takes its own
    part; states that fill up the last part are left out again. Arrays that `function`
    reads are to be leaves of it as a pytree, as those of a method of a module or of an
    `eqx.Partial` are. Part of a compiled program, unlike `in_pieces`.
    """
    devices = workers()
    if devices == 1:
        return _in_turn(function, batch, size)
    length = len(jax.tree.leaves(batch)[0])
    read, rest = eqx.partition(function, eqx.is_array)
    whole = jax.shard_map(
        lambda read, own: _in_turn(eqx.combine(read, rest), own, size),
        in_specs=(WHOLE, SHARED),
        out_specs=SHARED,
        # the check would add up over the devices what each finds of its own states
        check_vma=False,
    )(read, _filled(batch, -length % devices))
    return jax.tree.map(lambda x: x[:length], whole)


def sum_over_batch(
    function: Callable[..., PyTree[Array]], batch: PyTree[Array], size: int
) -> PyTree[Array]:
    """The sum of `function` of parts of a batch, at most `size` rows each.

    The last part is filled up with rows of zeros, of which `function` must make zero.
    As `over_batch` otherwise.
    """

    def total(read: PyTree[Array], own: PyTree[Array]) -> PyTree[Array]:
        part, length = eqx.combine(read, rest), len(jax.tree.leaves(own)[0])
        pieces = -(-length // size)
        split = _split(_with_zeros(own, pieces * size - length), pieces)
        nothing = jax.tree.map(
            lambda x: jnp.zeros(x.shape, x.dtype),
            jax.eval_shape(part, jax.tree.map(lambda x: x[0], split)),
        )
        return jax.lax.scan(
            lambda sums, piece: (jax.tree.map(jnp.add, sums, part(piece)), None),
            nothing,
            split,
        )[0]

    read, rest = eqx.partition(function, eqx.is_array)
    devices = workers()
    if devices == 1:
        return total(read, batch)
    return jax.shard_map(
        lambda read, own: jax.lax.psum(total(read, own), BATCH),
        in_specs=(WHOLE, SHARED),
        out_specs=WHOLE,
        check_vma=False,
    )(read, _with_zeros(batch, -len(jax.tree.leaves(batch)[0]) % devices))


def _in_turn(
    function: Callable[..., PyTree[Array]], batch: PyTree[Array], size: int | None
) -> PyTree[Array]:
    """`function` of every state, on one device."""
    length = len(jax.tree.leaves(batch)[0])
    pieces = -(-length // (size or length))
    if pieces == 1:
        return jax.vmap(function)(batch)
    size = -(-length // pieces)
    filled = _filled(batch, pieces * size - length)
    found = jax.lax.map(jax.vmap(function), _split(filled, pieces))
    return jax.tree.map(lambda x: jax.lax.collapse(x, 0, 2)[:length], found)


def _filled(batch: PyTree[Array], missing: int) -> PyTree[Array]:
    """The batch with its first state some more times behind it."""
    return jax.tree.map(
        lambda x: jnp.concatenate([x, jnp.repeat(x[:1], missing, axis=0)]), batch
    )


def _split(batch: PyTree[Array], pieces: int) -> PyTree[Array]:
    """The batch as pieces of one size, along a new first axis."""
    return jax.tree.map(
        lambda x: x.reshape(pieces, len(x) // pieces, *x.shape[1:]), batch
    )


def _with_zeros(batch: PyTree[Array], missing: int) -> PyTree[Array]:
    """The batch with rows of zeros behind it."""
    return jax.tree.map(
        lambda x: jnp.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)), batch
    )


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
        state = jnp.zeros(len(model.order), int), jnp.zeros((), SUMS)
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
    return readable(over_batch(model.log_prob, states))
