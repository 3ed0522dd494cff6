"""A batch a few states at a time: the same numbers, in bounded memory."""

import jax
import jax.numpy as jnp
import numpy as np
from engine_cases import (
    PAIR,
    birth_death,
    kernel_of,
    law_of,
    lower,
    model_of,
    states_of,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.solve import pieces
from crnlang.solve.estimate import rates_of


@given(batch=st.integers(1, 9), size=st.integers(1, 12))
def test_pieces_give_what_the_whole_gives(batch, size):
    counts = jnp.arange(2 * batch).reshape(batch, 2)

    def function(n):
        return jnp.outer(n, n), {"sum": jnp.sum(n), "nothing": n[:0]}

    found = pieces.over_batch(function, counts, size)
    for got, wanted in zip(
        jax.tree.leaves(found), jax.tree.leaves(jax.vmap(function)(counts)), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


def test_rates_do_not_depend_on_the_room(monkeypatch):
    lowered = lower(PAIR)
    model, generator = model_of(lowered, noise=0.5), kernel_of(lowered)
    states, t = states_of(lowered), jnp.zeros(())
    whole = rates_of(model, generator, states, t)
    monkeypatch.setitem(pieces.ROOM, "cpu", (1, 512))
    assert pieces.piece_size(model, generator) == 1
    monkeypatch.setitem(pieces.ROOM, "cpu", (2**40, 5))
    assert pieces.piece_size(model, generator) == 5
    found = rates_of(model, generator, states, t)
    np.testing.assert_allclose(found, whole, rtol=1e-12)
    np.testing.assert_allclose(law_of(model, states) @ found, 0.0, atol=1e-9)


def test_more_memory_a_state_means_fewer_states(monkeypatch):
    monkeypatch.setitem(pieces.ROOM, "cpu", (2**24, 2**20))
    sizes = [
        pieces.piece_size(model_of(lowered), kernel_of(lowered))
        for lowered in (birth_death(5), lower(PAIR), birth_death(2000))
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] / 10


def test_memory_does_not_grow_with_the_batch(monkeypatch):
    monkeypatch.setitem(pieces.ROOM, "cpu", (2**40, 64))
    lowered = lower(PAIR)
    model, generator = model_of(lowered), kernel_of(lowered)

    def working_memory(batch):
        counts = jnp.zeros((batch, 2), int)
        program = jax.jit(lambda n: rates_of(model, generator, n, jnp.zeros(())))
        return program.lower(counts).compile().memory_analysis().temp_size_in_bytes

    assert working_memory(2**14) < 1.5 * working_memory(2**10) + 2**14 * 2 * 8


@given(batch=st.integers(1, 9), size=st.integers(1, 12))
def test_sums_in_pieces_are_sums(batch, size):
    rows = jnp.arange(2.0 * batch).reshape(batch, 2)
    values = jnp.arange(float(batch)) + 1
    found = pieces.sum_over_batch(lambda one: one[0] @ one[1], (values, rows), size)
    np.testing.assert_allclose(found, values @ rows, rtol=1e-12)
