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
the errors of the steps add up. The vector at several times within a step costs one
product with B a term all the same: only the weights differ.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln, ive

EPS = float(np.finfo(float).eps)
#: Longest Chebyshev step, in units of 1/L: a short recurrence rounds less.
LONGEST = 20_000.0
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
    """One step: the vector at each mark, and what cutting and rounding may have cost.

    The error is in the 1-norm, at any of the marks.
    """

    vectors: list[Vector]
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


@dataclass(frozen=True, eq=False)
class Sums:
    """Weighted sums of the same terms, one sum a mark; the last needs most terms."""

    weights: list[Float[np.ndarray, " _"]]
    vectors: list[Vector]

    def add(self, k: int, term: Vector) -> None:
        """Add the term k to every sum that still needs it."""
        for place in range(len(self.weights) - 1, -1, -1):
            if k >= len(self.weights[place]):
                return
            self.vectors[place] += self.weights[place][k] * term

    @property
    def terms(self) -> int:
        """The number of terms."""
        return len(self.weights[-1])


def _sums(weights: list[Float[np.ndarray, " _"]], first: Vector) -> Sums:
    return Sums(weights, [one[0] * first for one in weights])


def power_step(
    uniformised: Uniformised, vector: Vector, marks: list[float], tail: float
) -> Step:
    """A step by powers through ascending marks z: safe for every vector."""
    sums = _sums([power_weights(z, tail) for z in marks], vector)
    term = vector
    for k in range(1, sums.terms):
        term = uniformised(term)
        sums.add(k, term)
    size = float(np.abs(vector[:-1]).sum())
    return Step(sums.vectors, size * (tail + EPS * marks[-1]))


def chebyshev_step(
    uniformised: Uniformised,
    vector: Vector,
    marks: list[float],
    tail: float,
    allowed: float,
) -> Step | None:
    """A step by Chebyshev polynomials through ascending marks; `None` if too wrong.

    The 1-norm is watched over all entries but the last, which holds an integral. The
    recurrence carries rounding on from term to term, so its share grows with k.
    """
    sums = _sums([chebyshev_weights(z, tail) for z in marks], vector)
    before, now = vector, uniformised(vector)
    growth = size = float(np.abs(vector[:-1]).sum())
    error = 0.0
    for k in range(1, sums.terms):
        sums.add(k, now)
        if k % CHECK_EVERY == 0:
            size = float(np.abs(now[:-1]).sum())
            growth = max(growth, size)
        error += EPS * k * float(sums.weights[-1][k]) * size
        if error + tail * growth > allowed:
            return None
        after = uniformised(now)
        after *= 2
        after -= before
        before, now = now, after
    return Step(sums.vectors, error + tail * growth)


def evolve(
    matrix: Any,
    radius: float,
    vector: Vector,
    times: tuple[float, ...],
    tolerance: float,
) -> tuple[Float[np.ndarray, "times states"], Float[np.ndarray, " times"]]:
    """The vector at each time (from 0, ascending), and bounds of the errors there.

    `radius` is L; the last row of the matrix may hold the flux of an integral. The
    caller compares the errors with the tolerance.
    """
    uniformised = Uniformised(matrix, radius)
    ends = radius * np.array(times)
    whole = max(float(ends[-1]), 1.0)
    found, errors = np.empty((len(times), len(vector))), np.zeros(len(times))
    done = int(np.count_nonzero(ends == 0.0))
    found[:done] = vector
    error, longest, now = 0.0, LONGEST, 0.0
    while done < len(times):
        step, end, longest = _step(
            uniformised, vector, ends[done:], now, longest, tolerance / whole
        )
        passed = int(np.count_nonzero(ends <= end)) - done
        error += step.error
        for place in range(passed):
            found[done + place], errors[done + place] = step.vectors[place], error
        vector, now, done = step.vectors[-1], end, done + passed
    return found, errors


def _step(
    uniformised: Uniformised,
    vector: Vector,
    ends: Float[np.ndarray, " ends"],
    now: float,
    longest: float,
    tolerance: float,
) -> tuple[Step, float, float]:
    """One step from `now` through the ends in its way, at most to the last of them.

    Gives the step, where it ends, and the length to try next.
    """
    while min(float(ends[-1]) - now, longest) >= SHORTEST:
        marks, end = _marks(ends, now, longest)
        allowed = tolerance * marks[-1]
        tail = min(allowed / 10, 1e-14)
        step = chebyshev_step(uniformised, vector, marks, tail, allowed)
        if step is not None:
            return step, end, min(REGROWTH * longest, LONGEST)
        longest = marks[-1] / 2
    marks, end = _marks(ends, now, POWERS_STEP)
    tail = min(tolerance * marks[-1] / 10, 1e-14)
    step = power_step(uniformised, vector, marks, tail)
    return step, end, max(2 * longest, SHORTEST)


def _marks(
    ends: Float[np.ndarray, " ends"], now: float, longest: float
) -> tuple[list[float], float]:
    """The lengths to the ends within reach, and to the end of the step; that end."""
    end = min(float(ends[-1]), now + longest)
    marks = [float(one) - now for one in ends if one <= end]
    if not marks or marks[-1] < end - now:
        marks.append(end - now)
    return marks, end
