"""Functions of a copy number that are 1 at one knot and 0 at the others."""

from functools import cache

import numpy as np
from jaxtyping import Float, Int
from scipy.interpolate import CubicSpline

#: Most copy numbers at which later means are looked up.
KNOTS = 28
#: Hat functions of a later count, and of the own one, whose products are surprises.
BUMPS, COARSE = 6, 4


@cache
def knots_of(levels: int, most: int = KNOTS) -> Int[np.ndarray, " knots"]:
    """Some of the copy numbers, closer where they are small: laws are narrower there.

    At equal distances of sqrt(n + start), with the least start that lets them differ.
    """
    if levels <= most:
        return np.arange(levels)
    start = 1.0
    while True:
        roots = np.linspace(start**0.5, (start + levels - 1) ** 0.5, most)
        knots = np.unique(np.rint(roots**2 - start).astype(int))
        if len(knots) == most:
            return knots
        start *= 2


@cache
def curves_of(levels: int) -> Float[np.ndarray, "levels knots"]:
    """Functions that are 1 at one knot, 0 at the others and smooth between."""
    knots = knots_of(levels)
    if len(knots) == levels:
        return np.eye(levels)
    return np.asarray(CubicSpline(knots, np.eye(len(knots)))(np.arange(levels)))


@cache
def hats_of(levels: int, most: int = KNOTS) -> Float[np.ndarray, "levels knots"]:
    """Functions that are 1 at one knot, 0 at the others and straight between."""
    knots = knots_of(levels, most)
    hats = [np.interp(np.arange(levels), knots, row) for row in np.eye(len(knots))]
    return np.stack(hats, axis=1)


def bumps_of(levels: int) -> Float[np.ndarray, "levels bumps"]:
    """Hat functions of a later count but the first one: all add up to 1."""
    return hats_of(levels, BUMPS)[:, 1:]


def coarse_of(levels: int) -> Float[np.ndarray, "levels hats"]:
    """Hat functions of the own count that surprises are multiplied by."""
    return hats_of(levels, COARSE)
