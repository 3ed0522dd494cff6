"""The ansatz: normalised on the state space, exact samples, independent scores."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    ENZYME,
    FEW,
    conserving_networks,
    kernel_of,
    law_of,
    lower,
    model_of,
    scattered,
    states_of,
    summing,
)
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from crnlang.nn.base import plain_log_ratios
from crnlang.nn.output import FLOOR
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.estimate import scores_of

SIZE = 2**12
builders = st.sampled_from([model_of, summing])
spaces = st.one_of(conserving_networks(), st.just(lower(ENZYME)))


@eqx.filter_jit
def read(model, states, levels):
    """Conditionals along every state, as tables over copy numbers, and scores."""
    order = jnp.asarray(model.order)

    def table(ordered, position):
        values, log_p = model.branches(ordered, position)
        return jnp.full(levels, -jnp.inf).at[values].max(log_p, mode="drop")

    def tables_of(n):
        return jnp.stack([table(n[order], p) for p in range(len(model.order))])

    tables = jax.vmap(tables_of)(states)
    return tables, scores_of(model, states)


@eqx.filter_jit
def sample(model, uniforms):
    return jax.vmap(model.sample)(uniforms)


@FEW
@given(spaces, st.integers(0, 99))
def test_the_law_is_normalised_and_its_scores_are_uncorrelated(lowered, seed):
    states = states_of(lowered)
    model = model_of(lowered, noise=1.0, seed=seed)
    law = law_of(model, states)
    assert law.sum() == pytest.approx(1, abs=1e-12)
    levels = int(lowered.space.caps.max()) + 1
    tables, scores = read(model, states, levels)
    ordered = np.asarray(states)[:, lowered.space.order]
    chosen = np.take_along_axis(np.asarray(tables), ordered[..., None], axis=2)
    assert np.exp(chosen.sum(axis=(1, 2))) == pytest.approx(law, abs=1e-12)
    assert np.exp(np.asarray(tables)).sum(axis=2) == pytest.approx(1, abs=1e-12)
    rows = [
        np.asarray(block)[:, member]
        for block in scores
        for member in range(block.shape[1])
    ]
    for i, one in enumerate(rows):
        assert np.abs(law @ one).max() < 1e-12
        for other in rows[:i]:
            assert np.abs((law[:, None] * one).T @ other).max() < 1e-12


@FEW
@given(spaces, st.integers(0, 99))
def test_samples_follow_the_law_inside_the_state_space(lowered, seed):
    space, states = lowered.space, np.asarray(states_of(lowered))
    model = model_of(lowered, noise=0.5, seed=seed)
    uniforms = jax.random.uniform(jax.random.key(seed), (SIZE, len(space.caps)))
    drawn = np.asarray(sample(model, uniforms))
    assert (drawn >= 0).all()
    assert (drawn <= space.caps).all()
    assert (drawn @ space.laws.T == space.totals).all()
    found, counts = np.unique(np.vstack([states, drawn]), axis=0, return_counts=True)
    assert (found == states).all()
    expected = SIZE * law_of(model, states)
    common = expected >= 5
    rest = np.append(counts - 1, 0)[np.append(~common, True)].sum()
    observed = np.append((counts - 1)[common], rest)
    wanted = np.append(expected[common], max(expected[~common].sum(), 1e-9))
    if wanted[-1] < 5:
        observed[-2:] = [observed[-2] + observed[-1], 0]
        wanted[-2:] = [wanted[-2] + wanted[-1], 0]
        observed, wanted = observed[:-1], wanted[:-1]
    if len(wanted) > 1:
        wanted *= SIZE / wanted.sum()
        assert chisquare(observed, wanted).pvalue > 1e-6


@FEW
@given(spaces, st.integers(0, 99), builders)
def test_the_log_ratios_of_neighbours_are_those_of_whole_new_log_probs(
    lowered, seed, build
):
    model, kernel = build(lowered, noise=1.0, seed=seed), kernel_of(lowered)
    changes = -kernel.net_changes

    def fused(m, n):
        return m.log_ratios(n, changes, kernel.sources(n)[1])

    def plain(m, n):
        return plain_log_ratios(m.log_prob, n, changes, kernel.sources(n)[1])

    @eqx.filter_jit
    def look(blocks, states):
        def ratios(blocks, form):
            moved = model.with_weight_blocks(blocks)
            return jax.vmap(lambda n: form(moved, n))(states)

        def total(blocks, form):
            return jnp.sum(ratios(blocks, form))

        return [
            (ratios(blocks, form), jax.grad(total)(blocks, form))
            for form in (fused, plain)
        ]

    (found, slope), (wanted, true_slope) = look(
        model.weight_blocks(), states_of(lowered)
    )
    assert np.asarray(found) == pytest.approx(np.asarray(wanted), abs=1e-9)
    for one, other in zip(slope, true_slope, strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), rel=1e-7, abs=1e-7)


@FEW
@given(spaces, st.integers(0, 99))
def test_weight_blocks_survive_the_round_trip(lowered, seed):
    model = model_of(lowered, noise=1.0, seed=seed)
    blocks = model.weight_blocks()
    again = model.with_weight_blocks(blocks)
    assert eqx.tree_equal(model, again)
    moved = scattered(model, 0.5, seed + 1)
    back = moved.with_weight_blocks(blocks)
    assert eqx.tree_equal(model, back)
    free = sum(block.shape[0] for block in blocks)
    assert free == len(model.mask.free)


def test_the_product_law_is_exact_down_to_the_floor():
    text = """crn 1
