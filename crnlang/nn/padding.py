"""Conditionals filled up with zeros, so that many share the same compiled programs.

Two conditionals differ in what they see of the earlier positions and in their copy
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
from crnlang.nn.counts import FEATURES, features_of
from crnlang.nn.inputs import members_of
from crnlang.nn.mask import StateMask


def padded(model: ConditionalNetworks, place: int) -> Conditional:
    """The network of free position number `place`, filled up: numpy arrays, float64."""
    network = model.networks[place]
    levels = _levels(network)
    functions, width = levels - 1, len(network.shift)
    basis = min(max(n.outward.shape[0] for n in model.networks), functions)
    seen = len(model.inputs[place])
    inward = np.zeros((width, FEATURES, _inputs_of(model, place)))
    inward[:, :, :seen] = np.asarray(network.inward).reshape(width, FEATURES, seen)
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
        inward[:, :, : len(model.inputs[place])],
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
    seen = _inputs_of(model, place)
    members = _filled(
        members_of(model.inputs[place], len(model.networks)),
        (seen, len(model.networks)),
    )
    scale = members @ np.asarray(model.counts.scale, float)
    given = map(jnp.asarray, (members, scale, place, prefixes))
    x, is_open = _inputs(model.mask, *given)
    levels = _levels(model.networks[place])
    x, is_open = np.asarray(x).reshape(len(x), -1), np.asarray(is_open)
    return x, _filled(is_open[:, :levels], (len(x), levels))


@eqx.filter_jit
def _inputs(
    mask: StateMask,
    members: Int[Array, "inputs free"],
    scale: Float[Array, " inputs"],
    place: Int[Array, ""],
    prefixes: Int[Array, "rows variables"],
) -> tuple[Float[Array, "rows kinds inputs"], Bool[Array, "rows levels"]]:
    free = np.asarray(mask.free)
    sums = prefixes[:, free].astype(scale.dtype) @ members.T.astype(scale.dtype)
    features = jax.vmap(features_of, (0, None))(sums, jnp.maximum(scale, 1.0))
    x = jnp.where(scale > 0, features, 0.0)
    return x, jax.vmap(mask.allowed, (0, None))(prefixes, jnp.asarray(free)[place])


def _levels(network: Conditional) -> int:
    """The copy numbers of a network, rounded up to three binary digits."""
    levels = max(network.smooth.shape[0], 2)
    unit = 1 << max(levels.bit_length() - 3, 0)
    return -(-levels // unit) * unit


def _inputs_of(model: ConditionalNetworks, place: int) -> int:
    """What the network of a place sees, rounded up to a power of two."""
    seen, most = len(model.inputs[place]), max(map(len, model.inputs))
    return min(max(1 << max(seen - 1, 0).bit_length(), 4), max(most, 1))


def _filled(array: Array | np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The array with zeros behind it along every axis."""
    missing = [
        (0, whole - size) for whole, size in zip(shape, array.shape, strict=True)
    ]
    return np.pad(np.asarray(array), missing)
