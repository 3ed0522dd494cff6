"""State space and settings -> the autoregressive network at the initial law.

Its law is the product of the initial laws exactly, so nothing is trained before the
run starts.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from crnlang.codegen.receptive_field import local_inputs
from crnlang.diagnostics import Refusal
from crnlang.ir.lowered import LoweredNetwork
from crnlang.nn.base import AbstractAutoregressive, Numbers
from crnlang.nn.conditional import build_conditional
from crnlang.nn.gru import build_gru
from crnlang.nn.inputs import Inputs, all_before
from crnlang.nn.mask import StateMask, build_mask
from crnlang.nn.nade import build_nade
from crnlang.nn.transformer import build_transformer
from crnlang.settings import EulerSettings, NeuralSettings


class AnsatzError(Refusal):
    """No network can be built for a state space; the text says why and what to do."""

    exit_code = 3


def build_model(
    lowered: LoweredNetwork, settings: NeuralSettings, key: PRNGKeyArray
) -> AbstractAutoregressive:
    """The network over the state space, in the precision of the settings.

    float64 needs `jax_enable_x64`.

    Raises:
        AnsatzError: the conservation laws are too entangled to be masked exactly, or
            there is no lattice for a receptive field.
    """
    space = lowered.space
    order = space.order
    try:
        mask = build_mask(space.caps[order], space.laws[:, order], space.totals)
    except ValueError as error:
        raise AnsatzError(
            f"the network cannot obey the conservation laws exactly: {error}; lower "
            "the caps of the conserved species, or use `ssa`"
        ) from error
    model = _build(mask, order, _inputs(lowered, mask, settings), settings, key)
    dtype = np.dtype(settings.precision)
    arrays, others = eqx.partition(model, lambda leaf: isinstance(leaf, Numbers))
    arrays = jax.tree.map(
        lambda a: jnp.asarray(
            a, dtype if np.issubdtype(a.dtype, np.floating) else None
        ),
        arrays,
    )
    model = eqx.combine(arrays, others)
    return model.with_product_law(_initial_laws(lowered, settings))


def _build(
    mask: StateMask,
    order: Int[np.ndarray, " variables"],
    inputs: tuple[Inputs, ...],
    settings: NeuralSettings,
    key: PRNGKeyArray,
) -> AbstractAutoregressive:
    """The ansatz of the settings, whatever its law."""
    width, basis, layers = settings.width, settings.basis, settings.layers
    match settings.ansatz:
        case "nade":
            return build_nade(mask, order, width=width, basis=basis, key=key)
        case "gru":
            return build_gru(
                mask, order, width=width, basis=basis, layers=layers, key=key
            )
        case "transformer":
            return build_transformer(
                mask,
                order,
                width=width,
                basis=basis,
                layers=layers,
                heads=settings.heads,
                key=key,
            )
        case _:
            return build_conditional(
                mask, order, inputs, width=width, basis=basis, key=key
            )


def _inputs(
    lowered: LoweredNetwork, mask: StateMask, settings: NeuralSettings
) -> tuple[Inputs, ...]:
    """What each conditional sees.

    Raises:
        AnsatzError: there is no lattice for a receptive field.
    """
    if not settings.receptive_field:
        return all_before(len(mask.free))
    if lowered.network.lattice is None:
        raise AnsatzError(
            "`receptive_field` counts hops between the sites of a lattice, and this "
            "model has none; leave it out"
        )
    return local_inputs(lowered, mask.free, settings.receptive_field)


def _initial_laws(
    lowered: LoweredNetwork, settings: NeuralSettings
) -> tuple[Float[np.ndarray, " _levels"], ...]:
    """The law of every variable at the start; a little spread out for Euler steps."""
    smear = settings.smear if isinstance(settings, EulerSettings) else 0.0
    return tuple((1 - smear) * law + smear / len(law) for law in lowered.initial)
