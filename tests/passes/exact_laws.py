"""Laws by elimination in integers, and pools by Farkas: slow, and easy to check."""

import math


def combine(a, first, b, second):
    result = {key: a * value for key, value in first.items()}
    for key, value in second.items():
        result[key] = result.get(key, 0) + b * value
    return {key: value for key, value in result.items() if value}


def primitive(*parts):
    divisor = math.gcd(*(value for part in parts for value in part.values())) or 1
    return [{k: v // divisor for k, v in part.items()} for part in parts]


def exact_null_space(changes):
    """A basis of all laws: the rows of the species are eliminated one after another."""
    pivots, laws = {}, []
    for species, row in changes.items():
        rest, law = dict(row), {species: 1}
        while rest and (lead := min(rest)) in pivots:
            pivot_row, pivot_law = pivots[lead]
            a, b = pivot_row[lead], -rest[lead]
            rest, law = primitive(
                combine(a, rest, b, pivot_row), combine(a, law, b, pivot_law)
            )
        if rest:
            pivots[min(rest)] = (rest, law)
        else:
            laws.append(law)
    return laws


def exact_pools(changes):
    """All minimal nonnegative laws: channel after channel is cancelled."""
    pairs = [(row, {species: 1}) for species, row in changes.items()]
    for channel in sorted({channel for row in changes.values() for channel in row}):
        gains = [pair for pair in pairs if pair[0].get(channel, 0) > 0]
        losses = [pair for pair in pairs if pair[0].get(channel, 0) < 0]
        pairs = [pair for pair in pairs if channel not in pair[0]]
        made = [
            primitive(
                combine(-two[0][channel], one[0], one[0][channel], two[0]),
                combine(-two[0][channel], one[1], one[0][channel], two[1]),
            )
            for one in gains
            for two in losses
        ]
        for pair in sorted(made, key=lambda pair: len(pair[1])):
            if not any(old[1].keys() <= pair[1].keys() for old in pairs):
                pairs = [o for o in pairs if not pair[1].keys() <= o[1].keys()]
                pairs.append(tuple(pair))
    return [law for _, law in pairs]
