"""Rows of integers with the laws that they stand for, found by what they touch."""

from collections.abc import Iterator

_Sparse = dict[int, int]
_Pair = tuple[_Sparse, _Sparse]


class Rows:
    """Pairs of a row (channel to number) and its law (species to number), in order.

    Looking up costs by what is found, not by how many rows there are.
    """

    def __init__(self) -> None:
        self._pairs: dict[int, _Pair] = {}
        self._by_channel: dict[int, set[int]] = {}
        self._by_species: dict[int, set[int]] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._pairs)

    def __iter__(self) -> Iterator[_Pair]:
        return iter(self._pairs.values())

    def add(self, pair: _Pair) -> None:
        """Append a pair."""
        self._pairs[self._next] = pair
        for keys, index in zip(pair, (self._by_channel, self._by_species), strict=True):
            for key in keys:
                index.setdefault(key, set()).add(self._next)
        self._next += 1

    def take(self, channel: int) -> list[_Pair]:
        """Remove the pairs whose row touches a channel; they are returned in order."""
        numbers = sorted(self._by_channel.get(channel, ()))
        return [self._remove(number) for number in numbers]

    def add_minimal(self, pair: _Pair) -> None:
        """Append a pair unless its species include those of another.

        Those whose species include its own are removed.
        """
        species = pair[1].keys()
        near = {number for one in species for number in self._by_species.get(one, ())}
        if any(self._pairs[number][1].keys() <= species for number in near):
            return
        holders = [self._by_species.get(one, set[int]()) for one in species]
        first, *others = sorted(holders, key=len)
        for number in first.intersection(*others):
            self._remove(number)
        self.add(pair)

    def _remove(self, number: int) -> _Pair:
        pair = self._pairs.pop(number)
        for keys, index in zip(pair, (self._by_channel, self._by_species), strict=True):
            for key in keys:
                index[key].discard(number)
        return pair
