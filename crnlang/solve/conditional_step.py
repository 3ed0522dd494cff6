"""One step of every conditional by itself, at the prefixes of a batch.

An exponential method of order 2 in the space of laws. With y(m) = P(m | r) for each
prefix r, and f its rates (`solve.conditional_rates`), T y is the part of them that
moves the count at the position alone; it is linear, and followed exactly:

    y1 = exp(dt T) y + int_0^dt exp((dt - s) T) N(y) ds,    N(y) = f(y) - T y
    y2 = y1 + int_0^dt exp((dt - s) T) (s / dt) (N(y1) - N(y)) ds

After each stage every conditional is fitted to its table by maximum likelihood
(`solve.adjust`), which is a sum over likely prefixes and over all copy numbers: no
ratio of small probabilities enters, and where the network can follow the motion no
noise does. The distance of y1 and y2 is the error of the step.

Source: Cox and Matthews, J. Comput. Phys. 176 (2002) 430 (ETD2RK).
"""

from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt
from scipy.sparse import csr_matrix, hstack, vstack

from crnlang.exponential import evolve
from crnlang.nn.conditional import ConditionalNetworks
from crnlang.settings import TdvpSettings
from crnlang.solve.adjust import Follower
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.conditional_fit import Rows, law_of, list_rows
from crnlang.solve.conditional_rates import (
    ConditionalRates,
    conditional_rates,
    own_steps,
)
from crnlang.solve.pieces import over_batch, piece_size
from crnlang.solve.problem import Generator
from crnlang.solve.projected import EXPANDED, SHORTER, TRIES, ProjectedStep
from crnlang.solve.race import NEVER, race


@dataclass(frozen=True, eq=False)
class Prefixes:
    """States drawn from P, their weights (sum 1), and their prefixes at every position.

    `variances` are those of a sum over the batch of independent numbers of variance 1.
    """

    states: Int[np.ndarray, "states variables"]
    weights: Float[np.ndarray, " states"]
    variances: Float[np.ndarray, " states"]
    rows: tuple[Rows, ...]

    @property
    def effective_size(self) -> float:
        """How many independent draws would be as exact; infinite where all is there."""
        noise = float(self.variances.sum())
        return 1 / noise if noise > 0 else np.inf


@dataclass(frozen=True, eq=False)
class Motion:
    """P(m | r) of every row times its mass, how it moves, and the part that is sampled.

    One array a free position. `own` are the generators T on rows and copy numbers,
    side by side, `noise` the standard deviation of sums over the batch of what is
    sampled. `behind[s, p]` is log P of the counts of state s from position p on, given
    those before.
    """

    law: list[Float[np.ndarray, "rows levels"]]
    rates: list[Float[np.ndarray, "rows levels"]]
    sampled: list[Float[np.ndarray, "rows levels"]]
    own: list[csr_matrix]
    behind: Float[np.ndarray, "states free"]
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
        ordered = states[:, list(model.order)]
        places = range(len(model.networks))
        rows = (list_rows(model, place, ordered, weights) for place in places)
        return Prefixes(states, weights, weights**2 * missed, tuple(rows))

    def motion(
        self,
        model: ConditionalNetworks,
        prefixes: Prefixes,
        t: float,
        drawn: Motion | None = None,
    ) -> Motion:
        """How every conditional moves at time t.

        `drawn`: the motion of the model that the prefixes were drawn from, if that is
        another one; what stands for all that may follow a prefix is weighed anew.
        """
        time = jnp.asarray(t, model.dtype)
        found = _rates(model, self.generator, jnp.asarray(prefixes.states), time)
        ordered = prefixes.states[:, list(model.order)]
        states, share = np.arange(len(ordered)), prefixes.weights[:, None]
        counts = [ordered[:, position] for position in model.mask.free]
        laws = [np.asarray(here.law, float) for here in found]
        here = [law[states, count] for law, count in zip(laws, counts, strict=True)]
        behind = np.cumsum(np.log(here)[::-1], axis=0)[::-1].T
        anew = np.exp(behind - drawn.behind) if drawn else np.ones_like(behind)
        motion = Motion([], [], [], [], behind, 0.0)
        noise = 0.0
        for place, rows in enumerate(prefixes.rows):
            moving, extra, own = (
                np.asarray(part, float)
                for part in (found[place].rates, found[place].sampled, found[place].own)
            )
            motion.law.append(rows.gather(share * laws[place]))
            motion.rates.append(rows.gather(share * moving))
            extra = extra * anew[:, place]
            delta = -extra[:, None] * laws[place]
            delta[states, counts[place]] += extra
            motion.sampled.append(rows.gather(share * delta))
            noise = max(noise, float(np.sqrt(prefixes.variances @ extra**2)))
            steps = own_steps(model, self.generator, place)
            motion.own.append(_generator(rows, own[rows.first], steps))
        return replace(motion, noise=noise)


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
    follower, rejections = Follower(len(model.networks)), 0
    while True:
        free = [_rest(start, start, place) for place in range(len(start.law))]
        first = [
            _advance(w, law, rest, None, dt)
            for w, law, rest in zip(start.own, start.law, free, strict=True)
        ]
        drift = [
            _advance(w, None, extra, None, dt)
            for w, extra in zip(start.own, start.sampled, strict=True)
        ]
        one, spilled = _kept(first, start.law)
        noise = dt * start.noise
        halfway = follower.fit(model, prefixes.rows, _sum(one, drift), noise)
        there = drawer.motion(halfway, prefixes, t + dt, start)
        change = [
            _advance(w, None, None, _rest(start, there, place) - free[place], dt)
            for place, w in enumerate(start.own)
        ]
        more = [
            _advance(w, None, None, then - now, dt)
            for w, then, now in zip(
                start.own, there.sampled, start.sampled, strict=True
            )
        ]
        two, _ = _kept(_sum(first, change), start.law)
        one, two = _sum(one, drift), _sum(_sum(two, drift), more)
        error = 2 * _distance(one, two) + spilled
        if error < tolerance:
            break
        rejections += 1
        if rejections == TRIES:
            return ProjectedStep(model, dt, error, 1.0, 1.0, rejections)
        dt *= SHORTER
    moved = follower.fit(halfway, prefixes.rows, two, noise)
    laws = [
        law_of(moved, place, rows) * rows.mass[:, None]
        for place, rows in enumerate(prefixes.rows)
    ]
    missed, whole = _distance(laws, two), _distance(start.law, two)
    residual = missed / whole if whole > 0 else 0.0
    return ProjectedStep(moved, dt, error, residual, 2**0.5 * missed, rejections)


