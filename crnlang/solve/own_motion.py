r"""What moves the copy number of one position by itself, row by row of a table.

    (T y)(r, m) = sum_s [ a_s(r, m - s) y(r, m - s) - a_s(r, m) y(r, m) ] - x(r) y(r, m)

with a rate a_s for every step s of the count, and a pull x >= 0 of the whole row. With
sources b_j (s / t)^j,

    y(t) = exp(t T) y(0) + int_0^t exp((t - s) T) sum_j b_j (s / t)^j ds
         = 1/(2 pi i) int e^z (z - t T)^{-1} [ y(0) + sum_j t b_j j! / z^{j+1} ] dz

along a contour about the negative real axis. Where every step is one up or one down,
each of its `NODES` points is a system of three diagonals, however stiff T is. Such a T
is symmetric after scaling with the square root of its steady law pi, its eigenvalues
are real, and the error at m is at most ERROR sqrt(pi(m)) |y / sqrt(pi)|: where that is
too much, because y lies where pi has nothing, and where there are other steps, T is
followed by `crnlang.exponential`.

Source: Trefethen, Weideman and Schmelzer, BIT 46 (2006) 653 (the contour, for exp).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Int
from scipy.sparse import block_array, csr_matrix, diags_array

from crnlang.exponential import evolve
from crnlang.nn.base import Numbers

#: Points of the contour; half of them are solved for, the others are their conjugates.
NODES = 28
#: Error for eigenvalues on the negative real axis, rounding included.
ERROR = 1e-12
#: Error of all rows together that is good enough, in the 1-norm.
GOOD_ENOUGH = 1e-9
#: The same of the expansions, and from how many moves of one count on the contour is
#: used: a few products cost less than it does.
EXPANDED, MOVES = 1e-12, 30.0

Values = Float[np.ndarray, "rows levels"]
Pair = tuple[Complex[Array, " rows"], Complex[Array, " rows"]]


@dataclass(frozen=True, eq=False)
class OwnMotion:
    """T: `rates[i, r, m]` from m to m + `steps[i]`, 0 where that does not exist."""

    steps: Int[np.ndarray, " steps"]
    rates: Float[np.ndarray, "steps rows levels"]
    pull: Float[np.ndarray, " rows"]

    def __call__(self, values: Values) -> Values:
        """T y."""
        found = -self.leaving * values
        for step, rates in zip(self.steps.tolist(), self.rates, strict=True):
            flow = rates * values
            if step > 0:
                found[:, step:] += flow[:, :-step]
            else:
                found[:, :step] += flow[:, -step:]
        return found

    @property
    def leaving(self) -> Values:
        """The rate at which every copy number is left."""
        return self.rates.sum(axis=0) + self.pull[:, None]

    def pulled(self, pull: Float[np.ndarray, " rows"]) -> "OwnMotion":
        """The same with a further pull of every row."""
        return replace(self, pull=self.pull + pull)

    def follow(self, first: Values, sources: Sequence[Values], dt: float) -> Values:
        """y(dt) from y(0) = `first` and the sources b_0, b_1, ..."""
        sources = list(sources) or [np.zeros_like(first)]
        if not (first.any() or any(source.any() for source in sources)):
            return np.zeros_like(first)
        fastest = float(self.leaving.max(initial=0.0))
        if fastest * dt > MOVES and self._error(first, sources, dt) < GOOD_ENOUGH:
            up, down = self._rate(1), self._rate(-1)
            whole = np.stack([first, *sources])
            return np.asarray(
                _along_contour(up, down, self.pull, whole, jnp.asarray(dt))
            )
        return self._expanded(first, sources, dt)

    def _rate(self, step: int) -> Values:
        """The rate of one step; 0 if there is none."""
        return self.rates[self.steps == step].sum(axis=0)

    def _error(self, first: Values, sources: Sequence[Values], dt: float) -> float:
        """A bound on what the contour may cost; infinite where it cannot be used."""
        if not np.isin(self.steps, (-1, 1)).all():
            return math.inf
        log_pi = self._log_steady
        size = np.abs(first) + dt * sum(np.abs(source) for source in sources)
        # rows without anything have no norm
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            parts = 2 * np.log(size) - log_pi
            most = parts.max(axis=1)
            norm = most + np.log(np.exp(parts - most[:, None]).sum(axis=1))
            errors = ERROR * np.exp((log_pi.max(axis=1) + norm) / 2)
        return float(np.sum(np.where(np.isfinite(most), errors, 0.0)))

    @cached_property
    def _log_steady(self) -> Values:
        """The logarithm of each row's steady law, up to a constant."""
        up, down = self._rate(1)[:, :-1], self._rate(-1)[:, 1:]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(up == down, 0.0, np.log(up) - np.log(down))
        log_pi = np.cumsum(np.clip(ratio, -1e3, 1e3), axis=1)
        return np.pad(log_pi, ((0, 0), (1, 0)))

    def _expanded(self, first: Values, sources: Sequence[Values], dt: float) -> Values:
        """y(dt) by products with T."""
        own = self._matrix()
        parts = np.stack([source.ravel() for source in sources], axis=1)
        # the powers of s / dt move along: the last one is 1, at rest
        most = parts.shape[1]
        clock = diags_array(
            np.arange(most - 1, 0, -1) / dt, offsets=1, shape=(most, most)
        )
        whole = block_array([[own, csr_matrix(parts[:, ::-1])], [None, clock]]).tocsr()
        vector = np.concatenate([first.ravel(), np.zeros(most - 1), [1.0]])
        fastest = max(float(self.leaving.max(initial=0.0)), most / dt)
        moved, _ = evolve(whole, fastest, vector, (dt,), EXPANDED)
        return moved[0][:-most].reshape(first.shape)

    def _matrix(self) -> csr_matrix:
        """T on all rows and copy numbers, one row after the other."""
        _, rows, levels = self.rates.shape
        number, row, level = np.nonzero(self.rates)
        source, rate = row * levels + level, self.rates[number, row, level]
        places = source + self.steps[number], source
        whole = csr_matrix((rate, places), shape=(rows * levels, rows * levels))
        return (whole - diags_array(self.leaving.ravel())).tocsr()


