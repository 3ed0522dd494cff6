"""All laws and pools: against plain elimination and Farkas, and of large networks."""

import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from passes.exact_laws import exact_null_space, exact_pools

from crnlang.passes import null_space as module
from crnlang.passes import pools as pools_module
from crnlang.passes.null_space import choose_basis, null_space
from crnlang.passes.pools import find_pools


@st.composite
def net_changes(draw):
    """Species to channel to net change; zeros left out."""
    species, channels = draw(st.integers(1, 7)), draw(st.integers(0, 7))
    change = st.sampled_from([0, 0, 0, -1, 1, -1, 1, 2, -3])
    table = draw(
        st.lists(
            st.lists(change, min_size=channels, max_size=channels),
            min_size=species,
            max_size=species,
        )
    )
    return {
        i: {channel: change for channel, change in enumerate(row) if change}
        for i, row in enumerate(table)
    }


def as_rows(laws):
    return sorted(sorted(law.items()) for law in laws)


def rank(laws, species):
    table = np.zeros((len(laws), species))
    for row, law in zip(table, laws, strict=True):
        row[list(law)] = list(law.values())
    return np.linalg.matrix_rank(table) if len(laws) else 0


@given(net_changes())
def test_the_laws_span_the_exact_null_space(changes):
    found, exact = null_space(changes), exact_null_space(changes)
    laws = list(found.laws.values())
    assert found.is_whole
    assert rank(laws, len(changes)) == len(laws) == len(exact)
    assert rank([*laws, *exact], len(changes)) == len(exact)
    for own, law in found.laws.items():
        assert law[own] > 0
        assert not any(own in other for other in laws if other is not law)


@given(net_changes())
def test_the_pools_are_those_of_farkas(changes):
    pools = find_pools(list(null_space(changes).laws.values()))
    assert not pools.unsearched
    assert as_rows(pools.laws) == as_rows(exact_pools(changes))


@given(net_changes())
def test_the_basis_prefers_pools_and_is_complete(changes):
    laws = null_space(changes).laws
    pools = find_pools(list(laws.values())).laws
    basis = choose_basis(pools, laws)
    assert len(basis) == len(laws) == rank(basis, len(changes))
    assert sum(min(law.values()) > 0 for law in basis) >= rank(pools, len(changes))


