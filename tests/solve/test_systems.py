"""The three solvers of a damped system against a dense solve, and one another."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import SWITCHES, exact_draws, kernel_of, lower, model_of, states_of
from hypothesis import given, settings
from hypothesis import strategies as st

from crnlang.solve.estimate import Estimate, Jacobian, jacobian_of, open_batch
from crnlang.solve.linear import combine, project
from crnlang.solve.systems import (
    LARGE,
    choose_solver,
    implicit_systems,
    solve_fisher,
    solve_whole,
)

SHAPES = ((2, 3), (1, 4))
SHIFT = 0.01
SOLVERS = ("cholesky", "kernel", "cg")


def random_scores(rng, size):
    return tuple(jnp.asarray(rng.normal(size=(size, *s))) for s in SHAPES)


def dense(scores):
    return np.concatenate([np.asarray(o).reshape(len(o), -1) for o in scores], axis=1)


def flat(blocks):
    return np.concatenate([np.asarray(b).ravel() for b in blocks])


@jax.jit
def solutions(scores, drifts, weights, right):
    """Of every solver: S alone, and S - h A."""
    now = Estimate(weights, scores, jnp.zeros(len(weights)))

    def both(solver):
        systems = implicit_systems(solver, now, Jacobian(drifts), SHIFT, 10)
        return (
            solve_whole(solver, scores, weights, SHIFT, right, close=1e-13),
            solve_fisher(solver, now, SHIFT, 10, right),
            systems(jnp.asarray(0.1))(right),
        )

    return [both(solver) for solver in SOLVERS]


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.sampled_from([6, 30]))
def test_the_solvers_agree(seed, size):
    rng = np.random.default_rng(seed)
    scores, weights = random_scores(rng, size), rng.dirichlet(np.ones(size))
    drifts = tuple(
        -o + 0.1 * d for o, d in zip(scores, random_scores(rng, size), strict=True)
    )
    right = tuple(jnp.asarray(rng.normal(size=s)) for s in SHAPES)
    table, moving = dense(scores), dense(drifts)
    fisher = table.T @ (weights[:, None] * table) + SHIFT * np.eye(10)
    slope = table.T @ (weights[:, None] * moving)
    exact = np.linalg.solve(fisher, flat(right))
    implicit = np.linalg.solve(fisher - 0.1 * slope, flat(right))
    for whole, few, both in solutions(scores, drifts, jnp.asarray(weights), right):
        scale = np.linalg.norm(exact)
        assert np.linalg.norm(flat(whole) - exact) < 1e-8 * scale
        assert np.linalg.norm(flat(few) - exact) < 1e-3 * scale
        assert np.linalg.norm(flat(both) - implicit) < 1e-3 * np.linalg.norm(implicit)


def test_products_are_those_of_stored_scores_and_drifts():
    lowered = lower(SWITCHES, on="0.8")
    model = model_of(lowered, noise=0.5, ansatz="nade")
    generator, t = kernel_of(lowered), jnp.zeros(())
    draws = exact_draws(model, generator, states_of(lowered))
    rng = np.random.default_rng(0)
    x = tuple(jnp.asarray(rng.normal(size=b.shape)) for b in model.weight_blocks())
    values = jnp.asarray(rng.normal(size=len(draws.counts)))

    @jax.jit
    def look():
        found = []
        for is_stored in (True, False):
            batch, _, now = open_batch(model, generator, draws, t, is_stored=is_stored)
            jacobian = jacobian_of(model, generator, batch, now, t)
            found.append(
                (
                    combine(now.scores, x),
                    project(now.scores, values)[0],
                    jacobian.apply(now, x)[0],
                )
            )
        return found

    for stored, product in zip(*look(), strict=True):
        np.testing.assert_allclose(product, stored, atol=1e-10)


def test_the_smaller_matrix_is_taken():
    lowered = lower(SWITCHES, on="0.8")
    shared, separate = model_of(lowered, ansatz="nade"), model_of(lowered)
    size = shared.weight_blocks()[0].size
    assert choose_solver("auto", shared, size, is_whole=False) == "cholesky"
    assert choose_solver("auto", shared, size - 1, is_whole=False) == "kernel"
    assert choose_solver("auto", separate, 2, is_whole=False) == "cholesky"
    assert choose_solver("auto", separate, 2, is_whole=True) == "kernel"
    assert choose_solver("cg", separate, 2, is_whole=True) == "cg"


def test_no_large_matrix_is_formed(monkeypatch):
    model = model_of(lower(SWITCHES, on="0.8"), ansatz="nade")
    assert model.weight_blocks()[0].size < LARGE
    monkeypatch.setattr("crnlang.solve.systems.LARGE", 4)
    assert choose_solver("auto", model, 4, is_whole=False) == "kernel"
    assert choose_solver("auto", model, 5, is_whole=False) == "cg"


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_scores_are_a_damped_right_hand_side(solver):
    scores = tuple(jnp.zeros((3, *s)) for s in SHAPES)
    right = tuple(jnp.ones(s) for s in SHAPES)
    found = solve_whole(solver, scores, jnp.full(3, 1 / 3), SHIFT, right)
    np.testing.assert_allclose(flat(found), 1 / SHIFT)
