r"""The action of exp(t A) on a law, by two expansions, with their errors measured.

A generator W with largest out-rate L is, uniformised, the stochastic matrix
B = I + W / L. With z = t L,

    exp(t W) v = sum_k p_k(z) B^k v,     p_k = exp(-z) z^k / k!             (powers)
               = sum_k c_k(z) T_k(B) v,  c_k = (2 - [k = 0]) exp(-z) I_k(z) (Chebyshev)

where T_{k+1} = 2 B T_k - T_{k-1}. Powers of a stochastic matrix never grow, but z of
them are needed. Chebyshev polynomials need only about sqrt(z) terms, but T_k(B) v
grows where v is far from the steady law or the eigenvalues are far from real; the
growth is measured, and a step is repeated with half its length, or with powers, until
rounding is below its share of the tolerance. The exact flow contracts the 1-norm, so
the errors of the steps add up.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln, ive

EPS = float(np.finfo(float).eps)
#: Longest Chebyshev step, in units of 1/L: a short recurrence rounds less.
LONGEST = 2000.0
#: Below this length, Chebyshev saves too little over powers to be tried.
SHORTEST = 64.0
#: Length of a step by powers, before Chebyshev is tried again.
POWERS_STEP = 256.0
#: Growth of the step after a success: small, since a failed trial is wasted.
REGROWTH = 1.25
#: How often the growth of T_k(B) v is measured, in terms.
CHECK_EVERY = 8

Vector = Float[np.ndarray, " states"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the vector, and what cutting and rounding may have cost (1-norm)."""

    vector: Vector
    error: float


@dataclass(frozen=True, eq=False)
class Uniformised:
    """B = I + A / radius, applied to vectors."""

    matrix: Any
    radius: float

    def __call__(self, vector: Vector) -> Vector:
        """B v."""
        result = self.matrix @ vector
        result /= self.radius
        result += vector
        return result


def power_weights(z: float, tail: float) -> Float[np.ndarray, " terms"]:
    """p_0, p_1, ... until the rest adds up to less than `tail`."""
    k = np.arange(int(z + 12 * np.sqrt(z)) + 40)
    return _cut(np.exp(k * np.log(z) - z - gammaln(k + 1)), tail)


def chebyshev_weights(z: float, tail: float) -> Float[np.ndarray, " terms"]:
    """c_0, c_1, ... until the rest adds up to less than `tail`."""
    weights = 2 * ive(np.arange(int(13 * np.sqrt(z)) + 80), z)
    weights[0] /= 2
    return _cut(weights, tail)


def _cut(weights: Float[np.ndarray, " all"], tail: float) -> Float[np.ndarray, " kept"]:
    rest = weights[::-1].cumsum()[::-1]
    return weights[: max(1, int(np.count_nonzero(rest > tail)))]


def power_step(uniformised: Uniformised, vector: Vector, z: float, tail: float) -> Step:
    """A step of length z by powers: safe for every vector."""
    weights = power_weights(z, tail)
    term = vector
    result = weights[0] * vector
    for weight in weights[1:]:
        term = uniformised(term)
        result += weight * term
    size = float(np.abs(vector[:-1]).sum())
    return Step(result, size * (tail + EPS * z))


def chebyshev_step(
    uniformised: Uniformised, vector: Vector, z: float, tail: float, allowed: float
) -> Step | None:
    """A step of length z by Chebyshev polynomials; `None` where its error is too big.

    The 1-norm is watched over all entries but the last, which holds an integral.
    """
    weights = chebyshev_weights(z, tail)
    before, now = vector, uniformised(vector)
    result = weights[0] * before
    growth = size = float(np.abs(vector[:-1]).sum())
    error = 0.0
    for k, weight in enumerate(weights[1:], start=1):
        result += weight * now
        if k % CHECK_EVERY == 0:
            size = float(np.abs(now[:-1]).sum())
            growth = max(growth, size)
        error += EPS * weight * size
        if error + tail * growth > allowed:
            return None
        after = uniformised(now)
        after *= 2
        after -= before
        before, now = now, after
    return Step(result, error + tail * growth)


def evolve(
    matrix: Any,
    radius: float,
    vector: Vector,
    times: tuple[float, ...],
    tolerance: float,
) -> tuple[Float[np.ndarray, "times states"], float]:
    """The vector at each time (from 0, ascending), and a bound of the final error.

    `radius` is L; the last row of the matrix may hold the flux of an integral. The
    caller compares the error with the tolerance.
    """
    uniformised = Uniformised(matrix, radius)
    whole = max(radius * times[-1], 1.0)
    error, longest, now = 0.0, LONGEST, 0.0
    found = np.empty((len(times), len(vector)))
    for k, time in enumerate(times):
        rest = radius * (time - now)
        while rest > 0:
            step, z, longest = _step(
                uniformised, vector, rest, longest, tolerance / whole
            )
            vector, error, rest = step.vector, error + step.error, rest - z
        found[k], now = vector, time
    return found, error


def _step(
    uniformised: Uniformised,
    vector: Vector,
    rest: float,
    longest: float,
    tolerance: float,
) -> tuple[Step, float, float]:
    """One step of at most `rest`, its length, and the length to try next."""
    while (z := min(rest, longest)) >= SHORTEST:
        allowed = tolerance * z
        tail = min(allowed / 10, 1e-14)
        step = chebyshev_step(uniformised, vector, z, tail, allowed)
        if step is not None:
            return step, z, min(REGROWTH * longest, LONGEST)
        longest = z / 2
    z = min(rest, POWERS_STEP)
    step = power_step(uniformised, vector, z, min(tolerance * z / 10, 1e-14))
    return step, z, max(2 * longest, SHORTEST)
