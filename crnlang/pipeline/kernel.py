"""The last stage of the compiler as text: the local generator of one state, in JAX."""

import jax
import jax.numpy as jnp

from crnlang.codegen.ansatz import build_model
from crnlang.codegen.kernel import build_kernel
from crnlang.ir.lowered import LoweredNetwork
from crnlang.settings import TdvpSettings


def show_kernel(lowered: LoweredNetwork) -> str:
    """The jaxpr of (W P)(n) / P(n) at one state n and time t, as text.

    The network is the default one, its weights constants.
    """
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's signature
    settings = TdvpSettings()
    kernel = build_kernel(lowered)
    model = build_model(lowered, settings, jax.random.key(settings.seed))
    counts = jnp.zeros(len(lowered.space.caps), int)
    jaxpr = jax.make_jaxpr(lambda n, t: kernel(model.log_ratios, n, t))(
        counts, jnp.zeros(())
    )
    return (
        f"# local generator of {lowered.network.name}: n, t -> (W P)(n) / P(n)\n"
        f"# n: copy numbers of {', '.join(lowered.space.names)}\n"
        f"# {kernel.channels} channels in {len(lowered.families)} families\n{jaxpr}\n"
    )
