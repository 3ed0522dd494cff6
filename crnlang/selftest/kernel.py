"""The JAX kernel and network on many small networks, without compiling for each.

Operations are dispatched one by one, on batches of one size, so that XLA compiles each
only for the few shapes that small networks have.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.codegen.ansatz import build_model
from crnlang.codegen.kernel import build_kernel
from crnlang.ir.lowered import LoweredNetwork
from crnlang.settings import TdvpSettings

#: States in a batch; the last one is filled up with copies of the state 0.
BATCH = 64
#: Samples drawn of each network.
SAMPLES = 16
FLOAT64 = np.dtype("float64")


def local_generator(
    lowered: LoweredNetwork,
    states: Int[np.ndarray, "states variables"],
    law: Float[np.ndarray, " states"],
    t: float,
) -> tuple[Float[np.ndarray, " states"], Float[np.ndarray, " states"]]:
    """(W P)(n) / P(n) and the total out-flux at every state of the box, in rows."""
    kernel = build_kernel(lowered)
    strides = np.append(np.cumprod((lowered.space.caps + 1)[:0:-1])[::-1], 1)
    table = jnp.asarray(_padded(np.log(law)))

    def log_ratios(
        counts: Int[Array, " variables"],
        changes: Int[np.ndarray, "channels variables"],
        inside: Bool[Array, " channels"],
    ) -> Float[Array, " channels"]:
        neighbours = counts + jnp.where(inside[:, None], changes, 0)
        return (
            table[jnp.sum(neighbours * strides, 1)] - table[jnp.sum(counts * strides)]
        )

    now = jnp.asarray(t, FLOAT64)

    def at(counts: Int[Array, " variables"]) -> tuple[Array, Array]:
        return kernel(log_ratios, counts, now), jnp.sum(kernel.outflux(counts, now))

    rates, losses = _in_batches(at, states)
    return rates, losses


def samples_of(
    lowered: LoweredNetwork, seed: int
) -> Int[np.ndarray, "samples variables"]:
    """Draws of the autoregressive network, its weights scattered at random.

    Raises:
        AnsatzError: the conservation laws are too entangled to be masked exactly.
    """
    rng = np.random.default_rng(seed)
    settings = TdvpSettings(width=2, basis=2)
    model = build_model(lowered, settings, jax.random.key(seed))
    blocks = [
        np.asarray(block) + 0.5 * rng.normal(size=block.shape)
        for block in model.weight_blocks()
    ]
    model = model.with_weight_blocks(tuple(jnp.asarray(block) for block in blocks))
    uniforms = rng.uniform(size=(SAMPLES, len(lowered.space.caps)))
    return np.asarray(jax.vmap(model.sample)(jnp.asarray(uniforms)))


def _padded(values: Float[np.ndarray, " states"]) -> Float[np.ndarray, " _padded"]:
    """The values in a table of a size that few networks exceed."""
    size = 1024
    while size < len(values):
        size *= 2
    return np.append(values, np.zeros(size - len(values)))


def _in_batches(
    at: Callable[[Array], tuple[Array, Array]],
    states: Int[np.ndarray, "states variables"],
) -> tuple[Float[np.ndarray, " states"], ...]:
    """Two numbers for each state."""
    found: list[np.ndarray] = []
    for start in range(0, len(states), BATCH):
        batch = np.zeros((BATCH, states.shape[1]), dtype=int)
        part = states[start : start + BATCH]
        batch[: len(part)] = part
        pair = jax.vmap(at)(jnp.asarray(batch))
        found.append(np.stack([np.asarray(one)[: len(part)] for one in pair]))
    return tuple(np.concatenate(found, axis=1))
