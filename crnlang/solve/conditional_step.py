"""One step of every conditional by itself, at the prefixes of a batch.

Heun's method in the space of laws: with y(m | r) = P(m | r) at the prefixes r,

    y1 = y + dt f(y),    y2 = y + dt/2 (f(y) + f(y1)),

f being the rates of `solve.conditional_rates`. After each stage every conditional is
fitted to its table by maximum likelihood (`solve.adjust`), which is a sum over likely
prefixes and over all copy numbers: no ratio of small probabilities enters, and where
the network can follow the motion no noise does. The distance of y1 and y2 is the error
of the step.
"""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.settings import TdvpSettings
from crnlang.solve.adjust import Follower
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.conditional_fit import Rows, law_of, list_rows
from crnlang.solve.conditional_rates import ConditionalRates, conditional_rates
from crnlang.solve.pieces import over_batch, piece_size
from crnlang.solve.problem import Generator
from crnlang.solve.projected import SHORTER, TRIES, ProjectedStep
from crnlang.solve.race import NEVER, race


@dataclass(frozen=True, eq=False)
class Prefixes:
    """States drawn from P, their weights (sum 1), and their prefixes at every position.

    `effective_size` is how many independent draws would be as exact.
    """

    states: Int[np.ndarray, "states variables"]
    weights: Float[np.ndarray, " states"]
    effective_size: float
    rows: tuple[Rows, ...]


@dataclass(frozen=True, eq=False)
class Motion:
    """P(m | r) of every row times its mass, how it moves, and the part that is sampled.

    `noise` is the standard deviation of sums over the batch of what is sampled.
    """

    law: list[Float[np.ndarray, "rows levels"]]
    rates: list[Float[np.ndarray, "rows levels"]]
    sampled: list[Float[np.ndarray, "rows levels"]]
    noise: float


class Drawer:
    """Draws prefixes again and again under changing models with the same programs."""

    def __init__(self, generator: Generator, settings: TdvpSettings) -> None:
        self.generator = generator
        self.samples = settings.samples
        self.points = None
        if settings.sampling == "sobol":
            variables = generator.net_changes.shape[1]
            self.points = sobol_points(settings.samples, variables, settings.seed)

    def draw(self, model: ConditionalNetworks, key: PRNGKeyArray) -> Prefixes:
        """States and their prefixes."""
        found = _draw(model, key, self.points, self.samples)
        states, weights, missed = (np.asarray(part) for part in found)
        order = np.argsort(-weights, kind="stable")
        states, weights, missed = states[order], weights[order], missed[order]
        noise = float(np.sum(weights**2 * missed))
        size = 1 / noise if noise > 0 else np.inf
        ordered = states[:, list(model.order)]
        places = range(len(model.networks))
        rows = (list_rows(model, place, ordered, weights) for place in places)
        return Prefixes(states, weights, size, tuple(rows))

    def motion(
        self, model: ConditionalNetworks, prefixes: Prefixes, t: float
    ) -> Motion:
        """How every conditional moves at time t."""
        time = jnp.asarray(t, model.dtype)
        found = _rates(model, self.generator, jnp.asarray(prefixes.states), time)
        laws, rates, sampled, noise = [], [], [], 0.0
        share = prefixes.weights[:, None]
        for place, (here, rows) in enumerate(zip(found, prefixes.rows, strict=True)):
            law, moving, extra = (
                np.asarray(part, float) for part in (here.law, here.rates, here.sampled)
            )
            laws.append(rows.gather(share * law))
            rates.append(rows.gather(share * moving))
            variable = model.order[model.mask.free[place]]
            delta = -extra[:, None] * law
            delta[np.arange(len(law)), prefixes.states[:, variable]] += extra
            sampled.append(rows.gather(share * delta))
            noise = max(noise, float(np.sqrt(prefixes.weights**2 @ extra**2)))
        return Motion(laws, rates, sampled, noise)