def _generator(
    rows: Rows,
    own: Float[np.ndarray, "distinct steps _levels"],
    steps: Int[np.ndarray, " steps"],
) -> csr_matrix:
    """T on all rows and copy numbers, from the rates at which a count changes alone."""
    size, levels = rows.is_open.shape
    row, step, level = np.nonzero(own)
    rate = own[row, step, level]
    source = row * levels + level
    target = source + steps[step]
    places = np.concatenate([target, source]), np.concatenate([source, source])
    flow = np.concatenate([rate, -rate])
    return csr_matrix((flow, places), shape=(size * levels, size * levels))


def _rest(start: Motion, there: Motion, place: int) -> Float[np.ndarray, "rows levels"]:
    """N(y): the rates without T of the start."""
    law = there.law[place]
    return there.rates[place] - (start.own[place] @ law.ravel()).reshape(law.shape)


def _advance(
    own: csr_matrix,
    law: Float[np.ndarray, "rows levels"] | None,
    constant: Float[np.ndarray, "rows levels"] | None,
    growing: Float[np.ndarray, "rows levels"] | None,
    dt: float,
) -> Float[np.ndarray, "rows levels"]:
    """y(dt) of dy/ds = T y + constant + growing s / dt, y(0) = law.

    s / dt and 1 are two more entries of the vector that moves.
    """
    given = next(part for part in (law, constant, growing) if part is not None)
    if not any(part is not None and part.any() for part in (law, constant, growing)):
        return np.zeros_like(given)
    size = own.shape[0]
    clock = csr_matrix(([1 / dt], ([size], [size + 1])), shape=(size + 2, size + 2))
    sources = [
        np.zeros(size) if part is None else part.ravel() for part in (growing, constant)
    ]
    columns = csr_matrix(np.stack(sources, axis=1))
    whole = vstack([hstack([own, columns]), csr_matrix((2, size + 2))]).tocsr() + clock
    start = np.zeros(size + 2) if law is None else np.append(law.ravel(), [0.0, 0.0])
    start[-1] = 1.0
    fastest = float(-own.diagonal().min(initial=0.0))
    found, _ = evolve(whole, max(fastest, 1 / dt), start, (dt,), EXPANDED)
    return found[0][:-2].reshape(given.shape)


def _kept(
    moved: list[Float[np.ndarray, "rows levels"]],
    start: list[Float[np.ndarray, "rows levels"]],
) -> tuple[list[Float[np.ndarray, "rows levels"]], float]:
    """The tables with nothing below 0, each row with its mass; what fell below."""
    found, spilled = [], 0.0
    for table, before in zip(moved, start, strict=True):
        spilled += float(np.sum(np.maximum(-table, 0.0)))
        kept = np.maximum(table, 0.0)
        left = kept.sum(axis=1, keepdims=True)
        whole = before.sum(axis=1, keepdims=True)
        found.append(kept * whole / np.where(left > 0, left, 1.0))
    return found, spilled


def _sum(
    one: list[Float[np.ndarray, "rows levels"]],
    other: list[Float[np.ndarray, "rows levels"]],
) -> list[Float[np.ndarray, "rows levels"]]:
    return [left + right for left, right in zip(one, other, strict=True)]


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
