"""Integer matrix -> all integer rows c with c . matrix = 0, exactly and fast.

Every channel is a linear equation for the coefficients of a law. The equations are
solved modulo a prime, the shortest first, while few terms are added; the dense rest by
arrays. The coefficients follow by rational reconstruction, and each law is checked in
integers. This proves that they are all: modulo a prime there are never fewer laws than
in integers, so where all of them hold in integers, there are no others.

Source: Wang, Guy, Davenport, SIGSAM Bulletin 16(2):2 (1982), for the reconstruction.
"""

import heapq
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from scipy import sparse

#: The first prime is large, so that large coefficients are found. Where the dense rest
#: needs arrays, the second is taken: products of two residues are `int64`.
PRIME, SMALL_PRIME = 2**61 - 1, 2**31 - 1
#: An equation is solved sparsely unless it may add more terms than this.
MOST_ADDED = 2000
#: Most species in the dense rest: seconds of work.
MOST_DENSE = 1000
#: Most terms that solutions put into one another may touch: seconds of work.
MOST_TERMS = 10_000_000
#: So many more random sums of the dense equations than unknowns: a sum of them
#: misses what they say together with a probability of 2^-40.
_SPARE = 40

Sparse = dict[int, int]


class TooMuchWorkError(Exception):
    """More work than the limits of this file allow."""


@dataclass(frozen=True, eq=False)
class NullSpace:
    """Independent laws, each by a species of its own that no other has.

    They are a basis of all laws if it `is_whole`; else some were left out.
    """

    laws: dict[int, Sparse]
    is_whole: bool


def null_space(changes: Mapping[int, Sparse]) -> NullSpace:
    """A basis of all laws: species to coefficient, in lowest terms.

    `changes` is for each species its net change in each channel. The species of its own
    has a positive coefficient. A law with a coefficient above the root of half the
    prime is left out; all are, where there is more work than the limits of this file.
    """
    equations = _equations_of(changes)
    try:
        system = _System(equations, PRIME)
        system.solve_sparse()
        if system.rows:
            system = _System(equations, SMALL_PRIME)
            system.solve_sparse()
            system.solve_dense()
        free = [species for species in changes if species not in system.solved]
        found = _put_together(free, system.solved, system.prime)
    except TooMuchWorkError:
        return NullSpace({}, is_whole=False)
    lifted = {own: _lifted(law, system.prime) for own, law in found.items()}
    laws = {own: law for own, law in lifted.items() if law and _holds(law, changes)}
    return NullSpace(laws, is_whole=len(laws) == len(found))


def choose_basis(
    preferred: Iterable[Sparse], laws: Mapping[int, Sparse]
) -> list[Sparse]:
    """As many of the preferred laws as are independent, then others: a basis.

    `preferred` are combinations of `laws`, so what they have of the species that stand
    in one law each says whether they are independent: modulo a prime, which proves it.
    """
    chosen: list[Sparse] = []
    pivots: dict[int, Sparse] = {}
    work = 0
    for law in preferred:
        if len(chosen) == len(laws) or work > MOST_TERMS:
            break
        rest = {own: law[own] % PRIME for own in laws.keys() & law.keys()}
        while rest and (lead := min(rest)) in pivots:
            _add(rest, PRIME - rest[lead], pivots[lead], PRIME)
            work += len(pivots[lead])
        if rest:
            lead = min(rest)
            pivots[lead] = _scaled(rest, pow(rest[lead], -1, PRIME), PRIME)
            chosen.append(law)
    return chosen + [law for own, law in laws.items() if own not in pivots]