def conditional_step(
    model: ConditionalNetworks,
    drawer: Drawer,
    prefixes: Prefixes,
    t: float,
    dt: float,
    tolerance: float,
) -> ProjectedStep:
    """Take one step, shortened until its error is small enough.

    The result may still be bad after `TRIES`: then `error` is not below the tolerance
    and `model` is the model before the step.
    """
    start = drawer.motion(model, prefixes, t)
    rejections = 0
    while True:
        first, spilled = _moved(start, [start], dt)
        follower = Follower(len(model.networks))
        halfway = follower.fit(model, prefixes.rows, first, dt * start.noise)
        there = drawer.motion(halfway, prefixes, t + dt)
        second, _ = _moved(start, [start, there], dt)
        error = 2 * _distance(first, second) + spilled
        if error < tolerance:
            break
        rejections += 1
        if rejections == TRIES:
            return ProjectedStep(model, dt, error, 1.0, 1.0, rejections)
        dt *= SHORTER
    moved = follower.fit(halfway, prefixes.rows, second, dt * start.noise)
    laws = [
        law_of(moved, place, rows) * rows.mass[:, None]
        for place, rows in enumerate(prefixes.rows)
    ]
    missed, whole = _distance(laws, second), _distance(start.law, second)
    residual = missed / whole if whole > 0 else 0.0
    return ProjectedStep(moved, dt, error, residual, 2**0.5 * missed, rejections)


def _moved(
    start: Motion, motions: list[Motion], dt: float
) -> tuple[list[Float[np.ndarray, "rows levels"]], float]:
    """The tables after dt at the mean of some rates, and what fell below 0.

    What is sampled is right on average alone and may leave less than nothing in a row.
    """
    found, spilled, share = [], 0.0, dt / len(motions)
    for place, law in enumerate(start.law):
        whole = law.sum(axis=1, keepdims=True)
        moved = law + share * sum(motion.rates[place] for motion in motions)
        spilled += float(np.sum(np.maximum(-moved, 0.0)))
        moved = np.maximum(moved, 0.0)
        left = moved.sum(axis=1, keepdims=True)
        moved *= whole / np.where(left > 0, left, 1.0)
        moved += share * sum(motion.sampled[place] for motion in motions)
        found.append(moved)
    return found, spilled


def _distance(
    one: list[Float[np.ndarray, "rows levels"]],
    other: list[Float[np.ndarray, "rows levels"]],
) -> float:
    """A bound on the Hellinger distance of two laws, from those of the conditionals."""
    total = 0.0
    for left, right in zip(one, other, strict=True):
        roots = np.sqrt(np.maximum(left, 0)) - np.sqrt(np.maximum(right, 0))
        total += float(np.sum(roots**2)) / 2
    return total**0.5


@eqx.filter_jit
def _draw(
    model: ConditionalNetworks,
    key: PRNGKeyArray,
    points: UInt[Array, "states variables"] | None,
    samples: int,
) -> tuple[
    Int[Array, "states variables"], Float[Array, " states"], Float[Array, " states"]
]:
    """States, their weights, and the chance of each to have been missed."""
    if points is not None:
        states = jax.vmap(model.sample)(quantiles(key, points, model.dtype))
        even = jnp.ones(samples, model.dtype)
        return states, even / samples, even
    drawn = race(model, samples, key)
    law = jnp.exp(jax.vmap(model.log_prob)(drawn.counts))
    seen = -jnp.expm1(-jnp.minimum(drawn.limit * law, 700.0))
    is_all = drawn.limit >= NEVER
    seen = jnp.where(is_all, 1.0, seen)
    weights = jnp.where(drawn.arrived & (law > 0), law / seen, 0.0)
    return drawn.counts, weights / jnp.sum(weights), 1.0 - seen


@eqx.filter_jit
def _rates(
    model: ConditionalNetworks,
    generator: Generator,
    states: Int[Array, "states variables"],
    t: Float[Array, ""],
) -> tuple[ConditionalRates, ...]:
    """The rates of every conditional at the prefixes of many states."""
    size = piece_size(model, generator)
    return over_batch(lambda n: conditional_rates(model, generator, n, t), states, size)