model product
species A in 0..4 ~ poisson(1.5)
species B in 0..3 = 2
species C in 0..2 ~ uniform(0, 1)
a: 0 <-> A @ 1, 1
b: 0 <-> B @ 1, 1
c: 0 <-> C @ 1, 1
"""
    lowered = lower(text)
    states = np.asarray(states_of(lowered))
    start = np.ones(len(states))
    for variable, law in enumerate(lowered.initial):
        start *= law[states[:, variable]]
    model = model_of(lowered)
    found = law_of(model, jnp.asarray(states))
    assert found == pytest.approx(start, abs=10 * np.exp(FLOOR))
    assert found.min() > 0
    fresh = scattered(model, 1.0).with_product_law(lowered.initial)
    assert law_of(fresh, jnp.asarray(states)) == pytest.approx(found, rel=1e-12)


def test_entangled_laws_leave_no_dead_end():
    lowered = lower(ENZYME)
    assert len(lowered.space.laws) == 2
    model = model_of(lowered, noise=1.0)
    states = states_of(lowered)
    levels = int(lowered.space.caps.max()) + 1
    tables, _ = read(model, states, levels)
    assert np.isfinite(np.asarray(tables).max(axis=2)).all()
    determined = [position for position, _ in model.mask.determined]
    open_levels = np.isfinite(np.asarray(tables)).sum(axis=2)
    assert (open_levels[:, determined] == 1).all()
    corners = jnp.asarray([[0.0] * 4, [1 - 1e-9] * 4])
    drawn = np.asarray(sample(model, corners))
    assert (drawn @ lowered.space.laws.T == lowered.space.totals).all()


def test_the_start_of_a_conserving_network_is_its_initial_state():
    lowered = lower(ENZYME)
    states = states_of(lowered)
    law = law_of(model_of(lowered), states)
    start = np.asarray([np.argmax(p) for p in lowered.initial])
    at = int(np.flatnonzero((np.asarray(states) == start).all(axis=1))[0])
    assert law[at] == pytest.approx(1, abs=1e-11)


@pytest.mark.parametrize("variables", [1, 5])
def test_shifted_sobol_points_are_uniform_in_every_coordinate(variables):
    size = 256
    points = sobol_points(size, variables, seed=3)
    for number in range(4):
        key = jax.random.key(number)
        spread = np.asarray(quantiles(key, points, np.dtype("float64")))
        assert spread.min() > 0
        assert spread.max() < 1
        cells = np.sort(np.floor(spread * size).astype(int), axis=0)
        assert (cells == np.arange(size)[:, None]).all()


def test_single_precision_quantiles_stay_below_one():
    points = jnp.full((1, 1), 2**30 - 1, jnp.uint32)
    keys = jax.random.split(jax.random.key(0), 4000)
    spread = jax.vmap(lambda key: quantiles(key, points, np.dtype("float32")))(keys)
    assert float(spread.max()) <= 1
    assert float(spread.min()) > 0