def _contour() -> tuple[Complex[np.ndarray, " half"], Complex[np.ndarray, " half"]]:
    """The points z above the axis, and e^z dz / (2 pi i), doubled for those below."""
    angle = np.pi * (2 * np.arange(NODES // 2) + 1) / NODES
    cot, sin = 1 / np.tan(0.6407 * angle), np.sin(0.6407 * angle)
    z = NODES * (0.5017 * angle * cot - 0.6122 + 0.2645j * angle)
    slope = 0.5017 * cot - 0.5017 * 0.6407 * angle / sin**2 + 0.2645j
    return z, 2 * slope * np.exp(z) / 1j


@eqx.filter_jit
def _along_contour(
    up: Float[Numbers, "rows levels"],
    down: Float[Numbers, "rows levels"],
    pull: Float[Numbers, " rows"],
    whole: Float[Numbers, "parts rows levels"],
    dt: Float[Array, ""],
) -> Float[Array, "rows levels"]:
    """y(dt); the first part is y(0), the others are sources, all in float64."""
    # along m, which comes first: what is left, what comes from below and from above
    up, down, whole = dt * up.T, dt * down.T, jnp.asarray(whole)
    leaving = (up + down + dt * pull).astype(complex)
    below = jnp.pad(up[:-1], ((1, 0), (0, 0))).astype(complex)
    above = jnp.pad(down[1:], ((0, 1), (0, 0))).astype(complex)
    parts = jnp.moveaxis(whole.at[1:].multiply(dt), 2, 0).astype(complex)
    z, weights = _contour()
    powers = range(len(whole) - 1)
    shares = np.stack([z**0, *(math.factorial(j) / z ** (j + 1) for j in powers)], 1)

    def at_node(
        total: Float[Array, "levels rows"], node: tuple[Complex[Array, "*_"], ...]
    ) -> tuple[Float[Array, "levels rows"], None]:
        z, weight, share = node
        right = jnp.einsum("j,mjr->mr", share, parts)
        return total + (weight * _solve(z + leaving, below, above, right)).real, None

    nodes = jnp.asarray(z), jnp.asarray(weights), jnp.asarray(shares)
    return jax.lax.scan(at_node, jnp.zeros(up.shape), nodes)[0].T


def _solve(
    diagonal: Complex[Array, "levels rows"],
    below: Complex[Array, "levels rows"],
    above: Complex[Array, "levels rows"],
    right: Complex[Array, "levels rows"],
) -> Complex[Array, "levels rows"]:
    """x of diagonal x(m) - below x(m - 1) - above x(m + 1) = right, by elimination.

    Without exchanging rows: scaled with the square root of the steady law the matrix is
    symmetric, and its imaginary part a multiple of the unit matrix.
    """

    def onward(carry: Pair, here: tuple[Array, ...]) -> tuple[Pair, Pair]:
        ahead, value = carry
        own, lower, upper, given = here
        inverse = jnp.reciprocal(own - lower * ahead)
        found = upper * inverse, (given + lower * value) * inverse
        return found, found

    def back(x: Array, here: Pair) -> tuple[Array, Array]:
        ahead, value = here
        x = value + ahead * x
        return x, x

    nothing = jnp.zeros(right.shape[1:], right.dtype)
    rows = diagonal, below, above, right
    _, found = jax.lax.scan(onward, (nothing, nothing), rows)
    return jax.lax.scan(back, nothing, found, reverse=True)[1]
