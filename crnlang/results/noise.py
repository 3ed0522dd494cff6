"""How far apart finite samples put two equal laws, and how far at most.

The squared Hellinger distance of samples is a sum over the cells of a law, each
contributing chance of its own. Its mean and its variance are summed cell by cell, and
a gamma distribution with both gives its quantiles. Where every cell is well filled this
is the textbook law, H^2 = c chi^2 with K - 1 degrees of freedom, and 1/c = 8 N between
an exact law and N samples; where cells are rarely seen it stays right.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.special import gammainccinv, gammaln, xlogy

#: Counts above this are as good as normally distributed.
MANY = 200

Law = Float[np.ndarray, "*axes"]
Table = Float[np.ndarray, " counts"]


@dataclass(frozen=True, slots=True)
class Noise:
    """The squared distance of two equal laws that samples show: mean and variance."""

    mean: float
    variance: float

    @property
    def expected(self) -> float:
        """The distance to expect."""
        return float(np.sqrt(self.mean))

    def limit(self, chance: float) -> float:
        """The distance that equal laws exceed with at most this chance.

        Never below the expected one: where samples hardly ever see a cell, the gamma
        distribution has no room for the distance of not seeing it.
        """
        if self.mean <= 0:
            return 0.0
        scale = self.variance / self.mean
        quantile = float(gammainccinv(self.mean / scale, chance)) * scale
        return float(np.sqrt(max(quantile, self.mean)))


def sampling_noise(p: Law, q: Law, of_p: float, of_q: float) -> Noise:
    """What `of_p` and `of_q` samples, `inf` for an exact law, make of equal laws.

    Against an exact law the counts of a cell are Poisson. Between two runs of samples
    the pooled counts of a cell are split at random, so that no law need be known. The
    totals do not fluctuate: that takes away one degree of freedom, but never the
    spread that a squared normal number of this mean has.
    """
    if np.isinf(of_p) and np.isinf(of_q):
        return Noise(0.0, 0.0)
    unit = (1 / of_p + 1 / of_q) / 8
    if np.isinf(of_p) or np.isinf(of_q):
        samples = min(of_p, of_q)
        counts = samples * (p if np.isinf(of_p) else q)
        grid, means, variances = _against_exact()
    else:
        counts = of_p * p + of_q * q
        grid, means, variances = _between_samples(of_p / (of_p + of_q))
    filled = counts[counts > 0]
    mean = max(float(np.interp(filled, grid, means).sum()) - 1.0, 0.0)
    free = float(np.interp(filled, grid, variances).sum())
    variance = max(free - 2.0, min(free, 2.0 * mean))
    return Noise(mean * unit, variance * unit**2)


@lru_cache(maxsize=1)
def _against_exact() -> tuple[Table, Table, Table]:
    """Expected counts m; mean and variance of 4 (sqrt n - sqrt m)^2, n Poisson."""
    expected = np.append(np.linspace(0, np.sqrt(MANY), 400) ** 2, np.inf)
    n = np.arange(2 * MANY)
    m = expected[:-1, None]
    weights = np.exp(xlogy(n, m) - gammaln(n + 1) - m)
    squares = 4 * (np.sqrt(n) - np.sqrt(m)) ** 2
    return _moments(expected, weights, squares)


@lru_cache(maxsize=64)
def _between_samples(share: float) -> tuple[Table, Table, Table]:
    """Pooled counts s; mean and variance of 4 f g (sqrt(n / f) - sqrt((s - n) / g))^2.

    n is binomial with probability f, the `share` of the first run, and g = 1 - f.
    """
    pooled = np.append(np.arange(MANY + 1.0), np.inf)
    n, s = np.arange(MANY + 1), pooled[:-1, None]
    others = np.maximum(s - n, 0)
    choices = gammaln(s + 1) - gammaln(n + 1) - gammaln(others + 1)
    powers = xlogy(n, share) + xlogy(others, 1 - share)
    weights = np.where(n <= s, np.exp(choices + powers), 0.0)
    roots = np.sqrt(n * (1 - share)) - np.sqrt(others * share)
    return _moments(pooled, weights, 4 * roots**2)


def _moments(
    grid: Table,
    weights: Float[np.ndarray, "rows n"],
    squares: Float[np.ndarray, "rows n"],
) -> tuple[Table, Table, Table]:
    """Mean and variance by row, and those of a squared normal number for many counts.

    The last entry of the grid, where these hold, moves from infinity to where the
    corrections, in 1 / counts, have died out.
    """
    means = (weights * squares).sum(axis=1)
    variances = (weights * squares**2).sum(axis=1) - means**2
    far = np.append(grid[:-1], 10.0 * MANY)
    return far, np.append(means, 1.0), np.append(variances, 2.0)
