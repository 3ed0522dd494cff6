"""The first instants: the law propagated on a set of states, exactly in time.

A run that starts from few states has no smooth law to follow. So the states that can
be reached are listed, outwards along the channels, as many as `most`; the law moves on
this set by the matrix exponential until the set cannot hold it; then the network is
fitted to it. What leaves the set, and what is pruned, is counted as `lost`. So is the
error of time, where rates depend on it: a step takes those in its middle (exponential
midpoint rule, of order 2: Hochbruck, Ostermann, Acta Numerica 19 (2010) 209), and is
compared with two steps of half the length, which are kept.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import expm_multiply

from crnlang.nn.base import SUMS, AbstractAutoregressive
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.pieces import log_probs
from crnlang.solve.problem import Generator
from crnlang.solve.surroundings import Surroundings

#: Mass that may leave the set in one step of the opening.
LEAK = 1e-6
#: Error of time in one step, in total variation.
DRIFT = 2e-5
#: States with less mass than this, together, are dropped after a step, unless the set
#: holds all that can be reached.
PRUNE = 1e-7
#: The opening ends where its steps are shorter than this share of the time reached.
SLOW = 0.01


@dataclass(frozen=True, eq=False)
class SetLaw:
    """A law on a set of states at time t, the mass lost since the start, the next step.

    `dt` is the step to try next.
    """

    t: float
    states: Int[np.ndarray, "states variables"]
    law: Float[np.ndarray, " states"]
    lost: float
    dt: float


def first_states(
    model: AbstractAutoregressive, variables: int, seed: int
) -> Int[np.ndarray, "states variables"]:
    """The distinct states among quasi-random samples of the initial law."""
    points = sobol_points(2**12, variables, seed)
    spread = quantiles(jax.random.key(seed), points, SUMS)
    drawn = eqx.filter_jit(jax.vmap(lambda m, u: m.sample(u), (None, 0)))(model, spread)
    return np.unique(np.asarray(drawn), axis=0)


def propagate_set(
    model: AbstractAutoregressive,
    generator: Generator,
    stops: Callable[[float], float],
    most: int,
    seed: int,
    begun: SetLaw | None = None,
) -> Iterator[SetLaw]:
    """The law on a moving set, at every step until the set is too small for it.

    `stops(t)` is the next time after t that a step must not pass. Goes on from `begun`,
    if that is given. Yields nothing where the initial law itself is spread over more
    than half of `most` states.
    """
    around = Surroundings(generator)
    if begun is None:
        states = first_states(model, around.changes.shape[1], seed)
        if len(states) > most // 2:
            return
        states, rates = around.grow(states, 0.0, most)
        law = np.exp(log_probs(model, states))
        lost = abs(1.0 - float(law.sum()))
        if lost > LEAK:
            return
        law = law / law.sum()
        t, dt = 0.0, 1e-3 / max(float(law @ rates.sum(axis=1)), 1e-9)
    else:
        t, lost, dt = begun.t, begun.lost, begun.dt
        states, rates, law = _grown(around, begun, most)
    is_steady = generator.is_autonomous
    while np.isfinite(stops(t)):
        end = stops(t)
        trials = (
            _constant(around.matrix(states, rates), law)
            if is_steady
            else _varying(around, states, law, t)
        )
        taken, trial = _longest(trials, float(law.sum()), min(dt, end - t))
        if trial is None or (trial.leaks and taken < SLOW * t):
            return
        t = end if t + taken >= end * (1 - 1e-12) else t + taken
        lost += 1.0 - float(trial.law.sum()) + trial.drift
        dt = max(dt, 2.0 * taken) if is_steady else 2.0 * taken
        law = trial.law
        if trial.leaks:
            states, law, dropped = _prune(states, law)
            lost += dropped
        found = SetLaw(t, states, law, lost, dt)
        yield found
        states, rates, law = _grown(around, found, most)


def _grown(
    around: Surroundings, found: SetLaw, most: int
) -> tuple[
    Int[np.ndarray, "grown v"],
    Float[np.ndarray, "grown k"],
    Float[np.ndarray, " grown"],
]:
    """The set with the states around it, their propensities, the law: 0 on the new."""
    states, rates = around.grow(found.states, found.t, most)
    more = len(states) - len(found.law)
    return states, rates, np.concatenate([found.law, np.zeros(more)])


class Trial(NamedTuple):
    """The law after a step, the error of time, whether the set has ways out of it."""

    law: Float[np.ndarray, " s"]
    drift: float
    leaks: bool


def _longest(
    trials: Callable[[float], Trial], mass: float, dt: float
) -> tuple[float, Trial | None]:
    """Halve the step until the set loses less than `LEAK`, and time less than `DRIFT`.

    `mass` is what the law adds up to before the step.
    """
    for _ in range(30):
        found = trials(dt)
        is_kept = not found.leaks or mass - found.law.sum() <= LEAK
        if is_kept and found.drift <= DRIFT:
            return dt, found
        dt /= 2
    return dt, None


def _constant(
    matrix: tuple[csr_matrix, Float[np.ndarray, " s"]], law: Float[np.ndarray, " s"]
) -> Callable[[float], Trial]:
    """Steps by constant rates."""
    w, leak = matrix
    return lambda dt: Trial(_propagated(w * dt, law), 0.0, bool(leak.any()))


def _varying(
    around: Surroundings,
    states: Int[np.ndarray, "s v"],
    law: Float[np.ndarray, " s"],
    t: float,
) -> Callable[[float], Trial]:
    """Steps from t by rates that depend on the time.

    A step of order 2 is off by four times what two halves are: so these are off by a
    third of the difference. That cannot see a jump of the rates before the first
    middle, or after the last; the trapezoidal rule, which is off by minus twice as much
    as the midpoint rule, reads the rates at the ends.
    """

    def at(time: float) -> Float[np.ndarray, "s k"]:
        return around.propensities(states, time)

    def trial(dt: float) -> Trial:
        early, middle, late = (at(t + share * dt) for share in (0.25, 0.5, 0.75))
        whole = _propagated(around.matrix(states, middle)[0] * dt, law)
        found, leaks = law, False
        for rates in (early, late):
            w, leak = around.matrix(states, rates)
            found = _propagated(w * (dt / 2), found)
            leaks = leaks or bool(leak.any())
        unlike = (at(t) + 2 * middle + at(t + dt)) / 4 - (early + late) / 2
        drift = max(
            float(np.abs(whole - found).sum()) / 6,
            float(law @ np.abs(unlike).sum(axis=1)) * dt / 3,
        )
        return Trial(found, drift, leaks)

    return trial


def _propagated(w: csr_matrix, law: Float[np.ndarray, " s"]) -> Float[np.ndarray, " s"]:
    with _equal_draws():
        return np.maximum(expm_multiply(w, law), 0.0)


@contextmanager
def _equal_draws() -> Iterator[None]:
    """NumPy's global generator as new, and afterwards as it was.

    `expm_multiply` draws from it to estimate norms, so equal runs would differ.
    """
    before = np.random.get_state()  # noqa: NPY002 - the generator that SciPy uses
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _prune(
    states: Int[np.ndarray, "s v"], law: Float[np.ndarray, " s"]
) -> tuple[Int[np.ndarray, "kept v"], Float[np.ndarray, " kept"], float]:
    """Drop the least likely states, at most `PRUNE` of the mass; normalise the rest."""
    order = np.argsort(law)
    cut = np.searchsorted(np.cumsum(law[order]), PRUNE)
    kept = np.sort(order[cut:])
    dropped = float(law[order[:cut]].sum())
    return states[kept], law[kept] / law[kept].sum(), dropped
