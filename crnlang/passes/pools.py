"""All laws -> those without negative coefficients that are minimal: pools.

A pool is a law with nonnegative coefficients whose species include those of no other
such law. All pools are found by the double description of their cone (Motzkin and
others, 1953) in the space of laws, as for elementary modes by Urbanczik and Wagner,
Bioinformatics 21:1203 (2005): one species after another is demanded to have no negative
coefficient, by adding laws of opposite sign.

Laws that share no species, directly or by others, are looked at apart.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from crnlang.passes.null_space import Sparse

#: The search gives up where one species has more pairs of laws to add than this,
MOST_PAIRS = 2000
#: or where it has looked at so many coefficients and pairs: seconds, for all groups.
MOST_WORK = 10_000_000
#: or where a pool has a larger coefficient.
LARGEST = 2**31


@dataclass(frozen=True, eq=False)
class Pools:
    """The pools found, the simplest first, and the species where not all were."""

    laws: list[Sparse]
    unsearched: set[int]


def find_pools(laws: Sequence[Sparse]) -> Pools:
    """All pools among the combinations of independent laws.

    Each law has a species, with a positive coefficient, that no other has.
    """
    found: list[Sparse] = []
    unsearched: set[int] = set()
    for group in _connected(laws):
        share = MOST_WORK * len(group) // len(laws)
        pools = _pools_of(group, share)
        if pools is None or any(max(law.values()) > LARGEST for law in pools):
            unsearched.update(*group)
        else:
            found += pools
    return Pools(sorted(found, key=_simplicity), unsearched)


def _simplicity(law: Sparse) -> tuple[int, int, Sequence[int]]:
    return len(law), sum(map(abs, law.values())), sorted(law)


def _connected(laws: Sequence[Sparse]) -> Iterator[list[Sparse]]:
    """The laws in groups that have no species in common."""
    uses: dict[int, list[int]] = {}
    for number, law in enumerate(laws):
        for species in law:
            uses.setdefault(species, []).append(number)
    left = dict.fromkeys(range(len(laws)))
    while left:
        group = [next(iter(left))]
        del left[group[0]]
        for number in group:  # grows on the way
            for species in laws[number]:
                for other in uses.pop(species, ()):
                    if other in left:
                        del left[other]
                        group.append(other)
        yield [laws[number] for number in group]


@dataclass(frozen=True, slots=True, eq=False)
class _Ray:
    """A law on the edge of the cone so far; `support` has a bit for each species."""

    law: Sparse
    support: int


def _pools_of(laws: Sequence[Sparse], most: int) -> list[Sparse] | None:
    """All pools among the combinations of laws.

    `None` where there are too many pairs, or more than `most` things to look at.
    """
    rays = [_Ray(law, _bits(law)) for law in laws]
    work = 0
    while signs := _mixed(rays):
        species, (gains, losses) = min(
            signs.items(), key=lambda item: (len(item[1][0]) * len(item[1][1]), item[0])
        )
        pairs = len(gains) * len(losses)
        work += pairs * len(rays) + sum(len(ray.law) for ray in rays)
        if pairs > MOST_PAIRS or work > most:
            return None
        demanded = ~_bits(signs)
        supports = [ray.support & demanded for ray in rays]
        made = [
            _sum(gain, loss, species)
            for gain in gains
            for loss in losses
            if _are_neighbours(gain, loss, supports)
        ]
        rays = [ray for ray in rays if ray.law.get(species, 0) >= 0] + made
    return [ray.law for ray in rays]


def _bits(species: Iterable[int]) -> int:
    """A number with a bit for each species."""
    found = 0
    for one in species:
        found |= 1 << one
    return found


def _mixed(rays: Sequence[_Ray]) -> dict[int, tuple[list[_Ray], list[_Ray]]]:
    """The species with a negative coefficient somewhere: who has which sign."""
    found: dict[int, tuple[list[_Ray], list[_Ray]]] = {
        species: ([], [])
        for ray in rays
        for species, coefficient in ray.law.items()
        if coefficient < 0
    }
    for ray in rays if found else ():
        for species in ray.law.keys() & found.keys():
            found[species][ray.law[species] < 0].append(ray)
    return found


def _are_neighbours(one: _Ray, other: _Ray, supports: Sequence[int]) -> bool:
    """Whether two rays span a face of the cone: no third has only their species.

    `supports` has the species of each ray that nowhere have a negative coefficient.
    """
    outside = ~(one.support | other.support)
    return sum(1 for support in supports if not support & outside) == 2


def _sum(gain: _Ray, loss: _Ray, species: int) -> _Ray:
    """The ray between two at which a species has no coefficient."""
    a, b = -loss.law[species], gain.law[species]
    law = {key: a * value for key, value in gain.law.items()}
    for key, value in loss.law.items():
        law[key] = law.get(key, 0) + b * value
    divisor = math.gcd(*law.values()) or 1
    law = {key: value // divisor for key, value in law.items() if value}
    return _Ray(law, _bits(law))
