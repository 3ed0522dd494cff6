"""The scheme of arXiv 2512.10309: natural gradient towards each explicit Euler step.

For a time step dt the target is T(n) = P_prev(n) (1 + dt e_prev(n)). Each epoch draws
a batch from the present P and takes

    theta <- theta - learning_rate (S + diag_shift)^-1 E[O (loss - mean loss)],
    loss = log P - log T,

with the full Fisher matrix S; or, older still, Adam on the same loss. Kept as the
baseline that everything else is measured against. Where 1 + dt e is not positive the
Euler step has no logarithm: such samples are left out and counted.
"""

from typing import cast

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.scipy.linalg import cho_factor, cho_solve
from jaxtyping import Array, Float, Int, PRNGKeyArray

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.settings import NatgradSettings
from crnlang.solve.estimate import rates_of, scores_of
from crnlang.solve.linear import BlockScores, project
from crnlang.solve.problem import Generator


class EulerStep(eqx.Module):
    """One time step: the new model, and how far it is from its target.

    `spread` is the standard deviation of log P - log T at the last epoch, `lost` the
    largest share of samples whose Euler step has no logarithm.
    """

    model: AbstractAutoregressive
    spread: Float[Array, ""]
    lost: Float[Array, ""]


@eqx.filter_jit
def euler_step(
    model: AbstractAutoregressive,
    generator: Generator,
    key: PRNGKeyArray,
    t: Float[Array, ""],
    dt: Float[Array, ""],
    settings: NatgradSettings,
) -> EulerStep:
    """Follow P (1 + dt e) for one time step, by natural gradient or by Adam."""
    is_natural = settings.optimizer == "natural"
    rule = optax.sgd if is_natural else optax.adam
    optimizer = rule(settings.learning_rate)

    def epoch(
        carry: tuple[Blocks, optax.OptState], key: PRNGKeyArray
    ) -> tuple[tuple[Blocks, optax.OptState], tuple[Array, Array]]:
        theta, state = carry
        present = model.with_weight_blocks(theta)
        shape = (settings.samples, len(model.order))
        counts = jax.vmap(present.sample)(jax.random.uniform(key, shape, dt.dtype))
        loss, weights, lost = _loss(present, model, generator, counts, t, dt)
        scores = scores_of(present, counts)
        direction = project(scores, weights * loss)
        if is_natural:
            direction = _natural_gradient(scores, loss, weights, settings.diag_shift)
        change, state = optimizer.update(direction, state)
        spread = jnp.sqrt(jnp.sum(weights * loss**2))
        theta = cast(Blocks, optax.apply_updates(theta, change))
        return (theta, state), (spread, lost)

    theta = model.weight_blocks()
    keys = jax.random.split(key, settings.epochs)
    (theta, _), (spread, lost) = jax.lax.scan(
        epoch, (theta, optimizer.init(theta)), keys
    )
    return EulerStep(model.with_weight_blocks(theta), spread[-1], jnp.max(lost))


def _loss(
    present: AbstractAutoregressive,
    previous: AbstractAutoregressive,
    generator: Generator,
    counts: Int[Array, "batch variables"],
    t: Float[Array, ""],
    dt: Float[Array, ""],
) -> tuple[Float[Array, " batch"], Float[Array, " batch"], Float[Array, ""]]:
    """log P - log T less its mean, the weight of each sample, the share left out."""
    growth = 1.0 + dt * rates_of(previous, generator, counts, t)
    usable = growth > 0
    log_target = jax.vmap(previous.log_prob)(counts)
    log_target += jnp.log(jnp.where(usable, growth, 1.0))
    loss = jax.vmap(present.log_prob)(counts) - log_target
    kept = usable.astype(dt.dtype)
    weights = kept / jnp.maximum(jnp.sum(kept), 1.0)
    centred = jnp.where(usable, loss - jnp.sum(weights * loss), 0.0)
    return centred, weights, 1.0 - jnp.mean(kept)


def _natural_gradient(
    scores: BlockScores,
    loss: Float[Array, " batch"],
    weights: Float[Array, " batch"],
    diag_shift: float,
) -> Blocks:
    """(S + diag_shift)^-1 E[O loss] with the full matrix S."""
    flat = jnp.concatenate([o.reshape(o.shape[0], -1) for o in scores], axis=1)
    gradient = flat.T @ (weights * loss)
    fisher = (flat * weights[:, None]).T @ flat
    shifted = fisher + diag_shift * jnp.eye(fisher.shape[0], dtype=fisher.dtype)
    solution = cho_solve(cho_factor(shifted), gradient)
    sizes = [o.shape[1] * o.shape[2] for o in scores]
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
    parts = jnp.split(solution, ends)
    return tuple(p.reshape(o.shape[1:]) for p, o in zip(parts, scores, strict=True))
