"""A guess g(r, m) of E[a | r, m], the mean of what reads counts after a position."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from crnlang.solve.hats import coarse_of, curves_of, hats_of
from crnlang.solve.outlook import Outlook

#: How much a guess resists bending between the knots; and any weight: of what is exact
#: where a propensity is linear in the next count, of surprises, and of other inputs,
#: which would take up noise where few states are.
BENDING, EXACT, SURPRISING, OTHER = 1e-4, 1e-12, 1e-9, 1e-6
#: Inputs so much smaller than the largest are taken to be 0.
ROUNDING = 1e-7


@dataclass(frozen=True, eq=False)
class Guess:
    """g(r, m) = max(0, by[m] + slopes . (r - mean r) + later . ahead(r, m)).

    For each of some channels. `beside` is what the counts before the position add at
    each state; `beyond` is what is known to average to 0 over the counts after it, with
    the weights `surprising` of the surprises.
    """

    by: Float[np.ndarray, "levels channels"]
    slopes: Float[np.ndarray, "before channels"]
    beside: Float[np.ndarray, "states channels"]
    later: Float[np.ndarray, "features channels"]
    beyond: Float[np.ndarray, "states channels"]
    surprising: Float[np.ndarray, "bumps hats channels"]

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

    def beyond_before(
        self,
        outlook: Outlook,
        moves: Int[np.ndarray, "channels here"],
        source: Float[np.ndarray, "states channels bumps"],
    ) -> Float[np.ndarray, "states channels"]:
        """What is known to average to 0 of the counts that each channel fires from.

        `source` are the first of the surprises there: see `conditional_rates`.
        """
        most = outlook.levels - 1
        place = np.clip(outlook.counts[:, [-1]] - moves[:, -1], 0, most)
        own = coarse_of(outlook.levels)[place]
        weights = self.surprising[: source.shape[2]]
        return np.einsum("skb,skh,bhk->sk", source, own, weights)

    def _ahead(
        self, at_knots: Float[np.ndarray, "states knots some"]
    ) -> Float[np.ndarray, "some states levels"]:
        return np.moveaxis(at_knots, 2, 0) @ curves_of(len(self.by)).T


def guess(
    outlook: Outlook, propensities: Float[np.ndarray, "states channels"]
) -> Guess:
    """The guess that is nearest to each propensity, by weighted least squares.

    The surprises are fitted beside it, so that their noise does not enter. Where inputs
    can stand for each other, what the network says of later counts comes first, then
    surprises, and functions of the counts so far come last. Where few states are near a
    knot the guess goes on straight.
    """
    counts, shares, place = outlook.counts, outlook.weights, outlook.counts[:, -1]
    hats, curves = hats_of(outlook.levels), curves_of(outlook.levels)
    later = np.einsum("sk,skf->sf", curves[place], outlook.ahead[0])
    before = counts[:, :-1] - shares @ counts[:, :-1]
    surprises, variances = map(_flat, (outlook.surprises, outlook.variances))
    parts = np.ones((len(counts), 1)), later, hats[place], before, surprises
    inputs, means = np.concatenate(parts, axis=1), later.shape[1] // 2
    ends = np.cumsum([part.shape[1] for part in parts])
    resisted = np.full(ends[-1], OTHER)
    resisted[: 1 + means], resisted[ends[3] :] = EXACT, SURPRISING
    size = shares @ inputs**2
    size[ends[3] :] = np.maximum(size[ends[3] :], shares @ variances)
    size = np.sqrt(size)
    size = np.where(size > ROUNDING * size.max(), size, np.inf)
    inputs = inputs / size
    bends = np.diff(np.eye(hats.shape[1], len(size), ends[1]), 2, axis=0) / size
    weighed = (inputs * shares[:, None]).T
    matrix = weighed @ inputs + BENDING * bends.T @ bends + np.diag(resisted)
    found = np.linalg.solve(matrix, weighed @ propensities) / size[:, None]
    start, onward, by, slopes, beyond = np.split(found, ends[:-1])
    bumps, own = outlook.surprises.shape[1:]
    alone, crossed = np.split(beyond, [bumps])
    return Guess(
        by=start + hats @ by,
        slopes=slopes,
        beside=before @ slopes,
        later=onward,
        beyond=surprises @ beyond,
        surprising=alone[:, None] + crossed.reshape(bumps, own, found.shape[1]),
    )


def _flat(
    of_own: Float[np.ndarray, "states bumps hats"],
) -> Float[np.ndarray, "states all"]:
    """All, and before them the same whatever the own count is."""
    return np.concatenate([of_own.sum(axis=2), of_own.reshape(len(of_own), -1)], axis=1)
