"""The exponential of a generator: any spectrum, the error within its bound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import expm

from crnlang.exponential import chebyshev_weights, evolve, power_weights


def generator(rates):
    matrix = np.array(rates)
    np.fill_diagonal(matrix, 0)
    return matrix - np.diag(matrix.sum(axis=0))


def with_integral(matrix):
    size = len(matrix)
    return sparse.csr_array(np.pad(matrix, ((0, 1), (0, 1)))), np.eye(size + 1)[0]


@given(
    st.integers(2, 6).flatmap(
        lambda n: st.lists(
            st.lists(st.floats(0, 50), min_size=n, max_size=n), min_size=n, max_size=n
        )
    ),
    st.floats(0.01, 50),
)
def test_agrees_with_the_dense_exponential(rates, t):
    matrix = generator(rates)
    augmented, start = with_integral(matrix)
    radius = max(-matrix.diagonal().min(), 1e-300)
    found, error = evolve(augmented, radius, start, (t,), 1e-10)
    exact = expm(t * matrix)[:, 0]
    assert error[-1] <= 1e-10
    assert np.abs(found[0, :-1] - exact).sum() < 1e-9


def test_a_one_way_ring_with_complex_eigenvalues():
    size, rate, t = 400, 30.0, 20.0
    ring = rate * (np.eye(size, k=-1) + np.eye(size, k=size - 1) - np.eye(size))
    augmented, start = with_integral(ring)
    found, error = evolve(augmented, rate, start, (t,), 1e-10)
    modes = np.exp(2j * np.pi * np.arange(size) / size)
    exact = np.fft.fft(np.exp(rate * t * (modes - 1))).real / size
    assert error[-1] <= 1e-10
    assert np.abs(found[0, :-1] - exact).sum() < 1e-9


@pytest.mark.parametrize("z", [1e-8, 0.3, 5.0, 64.0, 2000.0])
def test_the_weights_add_up_to_one(z):
    assert power_weights(z, 1e-15).sum() == pytest.approx(1, abs=1e-12)
    assert chebyshev_weights(z, 1e-15).sum() == pytest.approx(1, abs=1e-12)
