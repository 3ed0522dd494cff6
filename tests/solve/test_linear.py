"""The linear solver against a dense solve of the assembled matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import FEW
from hypothesis import given
from hypothesis import strategies as st

from crnlang.solve.linear import (
    block_products,
    combine,
    factor_blocks,
    project,
    shift_diagonal,
    solve_krylov,
)

SHAPES = ((2, 3), (1, 4))
SHIFT = 0.1


def problem(seed, size=30):
    """Random scores of two block shapes, weights, and a right-hand side."""
    rng = np.random.default_rng(seed)
    scores = tuple(jnp.asarray(rng.normal(size=(size, *s))) for s in SHAPES)
    weights = jnp.asarray(rng.dirichlet(np.ones(size)))
    right = tuple(jnp.asarray(rng.normal(size=s)) for s in SHAPES)
    return scores, weights, right


def flat(blocks):
    return np.concatenate([np.asarray(b).reshape(-1) for b in blocks])


def operator(scores, weights):
    def apply(x):
        pulled = project(scores, weights * combine(scores, x))
        return tuple(p + SHIFT * v for p, v in zip(pulled, x, strict=True))

    return apply


def preconditioner(scores, weights):
    blocks = block_products(scores, scores, weights)
    return factor_blocks(shift_diagonal(blocks, jnp.asarray(SHIFT)))


@jax.jit
def solve(scores, weights, right):
    """The matrix on `right`, and the solutions after 0, 4 and 10 iterations."""
    apply, blocks = operator(scores, weights), preconditioner(scores, weights)
    solved = [solve_krylov(apply, right, blocks, steps) for steps in (0, 4, 10)]
    return apply(right), *solved


@FEW
@given(st.integers(0, 10**6))
def test_enough_iterations_solve_the_full_system(seed):
    scores, weights, right = problem(seed)
    table = np.concatenate([np.asarray(o).reshape(len(o), -1) for o in scores], axis=1)
    full = table.T @ (np.asarray(weights)[:, None] * table) + SHIFT * np.eye(10)
    exact = np.linalg.solve(full, flat(right))
    applied, *solved = solve(scores, weights, right)
    assert flat(applied) == pytest.approx(full @ flat(right), abs=1e-12)
    distances = [np.linalg.norm(flat(found) - exact) for found in solved]
    assert distances[2] < 1e-4 * np.linalg.norm(exact)
    assert distances[2] <= distances[1] + 1e-12 <= distances[0] + 2e-12


def test_no_iterations_are_the_blocks_alone():
    scores, weights, right = problem(0)
    found = solve_krylov(
        operator(scores, weights), right, preconditioner(scores, weights), 0
    )
    for o, b, x in zip(scores, right, found, strict=True):
        for p in range(b.shape[0]):
            rows = np.asarray(o)[:, p]
            block = rows.T @ (np.asarray(weights)[:, None] * rows)
            block += SHIFT * np.eye(len(block))
            exact = np.linalg.solve(block, np.asarray(b)[p])
            assert np.asarray(x)[p] == pytest.approx(exact, rel=1e-9)


def test_a_matrix_that_is_not_positive_gives_nan_and_not_a_number_that_looks_right():
    solver = factor_blocks((-jnp.eye(2)[None],))
    assert np.isnan(flat(solver((jnp.ones((1, 2)),)))).all()