def _equations_of(changes: Mapping[int, Sparse]) -> list[Sparse]:
    """What each channel says, species to net change; distinct up to a factor."""
    rows: dict[int, Sparse] = {}
    for species, row in changes.items():
        for channel, change in row.items():
            rows.setdefault(channel, {})[species] = change
    found: dict[tuple[tuple[int, int], ...], Sparse] = {}
    for row in rows.values():
        divisor = math.gcd(*row.values()) * (1 if row[min(row)] > 0 else -1)
        own = {species: change // divisor for species, change in row.items()}
        found.setdefault(tuple(sorted(own.items())), own)
    return list(found.values())


def _add(target: Sparse, factor: int, other: Sparse, prime: int) -> None:
    """Add a multiple of another row to a row, without zeros."""
    for key, value in other.items():
        total = (target.get(key, 0) + factor * value) % prime
        if total:
            target[key] = total
        else:
            target.pop(key, None)


def _scaled(row: Sparse, factor: int, prime: int) -> Sparse:
    return {key: value * factor % prime for key, value in row.items()}


class _System:
    """Equations for the coefficients of laws, modulo a prime.

    `rows` are those that are left; `solved` is what some coefficients are in terms of
    others, each of those left or solved later.
    """

    def __init__(self, equations: Iterable[Sparse], prime: int) -> None:
        self.prime = prime
        self.rows = {
            number: {species: change % prime for species, change in row.items()}
            for number, row in enumerate(equations)
        }
        self.uses: dict[int, set[int]] = {}
        for number, row in self.rows.items():
            for species in row:
                self.uses.setdefault(species, set()).add(number)
        self.solved: dict[int, Sparse] = {}

    def solve_sparse(self) -> None:
        """Solve the shortest equation, again and again, while that adds few terms."""
        queue = [(len(row), number) for number, row in self.rows.items()]
        heapq.heapify(queue)
        while queue:
            length, number = heapq.heappop(queue)
            row = self.rows.get(number, {})
            if len(row) != length or not row:
                continue  # it has changed since, and stands in the queue again
            chosen = min(row, key=lambda species: (len(self.uses[species]), species))
            if (length - 1) * (len(self.uses[chosen]) - 1) > MOST_ADDED:
                return
            for other in self._solve(number, chosen):
                heapq.heappush(queue, (len(self.rows[other]), other))

    def _solve(self, number: int, chosen: int) -> list[int]:
        """Solve an equation for one coefficient; gives the equations that it changed.

        Those that say nothing any more are dropped.
        """
        row = self.rows.pop(number)
        for species in row:
            self.uses[species].discard(number)
        factor = -pow(row.pop(chosen), -1, self.prime)
        solution = self.solved[chosen] = _scaled(row, factor, self.prime)
        changed: list[int] = []
        for other in sorted(self.uses.pop(chosen)):
            rest = self.rows[other]
            _add(rest, rest.pop(chosen), solution, self.prime)
            for species in solution:
                if species in rest:
                    self.uses[species].add(other)
                else:
                    self.uses[species].discard(other)
            if rest:
                changed.append(other)
            else:
                del self.rows[other]
        return changed

    def solve_dense(self) -> None:
        """Solve what is left by elimination in an array.

        Of many equations, random sums are taken; that they say the same is seen when
        the laws are checked.

        Raises:
            TooMuchWorkError: there are too many unknowns left.
        """
        unknown = sorted({species for row in self.rows.values() for species in row})
        if len(unknown) > MOST_DENSE:
            raise TooMuchWorkError
        place = {species: i for i, species in enumerate(unknown)}
        entries = [
            (value, number, place[species])
            for number, row in enumerate(self.rows.values())
            for species, value in row.items()
        ]
        values, numbers, places = np.array(entries, dtype=np.int64).reshape(-1, 3).T
        shape = (len(self.rows), len(unknown))
        table = sparse.csr_array((values, (numbers, places)), shape=shape)
        if len(self.rows) > len(unknown) + _SPARE:
            draw = np.random.default_rng(0)
            choice = draw.integers(0, 2, (len(self.rows), len(unknown) + _SPARE))
            dense = np.asarray(table.T @ choice).T
        else:
            dense = table.toarray()
        for column, row in _reduce(dense % self.prime, self.prime).items():
            where = np.flatnonzero(row)
            self.solved[unknown[column]] = {
                unknown[i]: int(self.prime - row[i])
                for i in where.tolist()
                if i != column
            }
        self.rows.clear()


def _reduce(
    table: Int[np.ndarray, "equations unknowns"], prime: int
) -> dict[int, Int[np.ndarray, " unknowns"]]:
    """Gauss-Jordan elimination modulo a prime: the row that solves each column."""
    found: dict[int, int] = {}
    for column in range(table.shape[1]):
        done = len(found)
        below = np.flatnonzero(table[done:, column])
        if not len(below):
            continue
        pivot = done + int(below[0])
        table[[done, pivot]] = table[[pivot, done]]
        inverse = pow(int(table[done, column]), -1, prime)
        table[done, column:] = table[done, column:] * inverse % prime
        others = np.flatnonzero(table[:, column])
        others = others[others != done]
        factors = table[others, column, None]
        right = table[others, column:] - factors * table[done, column:] % prime
        table[others, column:] = right % prime
        found[column] = done
    return {column: table[row] for column, row in found.items()}


def _put_together(
    free: list[int], solved: Mapping[int, Sparse], prime: int
) -> dict[int, Sparse]:
    """For each free coefficient the law in which it is 1 and all other free ones 0.

    Raises:
        TooMuchWorkError: that takes too many terms.
    """
    laws: dict[int, Sparse] = {species: {species: 1} for species in free}
    known: dict[int, Sparse] = {species: {species: 1} for species in free}
    work = 0
    for species in reversed(solved):
        value = known[species] = {}
        for other, factor in solved[species].items():
            _add(value, factor, known[other], prime)
            work += 1 + len(known[other])
            if work > MOST_TERMS:
                raise TooMuchWorkError
        for own, coefficient in value.items():
            laws[own][species] = coefficient
    return laws


def _lifted(law: Sparse, prime: int) -> Sparse:
    """The integer law, in lowest terms, of one modulo a prime; empty if too large."""
    most = math.isqrt(prime // 2)
    denominator = 1
    for value in law.values():
        denominator *= _denominator(value * denominator % prime, prime)
        if denominator > most:
            return {}
    whole = {
        species: (value * denominator + most) % prime - most
        for species, value in law.items()
    }
    if max(whole.values()) > most:
        return {}
    divisor = math.gcd(*whole.values())
    return {species: value // divisor for species, value in whole.items()}


def _denominator(value: int, prime: int) -> int:
    """The denominator of the small fraction that is this value modulo a prime."""
    most = math.isqrt(prime // 2)
    above, below, before, now = prime, value, 0, 1
    while below > most:
        quotient = above // below
        above, below = below, above - quotient * below
        before, now = now, before - quotient * now
    return abs(now)


def _holds(law: Sparse, changes: Mapping[int, Sparse]) -> bool:
    """Whether no channel changes the sum, in integers."""
    sums: Sparse = {}
    for species, coefficient in law.items():
        for channel, change in changes[species].items():
            sums[channel] = sums.get(channel, 0) + coefficient * change
    return not any(sums.values())
