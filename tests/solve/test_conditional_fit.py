"""The fit of one conditional: its sums are exact, its steps go up, resistance holds."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    FEW,
    birth_death,
    conserving_networks,
    law_of,
    model_of,
    states_of,
    with_positive_start,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.nn.conditional import ConditionalNetworks
from crnlang.solve import conditional_fit
from crnlang.solve.conditional_fit import (
    LIKELIEST,
    SAMPLED,
    Objective,
    each_block,
    levels_of,
    tabulate,
)

SHIFTS = (1e-6, 1e-2)


def objectives(lowered, model, law, resistance=0.0):
    """One for each block."""
    ordered = np.asarray(states_of(lowered))[:, list(model.order)]
    for place, position in enumerate(model.block_positions):
        levels = levels_of(model, position)
        table, _ = tabulate(ordered, law, law, position, levels)
        yield Objective(model, place, table, SHIFTS, resistance)


def weights_of(objective):
    return objective.model.weight_blocks()[objective.place][0]


def random_law(lowered, seed):
    size = len(states_of(lowered))
    return np.random.default_rng(seed).dirichlet(np.full(size, 0.5))


@FEW
@given(conserving_networks(), st.integers(0, 99))
def test_the_values_of_all_blocks_are_the_likelihood_of_the_law(lowered, seed):
    lowered = with_positive_start(lowered, seed)
    model, law = model_of(lowered, noise=0.3, seed=seed), random_law(lowered, seed)
    found = sum(
        objective.values(weights_of(objective)[None])[0]
        for objective in objectives(lowered, model, law)
    )
    expected = law @ np.log(law_of(model, states_of(lowered)))
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("resistance", [0.0, 1e-3])
def test_a_step_goes_up(resistance):
    lowered = birth_death(8)
    model = model_of(lowered, noise=0.3)
    law = random_law(lowered, 1)
    for objective in objectives(lowered, model, law, resistance):
        start = weights_of(objective)
        moved, value = objective.improve(start)
        assert value > objective.values(start[None])[0]
        assert value == pytest.approx(objective.values(moved[None])[0])


@given(st.integers(0, 99), st.sampled_from([40, 900]))
def test_a_table_holds_all_that_comes_after_a_prefix(seed, size):
    rng = np.random.default_rng(seed)
    states = rng.integers(0, 12, (size, 4))
    weights, values = rng.dirichlet(np.ones(size)), rng.normal(size=size)
    table, mass = tabulate(states, weights, values, 3, 12)
    assert len(table.law) % conditional_fit.PIECE == 0
    assert mass.sum() == pytest.approx(1)
    assert (np.diff(mass) <= 1e-15).all()
    for row in rng.integers(0, np.count_nonzero(mass), 5):
        is_there = (states[:, :3] == table.prefixes[row, :3]).all(axis=1)
        assert mass[row] == pytest.approx(weights[is_there].sum())
        expected = np.bincount(states[is_there, 3], values[is_there], 12)
        np.testing.assert_allclose(table.law[row], expected, atol=1e-12)
    assert len(table.looked_at) == LIKELIEST + SAMPLED
    assert table.shares.sum() == pytest.approx(1)


def test_a_table_of_several_pieces_has_the_same_sums():
    lowered = birth_death(8)
    model, law = model_of(lowered, noise=0.3), random_law(lowered, 2)
    assert isinstance(model, ConditionalNetworks)
    (whole,) = objectives(lowered, model, law)
    twice = replace(
        whole.table,
        prefixes=np.tile(whole.table.prefixes, (2, 1)),
        law=np.tile(whole.table.law / 2, (2, 1)),
    )
    pieces = Objective(model, 0, twice, SHIFTS)
    tried = weights_of(whole)[None] + np.linspace(-0.1, 0.1, 3)[:, None]
    np.testing.assert_allclose(pieces.values(tried), whole.values(tried))
    expected, _ = whole.improve(tried[0])
    np.testing.assert_allclose(pieces.improve(tried[0])[0], expected)


def test_every_block_is_fitted_in_its_place():
    lowered = birth_death(8)
    model = model_of(lowered, noise=0.3)
    assert isinstance(model, ConditionalNetworks)
    blocks = each_block(model, lambda place: model.weight_blocks()[place][0] + 1.0)
    for before, after in zip(model.weight_blocks(), blocks, strict=True):
        np.testing.assert_allclose(after, jnp.asarray(before) + 1.0)
