"""Uniformisation against the matrix exponential."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.sparse import csr_matrix

from crnlang.solve.uniformize import uniformize


def generator(rng, size, leaving=0.0):
    """A random generator matrix whose states also leave it at a rate."""
    w = rng.uniform(0, 1, (size, size)) * (rng.uniform(0, 1, (size, size)) < 0.4)
    w *= 10.0 ** rng.uniform(-2, 2, size)
    np.fill_diagonal(w, 0)
    return w - np.diag(w.sum(axis=0) + leaving)


@given(st.integers(1, 6), st.integers(0, 999), st.sampled_from([1e-3, 0.5, 20.0]))
def test_the_law_is_that_of_the_matrix_exponential(size, seed, dt):
    rng = np.random.default_rng(seed)
    w, source = generator(rng, size, 0.1), rng.uniform(0, 0.1, size)
    law = rng.dirichlet(np.ones(size))
    whole = np.zeros((size + 1, size + 1))
    whole[:size, :size], whole[:size, size] = w, source
    exact = (expm(whole * dt) @ np.append(law, 1.0))[:size]
    found = uniformize(csr_matrix(w), source, law, dt)
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=1e-12)


@settings(max_examples=20)
@given(st.integers(2, 6), st.integers(0, 999))
def test_nothing_is_lost_over_many_pieces_and_nothing_is_negative(size, seed):
    rng = np.random.default_rng(seed)
    w = generator(rng, size)
    law = np.zeros(size)
    law[0] = 1.0
    found = uniformize(csr_matrix(w), np.zeros(size), law, 100.0)
    assert found.sum() == pytest.approx(1, abs=1e-9)
    assert (found >= 0).all()


def test_small_probabilities_are_as_exact_as_large_ones():
    chain = np.diag(np.full(11, 1e-3), -1)
    chain -= np.diag(np.append(np.full(11, 1e-3), 0.0))
    law = np.eye(12)[0]
    found = uniformize(csr_matrix(chain), np.zeros(12), law, 1.0)
    number = np.arange(5)
    exact = np.exp(-1e-3) * 1e-3**number / [1, 1, 2, 6, 24]
    np.testing.assert_allclose(found[:5], exact, rtol=1e-9)


def test_where_nothing_moves_only_the_source_adds():
    still = csr_matrix((2, 2))
    found = uniformize(still, np.array([0.0, 0.5]), np.array([1.0, 0.0]), 0.2)
    np.testing.assert_allclose(found, [1.0, 0.1])
