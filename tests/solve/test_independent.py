"""Counts that are followed by themselves: their laws, and how far off they are."""

import numpy as np
import pytest
from engine_cases import (
    BIRTH_DEATH,
    exact_law,
    hellinger,
    kernel_of,
    law_of,
    lower,
    model_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from crnlang.settings import TdvpSettings
from crnlang.solve.independent import follow_independent

#: Two counts that know nothing of each other.
APART = """crn 1
model apart
species A in 0..14 = {start}
species B in 0..9 = 0
a: 0 <-> A @ {birth}, {death}
b: 0 <-> B @ 3, 1
"""
#: Of first order and from empty: a product of Poisson laws at any time.
CASCADE = """crn 1
model cascade
species A, B, C in 0..30 = 0
a: 0 -> A @ 8
b: A -> B @ 2
c: B -> C @ 1
d: C -> 0 @ 1
"""
#: Sharp counts that hop from one site to the other.
SITES = """crn 1
model sites
species A, B in 0..24 = 12
a: 0 <-> A @ 36, 3
b: 0 <-> B @ 36, 3
hop: A <-> B @ {hop}, {hop}
"""


def followed(lowered, until, reached=0.0, **changes):
    """The product law at a tenth of the first save time, if it will do."""
    chosen = TdvpSettings(**{"independent": 0.1, "tolerance": 1.0, **changes})
    model, generator = model_of(lowered), kernel_of(lowered)
    return follow_independent(model, generator, 0.0, reached, 10 * until, chosen)


@given(
    birth=st.floats(0, 50),
    death=st.floats(0, 5),
    start=st.integers(0, 14),
    until=st.floats(0.01, 2),
)
@settings(max_examples=5)
def test_counts_that_know_nothing_of_each_other_have_the_exact_law(
    birth, death, start, until
):
    lowered = lower(APART, birth=birth, death=death, start=start)
    found = followed(lowered, until)
    assert found is not None
    states, exact = exact_law(lowered, until)
    assert np.abs(law_of(found.model, states) - exact).sum() < 1e-6
    assert found.distance < 1e-5


def test_what_other_counts_do_is_averaged():
    lowered = lower(CASCADE)
    found = followed(lowered, 0.5)
    assert found is not None
    gone = np.exp(-found.t)
    a, b = 4 * (1 - gone**2), 8 * (1 - 2 * gone + gone**2)
    empty = np.zeros((31, 3), int)
    for variable, mean in ((0, a), (1, b)):
        states = empty.copy()
        states[:, variable] = np.arange(31)
        law = law_of(found.model, states)
        assert np.abs(law / law.sum() - poisson.pmf(np.arange(31), mean)).sum() < 2e-3


@pytest.mark.parametrize("hop", [0.2, 1.0])
@pytest.mark.parametrize("until", [0.01, 0.05])
def test_the_distance_is_about_that_from_the_exact_law(hop, until):
    lowered = lower(SITES, hop=hop)
    found = followed(lowered, until)
    assert found is not None
    assert found.t == pytest.approx(until)
    states, exact = exact_law(lowered, until)
    true = hellinger(law_of(found.model, states), exact)
    assert true / 1.5 < found.distance < 3 * true


def test_it_is_forgotten_as_the_law_spreads():
    lowered = lower(SITES, hop=1.0)
    states, exact = exact_law(lowered, 0.02)
    found = followed(lowered, 0.02)
    assert found is not None
    law = law_of(found.model, states)
    after = [exact_law(lowered, 0.3, start)[1] for start in (law, exact)]
    assert hellinger(*after) < 0.2 * hellinger(law, exact)


def test_counts_that_matter_to_each_other_are_not_parted():
    # A + B is nearly conserved, though a product law stays what it is under swaps
    nearly = """crn 1
model nearly
species A in 0..12 = 6
species B in 0..12 = 6
swap: A <-> B @ 9, 9
leak: A -> 0 @ 0.1
"""
    for until in (1e-5, 0.001, 0.5):
        assert followed(lower(nearly), until) is None
    # a tolerance that what is left over would exceed
    lowered = lower(SITES, hop=1.0)
    found = followed(lowered, 0.05, tolerance=1e-4)
    assert found is None or found.t < 0.05


def test_it_is_for_free_counts_and_for_what_is_not_known_anyway():
    conserved = """crn 1
model conserved
species A in 0..9 = 9
species B in 0..9 = 0
swap: A <-> B @ 1, 1
"""
    assert followed(lower(conserved), 0.01) is None
    lowered = lower(SITES, hop=0.2)
    assert followed(lowered, 0.01, reached=0.009) is None
    assert followed(lowered, 0.01, independent=0.0) is None
    assert followed(lower(BIRTH_DEATH, cap=9, start="= 2", birth=4), 0.1) is not None
