"""Conditionals filled up with zeros, so that many share the same compiled programs.

Two conditionals differ in the earlier positions that they look at and in their copy
numbers. Both are rounded up: few shapes, and little work for nothing. What is filled
up adds nothing to a logit, so its gradient and its rows of the Fisher matrix are zero
and a damped step leaves it at zero.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.nn.conditional import Conditional, ConditionalNetworks
from crnlang.nn.counts import FEATURES, Counts
from crnlang.nn.mask import StateMask


def padded(model: ConditionalNetworks, place: int) -> Conditional:
    """The network of free position number `place`, filled up: numpy arrays, float64."""
    network = model.networks[place]
    levels = _levels(network)
    functions, width = levels - 1, len(network.shift)
    basis = min(max(n.outward.shape[0] for n in model.networks), functions)
    inward = np.zeros((width, FEATURES, _earlier(model, place)))
    inward[:, :, :place] = np.asarray(network.inward).reshape(width, FEATURES, place)
    return Conditional(
        inward=inward.reshape(width, -1),
        shift=np.asarray(network.shift, float),
        outward=_filled(network.outward, (basis, width)).astype(float),
        bias=_filled(network.bias, (functions,)).astype(float),
        smooth=_filled(network.smooth, (levels, functions)).astype(float),
    )


def cropped(
    model: ConditionalNetworks, place: int, row: Float[np.ndarray, " weights"]
) -> Float[np.ndarray, " fewer"]:
    """The weights of a network from those of the same filled up."""
    network, wide = model.networks[place], padded(model, place).with_weights(row)
    inward = wide.inward.reshape(len(network.shift), FEATURES, -1)
    parts = (
        inward[:, :, :place],
        wide.shift,
        wide.outward[: network.outward.shape[0]],
        wide.bias[: network.bias.shape[0]],
    )
    return np.concatenate([np.ravel(part) for part in parts])


def inputs(
    model: ConditionalNetworks, place: int, prefixes: Int[np.ndarray, "rows variables"]
) -> tuple[Float[np.ndarray, "rows features"], Bool[np.ndarray, "rows levels"]]:
    """What `padded` is evaluated at, and the copy numbers that each prefix leaves open.

    Compiled for each number of rows.
    """
    counts = jax.tree.map(lambda a: jnp.asarray(a, float), model.counts)
    x, is_open = _inputs(model.mask, counts, jnp.asarray(place), jnp.asarray(prefixes))
    levels, earlier = _levels(model.networks[place]), _earlier(model, place)
    x = np.asarray(x)[:, :, :earlier].reshape(len(x), -1)
    return x, _filled(np.asarray(is_open)[:, :levels], (len(x), levels))


@eqx.filter_jit
def _inputs(
    mask: StateMask,
    counts: Counts,
    place: Int[Array, ""],
    prefixes: Int[Array, "rows variables"],
) -> tuple[Float[Array, "rows kinds free"], Bool[Array, "rows levels"]]:
    free = np.asarray(mask.free)
    features = jax.vmap(counts)(prefixes[:, free])
    x = jnp.where(jnp.arange(len(free)) < place, features, 0.0)
    return x, jax.vmap(mask.allowed, (0, None))(prefixes, jnp.asarray(free)[place])


def _levels(network: Conditional) -> int:
    """The copy numbers of a network, rounded up to three binary digits."""
    levels = max(network.smooth.shape[0], 2)
    unit = 1 << max(levels.bit_length() - 3, 0)
    return -(-levels // unit) * unit


def _earlier(model: ConditionalNetworks, place: int) -> int:
    """The free positions before a place, rounded up to a power of two."""
    return min(max(1 << max(place - 1, 0).bit_length(), 4), len(model.networks))


def _filled(array: Array | np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The array with zeros behind it along every axis."""
    missing = [
        (0, whole - size) for whole, size in zip(shape, array.shape, strict=True)
    ]
    return np.pad(np.asarray(array), missing)
