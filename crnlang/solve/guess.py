"""A guess g(r, m) of E[a | r, m], the mean of what reads counts after a position."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from crnlang.solve.outlook import Outlook, curves_of, hats_of

#: How much a guess resists bending between the knots, and any weight at all.
BENDING, RIDGE = 1e-4, 1e-9
#: Inputs so much smaller than the largest are taken to be 0.
ROUNDING = 1e-7


@dataclass(frozen=True, eq=False)
class Guess:
    """g(r, m) = max(0, by[m] + slopes . (r - mean r) + later . ahead(r, m)).

    For each of some channels. `beside` is what the counts before the position add at
    each state; `beyond` is what is known to average to 0 over the counts after it.
    """

    by: Float[np.ndarray, "levels channels"]
    slopes: Float[np.ndarray, "before channels"]
    beside: Float[np.ndarray, "states channels"]
    later: Float[np.ndarray, "features channels"]
    beyond: Float[np.ndarray, "states channels"]

    def along(self, outlook: Outlook) -> Float[np.ndarray, "channels states levels"]:
        """The guess for all copy numbers."""
        found = self._ahead(outlook.ahead[0] @ self.later)
        found += self.by.T[:, None, :] + self.beside.T[:, :, None]
        return np.maximum(found, 0.0)

    def before(
        self, outlook: Outlook, moves: Int[np.ndarray, "channels here"]
    ) -> Float[np.ndarray, "channels states levels"]:
        """The guess at where each channel fires from to end at a copy number.

        The channels are those that are `across`, with what they change so far.
        """
        found = np.stack(
            [
                self._ahead(outlook.ahead[kind] @ self.later[:, [channel]])[0]
                for channel, kind in enumerate(outlook.kind.tolist())
            ]
        )
        shift = -(moves[:, :-1].T * self.slopes).sum(axis=0)
        found += self.by.T[:, None, :] + (self.beside + shift).T[:, :, None]
        levels = np.arange(found.shape[2])
        place = np.clip(levels - moves[:, -1:], 0, len(levels) - 1)
        found = np.take_along_axis(found, place[:, None, :], axis=2)
        return np.maximum(found, 0.0)

    def _ahead(
        self, at_knots: Float[np.ndarray, "states knots some"]
    ) -> Float[np.ndarray, "some states levels"]:
        return np.moveaxis(at_knots, 2, 0) @ curves_of(len(self.by)).T


def guess(
    outlook: Outlook, propensities: Float[np.ndarray, "states channels"]
) -> Guess:
    """The guess that is nearest to each propensity, by weighted least squares.

    First by what the network says of later counts alone, which is exact where the
    propensity is linear in the next count; then what is left by all inputs. The
    surprises are fitted beside it, so that their noise does not enter. Where few states
    are near a knot it goes on straight, as bending is resisted.
    """
    counts, shares, place = outlook.counts, outlook.weights, outlook.counts[:, -1]
    hats, curves = hats_of(outlook.levels), curves_of(outlook.levels)
    number, one = hats.shape[1], np.ones((len(counts), 1))
    before = counts[:, :-1] - shares @ counts[:, :-1]
    later = np.einsum("sk,skf->sf", curves[place], outlook.ahead[0])
    means = later[:, : later.shape[1] // 2]
    simple, surprises = outlook.surprises.sum(axis=2), _flat(outlook.surprises)
    plain = np.concatenate([one, means, simple], axis=1)
    first = _nearest(plain, propensities, shares)
    left = propensities - plain @ first
    inputs = np.concatenate([hats[place], before, later, surprises], axis=1)
    bends = np.diff(np.eye(number, inputs.shape[1]), 2, axis=0)
    second = _nearest(inputs, left, shares, BENDING**0.5 * bends)
    start, alone, noise = np.split(first, [1, 1 + means.shape[1]])
    ends = np.cumsum([number, before.shape[1], later.shape[1]])
    by, slopes, onward, beyond = np.split(second, ends)
    onward[: len(alone)] += alone
    return Guess(
        by=start + hats @ by,
        slopes=slopes,
        beside=before @ slopes,
        later=onward,
        beyond=surprises @ beyond + simple @ noise,
    )


def _flat(array: Float[np.ndarray, "states *some"]) -> Float[np.ndarray, "states all"]:
    return array.reshape(len(array), -1)


def _nearest(
    inputs: Float[np.ndarray, "states inputs"],
    wanted: Float[np.ndarray, "states outputs"],
    shares: Float[np.ndarray, " states"],
    bends: Float[np.ndarray, "bends inputs"] | None = None,
) -> Float[np.ndarray, "inputs outputs"]:
    """The weights of inputs by least squares, `bends` of them being 0 if possible.

    Any weight is resisted a little, and inputs that are hardly there have none.
    """
    size = np.sqrt(shares @ inputs**2)
    size = np.where(size > ROUNDING * size.max(), size, np.inf)
    inputs = inputs / size
    weighed = (inputs * shares[:, None]).T
    matrix = weighed @ inputs + RIDGE * np.eye(len(size))
    if bends is not None:
        matrix += (bends / size).T @ (bends / size)
    return np.linalg.solve(matrix, weighed @ wanted) / size[:, None]
