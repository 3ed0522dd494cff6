"""The first instants: the law propagated on a set of states, exactly in time.

A run that starts from few states has no smooth law to follow. So the states that can
be reached are listed, outwards along the channels, as many as `most`; the law moves on
this set by the matrix exponential until the set cannot hold it; then the network is
fitted to it. What leaves the set, and what is pruned, is counted as `lost`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import expm_multiply

from crnlang.nn.base import AbstractAutoregressive
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.pieces import log_probs
from crnlang.solve.problem import Generator
from crnlang.solve.surroundings import Surroundings

#: Mass that may leave the set in one step of the opening.
LEAK = 1e-6
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
    dtype = model.dtype
    spread = quantiles(jax.random.key(seed), points, dtype)
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
    while np.isfinite(stops(t)):
        end = stops(t)
        w, leak = around.matrix(states, rates)
        taken, moved = _longest(w, leak, law, min(dt, end - t))
        if moved is None or taken < SLOW * t:
            return
        t = end if t + taken >= end * (1 - 1e-12) else t + taken
        lost += 1.0 - float(moved.sum())
        dt = max(dt, 2.0 * taken)
        law = moved
        if leak.any():
            states, law, dropped = _prune(states, moved)
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


def _longest(
    w: csr_matrix,
    leak: Float[np.ndarray, " s"],
    law: Float[np.ndarray, " s"],
    dt: float,
) -> tuple[float, Float[np.ndarray, " s"] | None]:
    """Halve the step until the set loses less than `LEAK` in it."""
    for _ in range(30):
        with _equal_draws():
            moved = np.maximum(expm_multiply(w * dt, law), 0.0)
        if not leak.any() or law.sum() - moved.sum() <= LEAK:
            return dt, moved
        dt /= 2
    return dt, None


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
