"""The ansaetze with shared weights, on every state of small spaces."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    ENZYME,
    conserving_networks,
    kernel_of,
    law_of,
    lower,
    model_of,
    scattered,
    states_of,
    with_positive_start,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from crnlang.nn.base import plain_log_ratios
from crnlang.nn.output import FLOOR

SIZE = 2**12
ANSAETZE = {
    "nade": {},
    "gru": {"layers": 2, "width": 4},
    "transformer": {"layers": 1, "width": 4, "heads": 2},
}
spaces = st.one_of(conserving_networks(), st.just(lower(ENZYME)))
#: Each example compiles its own programs.
TWO = settings(max_examples=2)


@eqx.filter_jit
def look(model, kernel, states, uniforms):
    """log P, the same from the branches, log ratios, the same plainly, samples."""
    order, changes = np.asarray(model.order), -kernel.net_changes

    def ratios(n, form):
        return form(n, changes, kernel.sources(n)[1])

    def by_branches(n):
        total = 0.0
        for position in range(len(order)):
            values, log_p = model.branches(n[order], position)
            is_here = values == n[order[position]]
            total += jnp.sum(jnp.where(is_here, log_p, 0.0))
        return total

    def plain(*arguments):
        return plain_log_ratios(model.log_prob, *arguments)

    return (
        jax.vmap(model.log_prob)(states),
        jax.vmap(by_branches)(states),
        jax.vmap(lambda n: ratios(n, model.log_ratios))(states),
        jax.vmap(lambda n: ratios(n, plain))(states),
        jax.vmap(model.sample)(uniforms),
    )


@pytest.mark.parametrize("ansatz", ANSAETZE)
@TWO
@given(lowered=spaces, seed=st.integers(0, 99))
def test_law_branches_ratios_and_samples_are_of_one_network(ansatz, lowered, seed):
    options = {"ansatz": ansatz, **ANSAETZE[ansatz]}
    model = scattered(model_of(lowered, **options).silenced(), 1.0, seed)
    space, states, kernel = lowered.space, states_of(lowered), kernel_of(lowered)
    uniforms = jax.random.uniform(jax.random.key(seed), (SIZE, len(space.caps)))
    log_p, branches, ratios, plain, drawn = map(
        np.asarray, look(model, kernel, states, uniforms)
    )
    law, drawn = np.exp(log_p), drawn.astype(int)
    assert law.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(branches, log_p, atol=1e-10)
    np.testing.assert_allclose(ratios, plain, atol=1e-9)
    assert ((drawn >= 0) & (drawn <= space.caps)).all()
    assert (drawn @ space.laws.T == space.totals).all()
    found, counts = np.unique(
        np.vstack([np.asarray(states), drawn]), axis=0, return_counts=True
    )
    assert (found == np.asarray(states)).all()
    spread = np.sqrt(SIZE * law) + 1
    assert (np.abs(counts - 1 - SIZE * law) < 6 * spread).all()


@pytest.mark.parametrize("ansatz", ANSAETZE)
def test_the_product_law_is_exact_whatever_the_network_was(ansatz):
    lowered = with_positive_start(
        lower(
            "crn 1\nmodel two\nspecies A in 0..3 = 0\nspecies B in 0..2 = 0\n"
            "a: 0 <-> A @ 1, 1\nb: 0 <-> B @ 1, 1\n"
        )
    )
    states = states_of(lowered)
    model = scattered(model_of(lowered, ansatz=ansatz, **ANSAETZE[ansatz]), 1.0)
    first, second = lowered.initial
    found = law_of(model.with_product_law((first, second)), states)
    a, b = np.asarray(states).T
    assert found == pytest.approx(first[a] * second[b], abs=10 * np.exp(FLOOR))
    assert eqx.tree_equal(model, model.with_weight_blocks(model.weight_blocks()))
    assert len(model.weight_blocks()) == 1
