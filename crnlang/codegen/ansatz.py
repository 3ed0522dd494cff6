"""State space and settings -> the autoregressive network at the initial law.

Its law is the product of the initial laws exactly, so nothing is trained before the
run starts.
"""

import numpy as np
from jaxtyping import Float, PRNGKeyArray

from crnlang.diagnostics import Refusal
from crnlang.ir.lowered import LoweredNetwork
from crnlang.nn.conditional import ConditionalNetworks, build_conditional
from crnlang.nn.mask import build_mask
from crnlang.settings import NatgradSettings, NeuralSettings


class AnsatzError(Refusal):
    """No network can be built for a state space; the text says why and what to do."""

    exit_code = 3


def build_model(
    lowered: LoweredNetwork, settings: NeuralSettings, key: PRNGKeyArray
) -> ConditionalNetworks:
    """The network over the state space, in the precision of the settings.

    float64 needs `jax_enable_x64`.

    Raises:
        AnsatzError: the conservation laws are too entangled to be masked exactly.
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
    return build_conditional(
        mask,
        order,
        _initial_laws(lowered, settings),
        width=settings.width,
        basis=settings.basis,
        key=key,
        dtype=np.dtype(settings.precision),
    )


def _initial_laws(
    lowered: LoweredNetwork, settings: NeuralSettings
) -> tuple[Float[np.ndarray, " _levels"], ...]:
    """The law of every variable at the start; a little spread out for `natgrad`."""
    smear = settings.smear if isinstance(settings, NatgradSettings) else 0.0
    return tuple((1 - smear) * law + smear / len(law) for law in lowered.initial)