@given(net_changes())
def test_arrays_find_what_sparse_elimination_finds(changes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_ADDED", -1)  # everything is left to arrays
        dense = null_space(changes)
    assert dense.is_whole
    assert rank(
        [*dense.laws.values(), *exact_null_space(changes)], len(changes)
    ) == len(dense.laws)


def reduced(table, prime):
    """Gauss-Jordan elimination, one entry after another: pivot column to row."""
    rows, found = [[int(value) for value in row] for row in table], {}
    for column in range(table.shape[1]):
        pivot = next((i for i, row in enumerate(rows) if row[column]), None)
        if pivot is None:
            continue
        inverse = pow(rows[pivot][column], -1, prime)
        line = [value * inverse % prime for value in rows.pop(pivot)]
        for other in [*rows, *found.values()]:
            factor = other[column]
            for i, value in enumerate(line):
                other[i] = (other[i] - factor * value) % prime
        found[column] = line
    return found


@given(st.data())
def test_elimination_by_blocks_is_elimination(data):
    prime = module.SMALL_PRIME
    rows, columns = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    few = data.draw(st.integers(1, 4))  # no more than so many are independent
    value = st.sampled_from([0, 0, 1, 2, prime - 1, 2**16, 2**30 + 7])
    parts = [
        data.draw(st.lists(value, min_size=n * few, max_size=n * few))
        for n in (rows, columns)
    ]
    left, right = (np.array(part, dtype=object).reshape(-1, few) for part in parts)
    table = (left @ right.T % prime).astype(np.int64).reshape(rows, columns)
    expected = reduced(table, prime)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", data.draw(st.sampled_from([1, 2, 3, 64])))
        found = module._reduce(table, prime)
    assert {column: row.tolist() for column, row in found.items()} == expected


def test_products_of_residues_are_exact():
    prime = module.SMALL_PRIME
    first = np.full((3, module._BLOCK), prime - 1)
    second = np.full((module._BLOCK, 2), prime - 1)
    first[1], second[:, 1] = np.arange(module._BLOCK), prime - 2
    exact = first.astype(object) @ second.astype(object) % prime
    assert module._product(first, second, prime).tolist() == exact.tolist()


def test_many_equations_are_summed_at_random(monkeypatch):
    monkeypatch.setattr(module, "MOST_ADDED", -1)
    draw = np.random.default_rng(1)
    table = np.zeros((8, 300), dtype=int)
    for column in table.T:  # A + B -> C + D: the number of molecules stays
        np.add.at(column, draw.integers(0, 8, 4), [-1, -1, 1, 1])
    changes = {
        i: {k: int(v) for k, v in enumerate(r) if v} for i, r in enumerate(table)
    }
    assert null_space(changes).laws == {7: dict.fromkeys(range(8), 1)}


def bindings(species, channels, kinds, seed=0):
    """Complexes that bind and turn into others of the same make-up."""
    draw = random.Random(seed)
    makes = [tuple(int(i == j) for i in range(kinds)) for j in range(kinds)]
    found = []
    while len(makes) < species:
        a, b = draw.randrange(len(makes)), draw.randrange(len(makes))
        both = tuple(x + y for x, y in zip(makes[a], makes[b], strict=True))
        if sum(both) <= 40:
            found.append([(a, -1), (b, -1), (len(makes), 1)])
            makes.append(both)
    groups = {make: [i for i, m in enumerate(makes) if m == make] for make in makes}
    several = [group for group in groups.values() if len(group) > 1]
    while len(found) < channels:
        a, b = draw.sample(draw.choice(several), 2)
        found.append([(a, -1), (b, 1)])
    return as_changes(species, found), makes


def as_changes(species, channels):
    rows = {i: {} for i in range(species)}
    for number, parts in enumerate(channels):
        for i, change in parts:
            rows[i][number] = rows[i].get(number, 0) + change
    return {i: {k: v for k, v in row.items() if v} for i, row in rows.items()}


def test_large_networks_take_seconds():
    changes, makes = bindings(2500, 10_000, 5)
    started = time.perf_counter()
    pools = find_pools(list(null_space(changes).laws.values()))
    assert time.perf_counter() - started < 20  # 0.3 s where nothing else runs
    assert as_rows(pools.laws) == as_rows(
        {i: make[kind] for i, make in enumerate(makes) if make[kind]}
        for kind in range(5)
    )


def test_networks_drawn_at_random_take_seconds():
    draw = random.Random(0)
    found = [
        [(draw.randrange(2500), change) for change in (-1, -1, 1, 1)]
        for _ in range(10_000)
    ]
    started = time.process_time()
    laws = null_space(as_changes(2500, found)).laws
    assert time.process_time() - started < 10  # about 1 s where nothing else runs
    assert list(laws.values()) == [dict.fromkeys(range(2500), 1)]


def test_too_much_work_is_left_out(monkeypatch):
    changes, _ = bindings(60, 200, 3)
    assert len(null_space(changes).laws) == 3
    monkeypatch.setattr(module, "MOST_TERMS", 10)
    found = null_space(changes)
    assert not found.is_whole
    assert not found.laws


def test_a_law_with_huge_coefficients_is_left_out_alone():
    # 2 X0 -> X1, 2 X1 -> X2, ...: X0 + 2 X1 + 4 X2 + ...
    chain = [[(i, -2), (i + 1, 1)] for i in range(70)]
    changes = as_changes(73, [*chain, [(71, -1), (72, 1)]])
    found = null_space(changes)
    assert not found.is_whole
    assert list(found.laws.values()) == [{71: 1, 72: 1}]


def test_pools_that_are_too_many_are_not_looked_for():
    laws = [{i: 1, 50: -1} for i in range(50)] + [{i: 1, 50: 1} for i in range(51, 101)]
    assert find_pools(laws).unsearched == set(range(101))
    assert pools_module.MOST_PAIRS < 2500
    alone = find_pools([*laws, {200: 2, 201: 1}])
    assert alone.laws == [{200: 2, 201: 1}]
