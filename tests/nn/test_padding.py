"""Conditionals filled up with zeros: the same law, the same Fisher matrix."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    ENZYME,
    FEW,
    conditionals_of,
    conserving_networks,
    law_of,
    lower,
    states_of,
    summing,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.nn.padding import cropped, inputs, padded
from crnlang.solve.estimate import scores_of

builders = st.sampled_from([conditionals_of, summing])
spaces = st.one_of(conserving_networks(), st.just(lower(ENZYME)))


@eqx.filter_jit
def look(network, x, is_open, shares):
    """log P(m | r) by the network filled up, and its Fisher matrix."""
    logits = network.logits(network.heights(x))
    log_law = jax.nn.log_softmax(jnp.where(is_open, logits, -jnp.inf))
    return log_law, network.fisher(x, jnp.exp(log_law), shares)


@FEW
@given(spaces, st.integers(0, 99), builders)
def test_the_network_filled_up_has_the_same_law_and_fisher_matrix(lowered, seed, build):
    states = states_of(lowered)
    model = build(lowered, noise=1.0, seed=seed)
    ordered = np.asarray(states)[:, list(model.order)]
    law = law_of(model, states)
    whole = np.zeros(len(states))
    scores = eqx.filter_jit(scores_of)(model, states)
    for place, position in enumerate(model.mask.free):
        x, is_open = inputs(model, place, ordered)
        log_law, found = map(np.asarray, look(padded(model, place), x, is_open, law))
        whole += np.take_along_axis(log_law, ordered[:, [position]], axis=1)[:, 0]
        own = np.asarray(scores[place])[:, 0]
        kept = cropped(model, place, np.arange(float(len(found)))).astype(int)
        wanted = own.T @ (law[:, None] * own)
        assert found[np.ix_(kept, kept)] == pytest.approx(wanted, abs=1e-10)
        added = np.setdiff1d(np.arange(len(found)), kept)
        assert not found[added].any()
    assert np.exp(whole) == pytest.approx(law, abs=1e-12)


@FEW
@given(spaces, st.integers(0, 99))
def test_cropping_undoes_the_filling(lowered, seed):
    model = conditionals_of(lowered, noise=1.0, seed=seed)
    for place, network in enumerate(model.networks):
        row = np.asarray(padded(model, place).weights())
        assert np.array_equal(cropped(model, place, row), network.weights())
