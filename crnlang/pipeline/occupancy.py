"""How many states hold nearly all of a law, estimated from a few trajectories.

Copy numbers that take few values are counted: as many configurations of them as were
seen. For the others a normal law stands in, with the covariance C that was seen: all
but a share eps of it lies in the ellipsoid of Mahalanobis radius R, the quantile of the
chi distribution, which holds about as many lattice points as its volume,

    pi^(r/2) / Gamma(r/2 + 1) R^r sqrt(det(C + I/12)),

where r is the number of copy numbers that conservation laws leave free, and 1/12 is the
variance that rounding adds. Laws of several modes fill less than that.
"""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.special import gammainccinv, gammaln

#: Copy numbers of so many values at most are counted, not measured.
FEW = 4
#: A copy number is determined by others where they leave it less than this share.
DETERMINED = 1e-9
#: The variance of a rounding.
ROUNDING = 1 / 12


def states_needed(
    counts: Int[np.ndarray, "samples variables"], left_out: float
) -> float:
    """About how many states hold all but a share of the law that samples come from."""
    switches = [
        v for v in range(counts.shape[1]) if len(np.unique(counts[:, v])) <= FEW
    ]
    configurations = len(np.unique(counts[:, switches], axis=0)) if switches else 1
    others = np.delete(counts, switches, axis=1)
    return configurations * _volume(others.astype(float), left_out)


def _volume(counts: Float[np.ndarray, "samples variables"], left_out: float) -> float:
    """The lattice points of the ellipsoid; 1 where nothing varies."""
    if counts.shape[1] == 0 or len(counts) < 2:
        return 1.0
    covariance = np.atleast_2d(np.cov(counts, rowvar=False))
    free = _free(covariance)
    r = len(free)
    if not r:
        return 1.0
    rounded = covariance[np.ix_(free, free)] + ROUNDING * np.eye(r)
    radius = math.sqrt(2 * float(gammainccinv(r / 2, left_out)))
    logarithm = (
        r / 2 * math.log(math.pi)
        - float(gammaln(r / 2 + 1))
        + r * math.log(radius)
        + float(np.linalg.slogdet(rounded)[1]) / 2
    )
    return math.exp(min(logarithm, 700.0))


def _free(covariance: Float[np.ndarray, "variables variables"]) -> list[int]:
    """Variables that determine the others: pivots of an elimination, largest first."""
    rest, found = covariance.copy(), list[int]()
    scale = np.maximum(covariance.diagonal(), 1.0)
    for _ in range(len(rest)):
        pivot = int(np.argmax(rest.diagonal()))
        if rest[pivot, pivot] <= DETERMINED * scale[pivot]:
            break
        found.append(pivot)
        column = rest[:, pivot]
        rest = rest - np.outer(column, column) / rest[pivot, pivot]
    return found
