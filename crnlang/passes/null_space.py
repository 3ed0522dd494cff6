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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

#: The first prime is large, so that large coefficients are found. Where the dense rest
#: needs arrays, the second is taken: products of two residues are `int64`.
PRIME, SMALL_PRIME = 2**61 - 1, 2**31 - 1
#: An equation is solved sparsely unless it may add more terms than this.
MOST_ADDED = 2000
#: Most species in the dense rest: seconds of work.
MOST_DENSE = 2000
#: Most terms that solutions put into one another may touch: seconds of work.
MOST_TERMS = 10_000_000
#: So many columns are solved at once, in arrays; no more than 64, see `_product`.
_BLOCK = 64
#: So many equations are summed at once: of residues below 2^31, in floats.
_AT_ONCE = 4096
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
        table = _dense(list(self.rows.values()), unknown, self.prime)
        for column, row in _reduce(table, self.prime).items():
            where = np.flatnonzero(row)
            self.solved[unknown[column]] = {
                unknown[i]: int(self.prime - row[i])
                for i in where.tolist()
                if i != column
            }
        self.rows.clear()


def _dense(
    rows: Sequence[Sparse], unknown: Sequence[int], prime: int
) -> Int[np.ndarray, "equations unknowns"]:
    """The equations as an array; of many, random sums modulo the prime."""
    place = {species: i for i, species in enumerate(unknown)}
    wanted = len(unknown) + _SPARE
    draw = np.random.default_rng(0)
    found = np.zeros((min(wanted, len(rows)), len(unknown)), dtype=np.int64)
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        # sums of so many residues are exact as floats
        table = np.zeros((len(some), len(unknown)))
        for line, row in zip(table, some, strict=True):
            line[[place[species] for species in row]] = list(row.values())
        if len(rows) > wanted:
            choice = draw.integers(0, 2, (wanted, len(some))).astype(np.float64)
            found = (found + (choice @ table).astype(np.int64)) % prime
        else:
            found[start : start + len(some)] = table
    return found


def _reduce(
    table: Int[np.ndarray, "equations unknowns"], prime: int
) -> dict[int, Int[np.ndarray, " unknowns"]]:
    """Gauss-Jordan elimination modulo a prime: the row that solves each column.

    By blocks of columns: which rows solve them is found in the block alone; all else
    are products of matrices.
    """
    found: list[int] = []
    for start in range(0, table.shape[1], _BLOCK):
        done = len(found)
        rows, columns = _pivots(table[done:, start : start + _BLOCK], prime)
        end = done + len(rows)
        table[done:] = np.vstack([table[done:][rows], np.delete(table[done:], rows, 0)])
        solving, above, below = table[done:end], table[:done], table[end:]
        found += [start + column for column in columns]
        inverse = _inverse(solving[:, found[done:]], prime)
        solving[:, start:] = _product(inverse, solving[:, start:], prime)
        for part in (above, below):
            change = _product(part[:, found[done:]], solving[:, start:], prime)
            part[:, start:] = (part[:, start:] - change) % prime
    return dict(zip(found, table, strict=False))


def _pivots(
    block: Int[np.ndarray, "equations unknowns"], prime: int
) -> tuple[list[int], list[int]]:
    """The rows that solve a block of columns, and the column that each one solves.

    In this order, no elimination in these rows and columns meets a zero.
    """
    left = block.copy()
    rows: list[int] = []
    columns: list[int] = []
    for column in range(block.shape[1]):
        below = np.flatnonzero(left[:, column])
        if not len(below):
            continue
        pivot, others = int(below[0]), below[1:]
        line = left[pivot, column:] * pow(int(left[pivot, column]), -1, prime) % prime
        rest = left[others, column:]
        left[others, column:] = (rest - rest[:, :1] * line) % prime
        left[pivot] = 0
        rows.append(pivot)
        columns.append(column)
    return rows, columns


def _inverse(
    table: Int[np.ndarray, "pivots pivots"], prime: int
) -> Int[np.ndarray, "pivots pivots"]:
    """The inverse modulo a prime of what `_pivots` has found."""
    both = np.hstack([table, np.eye(len(table), dtype=np.int64)])
    for i in range(len(table)):
        both[i] = both[i] * pow(int(both[i, i]), -1, prime) % prime
        factors = both[:, i, None].copy()
        factors[i] = 0
        both = (both - factors * both[i]) % prime
    return both[:, len(table) :]


def _product(
    first: Int[np.ndarray, "rows few"],
    second: Int[np.ndarray, "few columns"],
    prime: int,
) -> Int[np.ndarray, "rows columns"]:
    """The product of residues below 2^31, modulo the prime, by sums exact in floats.

    `_BLOCK` products of 16 by 31 bits stay below 2^53.
    """
    high, low = np.divmod(first, 2**16)
    right = second.astype(np.float64)
    above = (high.astype(np.float64) @ right).astype(np.int64) % prime
    return (above * 2**16 + (low.astype(np.float64) @ right).astype(np.int64)) % prime


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
    for species in reversed(list(solved)):
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
