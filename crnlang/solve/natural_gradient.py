"""The scheme of arXiv 2512.10309: natural gradient towards each explicit Euler step.

For a time step dt the target is T(n) = P_prev(n) (1 + dt e_prev(n)). Each epoch draws
a batch from the present P and takes

    theta <- theta - learning_rate (S + diag_shift)^-1 E[O (loss - mean loss)],
    loss = log P - log T,

with the full Fisher matrix S. Kept as the baseline that everything else is measured
against. Where 1 + dt e is not positive the Euler step has no logarithm: such samples
are left out and counted.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve
from jaxtyping import Array, Float, PRNGKeyArray

from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.settings import NatgradSettings
from crnlang.solve.estimate import add, rates_of, scores_of
from crnlang.solve.linear import BlockScores
from crnlang.solve.problem import Generator


@eqx.filter_jit
def natgrad_step(
    model: AbstractAutoregressive,
    generator: Generator,
    key: PRNGKeyArray,
    t: Float[Array, ""],
    dt: Float[Array, ""],
    settings: NatgradSettings,
) -> tuple[AbstractAutoregressive, Float[Array, ""], Float[Array, ""]]:
    """One time step: the new model, its loss spread, and the share of lost samples."""
    previous = model
    variables = model.order.shape[0]
    spread = lost = jnp.zeros((), dt.dtype)
    for epoch in range(settings.epochs):
        uniforms = jax.random.uniform(
            jax.random.fold_in(key, epoch), (settings.samples, variables), dt.dtype
        )
        counts = jax.vmap(model.sample)(uniforms)
        growth = 1.0 + dt * rates_of(previous, generator, counts, t)
        usable = growth > 0
        log_target = jax.vmap(previous.log_prob)(counts)
        log_target += jnp.log(jnp.where(usable, growth, 1.0))
        loss = jax.vmap(model.log_prob)(counts) - log_target
        kept = usable.astype(dt.dtype)
        weights = kept / jnp.maximum(jnp.sum(kept), 1.0)
        loss = jnp.where(usable, loss - jnp.sum(weights * loss), 0.0)
        step = _natural_gradient(
            scores_of(model, counts), loss, weights, settings.diag_shift
        )
        theta = model.weight_blocks()
        model = model.with_weight_blocks(add(theta, step, -settings.learning_rate))
        spread = jnp.sqrt(jnp.sum(weights * loss**2))
        lost = jnp.maximum(lost, 1.0 - jnp.mean(kept))
    return model, spread, lost


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
