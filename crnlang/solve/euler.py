"""Steps towards an explicit Euler step: by natural gradient, or first-order by Adam.

For a time step dt the target is T(n) = P_prev(n) (1 + dt e_prev(n)). Each epoch draws
a batch from the present P and goes down the slope of KL(P || T),

    E[O (loss - mean loss)],    loss = log P - log T,

by natural gradient, theta <- theta - learning_rate (S + diag_shift)^-1 E[O loss], with
the full Fisher matrix S (arXiv 2512.10309), or by Adam, which keeps its moments from
one time step to the next (Tang, Weng, Zhang, Nature Machine Intelligence 5 (2023) 376).
Kept as the baselines that everything else is measured against. Where 1 + dt e is not
positive the Euler step has no logarithm: such samples are left out and counted. A
share of the batch may come from a proposal (enhanced sampling of the same paper).
"""

from typing import cast

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from crnlang.nn.base import SUMS, AbstractAutoregressive, Blocks
from crnlang.settings import AdamSettings, EulerSettings, NatgradSettings
from crnlang.solve.estimate import rates_of, scores_of
from crnlang.solve.linear import project
from crnlang.solve.pieces import over_batch
from crnlang.solve.problem import Generator
from crnlang.solve.products import ScoreProducts
from crnlang.solve.proposal import Change, Drawn, change_of, draw
from crnlang.solve.smoothing import smoothed
from crnlang.solve.systems import choose_solver, solve_whole

#: The share of equal weights beside smoothed ones, as in arXiv 2512.10309.
EQUAL = 0.2


class EulerStep(eqx.Module):
    """One time step: the new model, and how far it is from its target.

    `state` is what the optimizer remembers, `spread` the standard deviation of
    log P - log T at the last epoch, `lost` the largest share of samples whose Euler
    step has no logarithm, `size` the smallest effective number of samples and `shape`
    the largest shape of the tail of their weights.
    """

    model: AbstractAutoregressive
    state: optax.OptState
    spread: Float[Array, ""]
    lost: Float[Array, ""]
    size: Float[Array, ""]
    shape: Float[Array, ""]


def first_state(
    model: AbstractAutoregressive, settings: EulerSettings
) -> optax.OptState:
    """What the optimizer remembers at the start."""
    return _rule(settings).init(model.weight_blocks())


@eqx.filter_jit
def euler_step(
    model: AbstractAutoregressive,
    generator: Generator,
    key: PRNGKeyArray,
    t: Float[Array, ""],
    dt: Float[Array, ""],
    state: optax.OptState,
    settings: EulerSettings,
) -> EulerStep:
    """Follow P (1 + dt e) for one time step."""
    rule = _rule(settings)

    def epoch(
        carry: tuple[Blocks, optax.OptState], key: PRNGKeyArray
    ) -> tuple[tuple[Blocks, optax.OptState], tuple[Array, ...]]:
        theta, state = carry
        present = model.with_weight_blocks(theta)
        counts, shares, shape = _batch(present, key, settings)
        loss, weights, lost = _loss(present, model, generator, counts, shares, t, dt)
        slope = _direction(present, counts, weights, loss, settings)
        with jax.numpy_dtype_promotion("standard"):  # Adam raises a float to an int
            change, state = rule.update(slope, state)
        spread = jnp.sqrt(jnp.sum(weights * loss**2))
        theta = cast(Blocks, optax.apply_updates(theta, change))
        size = 1 / jnp.sum(weights**2)
        return (theta, state), (spread, lost, size, shape)

    keys = jax.random.split(key, settings.epochs)
    start = model.weight_blocks(), state
    (theta, state), found = jax.lax.scan(epoch, start, keys)
    spread, lost, size, shape = found
    return EulerStep(
        model=model.with_weight_blocks(theta),
        state=state,
        spread=spread[-1],
        lost=jnp.max(lost),
        size=jnp.min(size),
        shape=jnp.max(shape),
    )


def _batch(
    model: AbstractAutoregressive, key: PRNGKeyArray, settings: EulerSettings
) -> tuple[Int[Array, "batch variables"], Float[Array, " batch"], Float[Array, ""]]:
    """States, their weights (sum 1), the shape of the tail of the weights.

    A share of the states is drawn from the proposal Q, the others from P; so the chance
    of each to be drawn is that of the mixture.
    """
    size, variables = settings.samples, len(model.order)
    uniforms = jax.random.uniform(key, (size, variables), SUMS)
    even = jnp.full(size, 1 / size, SUMS)
    if settings.proposal == "model":
        return over_batch(model.sample, uniforms), even, jnp.zeros((), SUMS)
    change = change_of(settings.proposal, settings.alpha, settings.window)
    others = round(settings.proposal_share * size)
    changed = jnp.where(jnp.arange(size) < others, variables, 0)
    drawn = over_batch(eqx.Partial(_draw, model, change), (uniforms, changed))
    share = others / size
    ratio = jnp.exp(jnp.minimum(drawn.log_q - drawn.log_p, 700.0))
    weights = 1 / (1 - share + share * ratio)
    weights = weights / jnp.sum(weights)
    smooth, shape = smoothed(weights)
    if settings.reweight == "none":
        weights = even
    elif settings.reweight == "pareto":
        smooth = smooth / jnp.sum(smooth)
        weights = (1 - EQUAL) * smooth + EQUAL * even
    return drawn.counts, weights, shape


def _draw(
    model: AbstractAutoregressive,
    change: Change,
    given: tuple[Float[Array, " variables"], Int[Array, ""]],
) -> Drawn:
    """A state at given quantiles, some positions drawn from changed conditionals."""
    uniforms, changed = given
    return draw(model, uniforms, change, changed)


def _rule(settings: EulerSettings) -> optax.GradientTransformation:
    assert isinstance(settings, NatgradSettings | AdamSettings)
    rule = optax.adam if isinstance(settings, AdamSettings) else optax.sgd
    return rule(settings.learning_rate)


def _loss(
    present: AbstractAutoregressive,
    previous: AbstractAutoregressive,
    generator: Generator,
    counts: Int[Array, "batch variables"],
    shares: Float[Array, " batch"],
    t: Float[Array, ""],
    dt: Float[Array, ""],
) -> tuple[Float[Array, " batch"], Float[Array, " batch"], Float[Array, ""]]:
    """log P - log T less its mean, the weight of each sample, the share left out."""
    growth = 1.0 + dt * rates_of(previous, generator, counts, t)
    usable = growth > 0
    log_target = over_batch(previous.log_prob, counts)
    log_target += jnp.log(jnp.where(usable, growth, 1.0))
    loss = over_batch(present.log_prob, counts) - log_target
    kept = jnp.where(usable, shares, 0.0)
    whole = jnp.sum(kept)
    weights = kept / jnp.where(whole > 0, whole, 1.0)
    centred = jnp.where(usable, loss - jnp.sum(weights * loss), 0.0)
    return centred, weights, 1.0 - whole


def _direction(
    present: AbstractAutoregressive,
    counts: Int[Array, "batch variables"],
    weights: Float[Array, " batch"],
    loss: Float[Array, " batch"],
    settings: EulerSettings,
) -> Blocks:
    """E[O loss], for natural gradient behind (S + diag_shift)^-1."""
    products = ScoreProducts(present, counts, jnp.zeros_like(weights))
    if not isinstance(settings, NatgradSettings):
        return products.project(weights * loss)
    solver = choose_solver(settings.solver, present, settings.samples, is_whole=True)
    scores = products if solver == "cg" else scores_of(present, counts)
    slope = project(scores, weights * loss)
    return solve_whole(solver, scores, weights, settings.diag_shift, slope)
