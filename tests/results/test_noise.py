"""The noise of finite samples: what equal laws show, and how much at most."""

import numpy as np
import pytest
from scipy.stats import chi2

from crnlang.results.compare import hellinger
from crnlang.results.noise import sampling_noise

REPEATS = 400


def draws(law, samples, seed):
    generator = np.random.default_rng(seed)
    return generator.multinomial(samples, law, size=REPEATS) / samples


def some_law(cells, seed=1):
    return np.random.default_rng(seed).dirichlet(np.full(cells, 0.5))


@pytest.mark.parametrize("samples", [20, 300, 10_000])
def test_noise_is_the_distance_of_an_empirical_law(samples):
    law = some_law(50)
    drawn = draws(law, samples, 2)
    squares = np.array([hellinger(law, one) ** 2 for one in drawn])
    noise = sampling_noise(law, drawn[0], np.inf, samples)
    assert noise.expected == pytest.approx(np.sqrt(squares.mean()), rel=0.05)
    assert noise.variance == pytest.approx(squares.var(), rel=0.3)
    assert noise == sampling_noise(drawn[0], law, samples, np.inf)


@pytest.mark.parametrize(("cells", "samples"), [(50, (300, 300)), (3000, (200, 900))])
def test_noise_between_samples_needs_no_law(cells, samples):
    """Also where most cells are seen once or never."""
    pairs = zip(
        *(draws(some_law(cells), size, 3 + k) for k, size in enumerate(samples)),
        strict=True,
    )
    found = [
        (hellinger(p, q) ** 2, sampling_noise(p, q, *samples).mean) for p, q in pairs
    ]
    distances, means = np.array(found).T
    assert means.mean() == pytest.approx(distances.mean(), rel=0.03)


@pytest.mark.parametrize("others", [np.inf, 4e6])
def test_the_limit_for_well_filled_cells_is_a_quantile_of_chi_squared(others):
    law = np.full(20, 0.05)
    noise = sampling_noise(law, law, 1e6, others)
    unit = (1 / 1e6 + 1 / others) / 8
    for chance in (0.1, 1e-3, 1e-8):
        exact = np.sqrt(chi2.isf(chance, 19) * unit)
        assert noise.limit(chance) == pytest.approx(exact, rel=1e-2)


@pytest.mark.parametrize("cells", [2, 30, 2000])
@pytest.mark.parametrize("others", [np.inf, 500])
def test_equal_laws_exceed_the_limit_as_seldom_as_promised(cells, others):
    law = some_law(cells)
    mine = draws(law, 1000, 5)
    theirs = [law] * REPEATS if np.isinf(others) else draws(law, others, 6)
    above = [
        hellinger(p, q) > sampling_noise(p, q, 1000, others).limit(0.01)
        for p, q in zip(mine, theirs, strict=True)
    ]
    assert np.mean(above) < 0.03


@pytest.mark.parametrize("share", [0.0, 1e-12, 1e-7])
def test_a_cell_that_samples_never_see_is_no_difference(share):
    law, drawn = np.array([1 - share, share]), np.array([1.0, 0.0])
    noise = sampling_noise(law, drawn, np.inf, 1000)
    assert hellinger(law, drawn) <= noise.limit(1e-6) + 1e-12


def test_exact_laws_have_no_noise():
    law = some_law(5)
    noise = sampling_noise(law, law, np.inf, np.inf)
    assert (noise.expected, noise.limit(1e-3)) == (0, 0)
