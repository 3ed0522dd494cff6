"""Other laws to draw from than the network's own, so that rare states are drawn too.

Each changes every conditional in turn, so that draws are as cheap as from the network
and their probability is known. Source: arXiv 2512.10309, where they are called random,
diffusive and alpha sampling.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.nn.base import SUMS, AbstractAutoregressive, at_quantile

#: log P(m | r) of the copy numbers that may stand at a position -> another law of them.
Change = Callable[[Float[Array, " branches"]], Float[Array, " branches"]]


def change_of(proposal: str, alpha: float, window: int) -> Change:
    """What a proposal makes of a conditional.

    - `random`: all copy numbers that are open are alike.
    - `diffusive`: the average of P over `window` copy numbers on either side.
    - `alpha`: P to the power `alpha`.
    - `model`: P itself.
    - `targets`: as `alpha`, for those states that are not drawn inside a box.
    """

    def random(log_p: Float[Array, " branches"]) -> Float[Array, " branches"]:
        return jnp.where(log_p > -jnp.inf, 0.0, -jnp.inf)

    def diffusive(log_p: Float[Array, " branches"]) -> Float[Array, " branches"]:
        if len(log_p) == 1:
            return log_p
        sums = jnp.convolve(jnp.exp(log_p), jnp.ones(2 * window + 1), mode="full")
        near = sums[window : window + len(log_p)]
        return jnp.where(log_p > -jnp.inf, jnp.log(near), -jnp.inf)

    def tempered(log_p: Float[Array, " branches"]) -> Float[Array, " branches"]:
        return jnp.where(log_p > -jnp.inf, alpha * log_p, -jnp.inf)

    changes = {
        "random": random,
        "diffusive": diffusive,
        "alpha": tempered,
        "targets": tempered,
    }
    if proposal == "model":
        return lambda log_p: log_p
    return lambda log_p: jax.nn.log_softmax(changes[proposal](log_p))


def within(
    inside: Bool[Array, " branches"], power: Float[Array, ""] | float = 1.0
) -> Change:
    """P to a power, given that the copy number is inside.

    P itself where that cannot be, or where every copy number is.
    """

    def change(log_p: Float[Array, " branches"]) -> Float[Array, " branches"]:
        powered = jnp.where(jnp.all(inside), 1.0, power) * log_p
        kept = jnp.where(inside & (log_p > -jnp.inf), powered, -jnp.inf)
        is_possible = jnp.any(kept > -jnp.inf)
        return jax.nn.log_softmax(jnp.where(is_possible, kept, log_p))

    return change


class Drawn(eqx.Module):
    """A state; log P and log Q of it, Q being the law of which all are changed.

    `log_share` is log P - log Q of the positions that were changed: so much of the law
    the state stands for. Of a box that is the chance to be inside.
    """

    counts: Int[Array, " variables"]
    log_p: Float[Array, ""]
    log_share: Float[Array, ""]
    log_q: Float[Array, ""]


def draw(
    model: AbstractAutoregressive,
    uniforms: Float[Array, " variables"],
    change: Change,
    changed: Int[Array, ""] | int,
    inside: Bool[Array, "variables levels"] | None = None,
    power: Float[Array, ""] | float = 1.0,
) -> Drawn:
    """A state whose first `changed` positions are drawn from changed conditionals.

    From `power` of those `within` a box, if one is given that excludes something.
    """
    ordered = jnp.zeros(len(model.order), int)
    log_p = log_share = log_q = jnp.zeros((), SUMS)
    for position in range(len(model.order)):
        values, plain = model.branches(ordered, position)
        other = change(plain)
        if inside is not None:
            here = within(inside[model.order[position], values], power)(plain)
            other = jnp.where(jnp.all(inside), other, here)
        is_changed = position < changed
        shares = jnp.exp(jnp.where(is_changed, other, plain))
        place = at_quantile(shares, uniforms[position])
        ordered = ordered.at[position].set(values[place])
        log_p, log_q = log_p + plain[place], log_q + other[place]
        log_share += jnp.where(is_changed, plain[place] - other[place], 0.0)
    return Drawn(ordered[np.argsort(model.order)], log_p, log_share, log_q)
