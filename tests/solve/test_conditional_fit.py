"""The fit of one conditional: its sums are exact, its steps go up, resistance holds."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from engine_cases import (
    FEW,
    birth_death,
    conditionals_of,
    conserving_networks,
    law_of,
    lower,
    states_of,
    with_positive_start,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.nn.padding import padded
from crnlang.solve.adjust import Follower
from crnlang.solve.conditional_fit import Objective, fit_each
from crnlang.solve.tables import (
    LIKELIEST,
    PIECE,
    SAMPLED,
    Rows,
    likelihood_bound,
    list_rows,
    tabulate,
)

SHIFTS = (1e-6, 1e-2)
FOUR = """crn 1
model four
species A, B, C, D in 0..11 = 1
a: 0 -> A -> B -> C -> D -> 0 @ 1, 1, 1, 1, 1
"""


def objectives(lowered, model, law, resistance=0.0):
    """One for each conditional."""
    ordered = np.asarray(states_of(lowered))[:, list(model.order)]
    for place in range(len(model.networks)):
        table, _ = tabulate(model, place, ordered, law, law)
        yield Objective(padded(model, place), table, SHIFTS, resistance)


def random_law(lowered, seed):
    size = len(states_of(lowered))
    return np.random.default_rng(seed).dirichlet(np.full(size, 0.5))


@FEW
@given(conserving_networks(), st.integers(0, 99))
def test_the_values_of_all_blocks_are_the_likelihood_of_the_law(lowered, seed):
    lowered = with_positive_start(lowered, seed)
    model, law = (
        conditionals_of(lowered, noise=0.3, seed=seed),
        random_law(lowered, seed),
    )
    found = sum(
        objective.values(objective.start[None])[0]
        for objective in objectives(lowered, model, law)
    )
    expected = law @ np.log(law_of(model, states_of(lowered)))
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("resistance", [0.0, 1e-3])
def test_a_step_goes_up(resistance):
    lowered = birth_death(8)
    model = conditionals_of(lowered, noise=0.3)
    law = random_law(lowered, 1)
    for objective in objectives(lowered, model, law, resistance):
        start = objective.start
        moved, value = objective.improve(start)
        assert value > objective.values(start[None])[0]
        assert value == pytest.approx(objective.values(moved[None])[0])


@cache
def four():
    return conditionals_of(lower(FOUR), noise=0.3)


@FEW
@given(st.integers(0, 99), st.sampled_from([40, 900]))
def test_a_table_holds_all_that_comes_after_a_prefix(seed, size):
    rng = np.random.default_rng(seed)
    model = four()
    states = rng.integers(0, 12, (size, 4))
    weights, values = rng.dirichlet(np.ones(size)), rng.normal(size=size)
    table, mass = tabulate(model, 3, states, weights, values)
    assert len(table.law) % PIECE == 0
    assert mass.sum() == pytest.approx(1)
    assert (np.diff(mass) <= 1e-15).all()
    x = np.concatenate([np.asarray(x) for x, *_ in table.pieces])
    prefixes = np.rint((x[:, :3] + 1) / 2 * 11)
    for row in rng.integers(0, np.count_nonzero(mass), 5):
        is_there = (states[:, :3] == prefixes[row]).all(axis=1)
        assert mass[row] == pytest.approx(weights[is_there].sum())
        expected = np.bincount(states[is_there, 3], values[is_there], 12)
        np.testing.assert_allclose(table.law[row], expected, atol=1e-12)
    assert len(table.shares) == LIKELIEST + SAMPLED
    assert table.shares.sum() == pytest.approx(1)


def test_a_table_of_several_pieces_has_the_same_sums():
    lowered = birth_death(8)
    model, law = conditionals_of(lowered, noise=0.3), random_law(lowered, 2)
    (whole,) = objectives(lowered, model, law)
    half = whole.table.with_law(whole.table.law / 2)
    twice = replace(half, pieces=half.pieces * 2)
    pieces = replace(whole, table=twice)
    tried = whole.start[None] + np.linspace(-0.1, 0.1, 3)[:, None]
    np.testing.assert_allclose(pieces.values(tried), whole.values(tried))
    expected, _ = whole.improve(tried[0])
    np.testing.assert_allclose(pieces.improve(tried[0])[0], expected)


def test_every_conditional_is_fitted_in_its_place():
    model = four()
    moved = fit_each(
        model, lambda given, place: np.asarray(padded(given, place).weights()) + place
    )
    blocks = zip(model.weight_blocks(), moved.weight_blocks(), strict=True)
    for place, (before, after) in enumerate(blocks):
        np.testing.assert_allclose(after, np.asarray(before) + place)


def test_what_noise_takes_below_nothing_gains_little():
    """Q of -1 would make the likelihood grow without end; here it has a maximum."""
    lowered = birth_death(8)
    model = conditionals_of(lowered, noise=0.3)
    states = np.asarray(states_of(lowered))
    law = law_of(model, states)
    follower, rows = Follower(1), list_rows(model, 0, states, law)
    known = np.pad(law[None], ((0, len(rows.mass) - 1), (0, 0)))
    known = np.pad(known, ((0, 0), (0, rows.is_open.shape[1] - len(law))))
    change = np.zeros_like(known)
    change[0, 2], change[0, 3] = -5 * law[2], 5 * law[2]
    found = law_of(
        follower.fit(model, [rows], [known + change], [known]), states_of(lowered)
    )
    assert law[2] / 100 < found[2] < law[2] / 2
    small = law_of(
        follower.fit(model, [rows], [known + 0.01 * change], [known]),
        states_of(lowered),
    )
    assert small[2] - law[2] == pytest.approx(-0.05 * law[2], rel=0.02)


def rows_and_laws(lowered, model, law):
    """Of every conditional its rows, and the law on rows and copy numbers."""
    ordered = np.asarray(states_of(lowered))[:, list(model.order)]
    for place, position in enumerate(model.mask.free):
        rows = list_rows(model, place, ordered, law)
        every = np.zeros((len(law), rows.is_open.shape[1]))
        every[np.arange(len(law)), ordered[:, position]] = law
        yield place, rows, rows.gather(every)


@FEW
@given(conserving_networks(), st.integers(0, 99))
def test_whatever_counts_more_the_law_itself_is_the_best_fit(lowered, seed):
    lowered = with_positive_start(lowered, seed)
    model = conditionals_of(lowered, noise=0.3, seed=seed)
    random = np.random.default_rng(seed)
    law = np.asarray(law_of(model, states_of(lowered)))
    law = law / law.sum()
    for place, rows, known in rows_and_laws(lowered, model, law):
        stress = np.exp(random.uniform(0, 4, known.shape))
        table = rows.table(known, None, stress)
        objective = Objective(padded(model, place), table, SHIFTS)
        tried = objective.start + random.normal(0, 0.3, (5, len(objective.start)))
        best = objective.values(objective.start[None])[0]
        assert best == pytest.approx(likelihood_bound(known, stress), rel=1e-8)
        assert (objective.values(tried) <= best + 1e-9).all()


def test_rare_copy_numbers_are_fitted_better_where_they_count_more():
    """Few functions cannot follow a law of two modes: the rare one pays for it."""
    lowered = birth_death(20)
    model = conditionals_of(lowered, basis=2, noise=0.1)
    place, rows, _ = next(rows_and_laws(lowered, model, random_law(lowered, 0)))
    assert isinstance(rows, Rows)
    levels = np.arange(rows.is_open.shape[1])
    known = np.zeros(rows.is_open.shape)
    known[0] = np.exp(-((levels - 14) ** 2) / 8) + 1e-3 * np.exp(-((levels - 2) ** 2))
    known[0] *= rows.is_open[0] / known[0].sum()
    rare = np.array([levels < 5])

    def error(boxes):
        fitted = Follower(1).fit(model, [rows], [known], [known], 1e-3, boxes)
        found = law_of(fitted, states_of(lowered))
        exact = known[0, : len(found)]
        return abs(np.log(found[:5].sum() / exact[:5].sum()))

    assert place == 0
    assert error([rare]) < error(None) / 3
    assert error([~rare | rare]) == error(None)
