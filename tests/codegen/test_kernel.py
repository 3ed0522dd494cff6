"""The local generator against the generator matrix, on every state of the box."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    BIRTH_DEATH,
    FEW,
    SWITCHES,
    kernel_of,
    lower,
    with_positive_start,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.nn.base import plain_log_ratios
from crnlang.passes.merge import merge_families
from crnlang.reference.fsp import generator
from crnlang.testing import lowered_networks


class TableLaw(eqx.Module):
    """An arbitrary positive law on the box, by table."""

    log_p: jax.Array
    strides: np.ndarray

    def log_prob(self, counts):
        """log P, read from the table."""
        return self.log_p[jnp.sum(counts * self.strides)]

    def log_ratios(self, counts, changes, inside):
        """The plain form."""
        return plain_log_ratios(self.log_prob, counts, changes, inside)


def random_law(lowered, states, seed):
    sizes = lowered.space.caps + 1
    strides = np.append(np.cumprod(sizes[:0:-1])[::-1], 1)
    weights = np.random.default_rng(seed).uniform(0.05, 1.0, len(states))
    law = weights / weights.sum()
    assert (states @ strides == np.arange(len(states))).all()
    return law, TableLaw(jnp.asarray(np.log(law)), strides)


@eqx.filter_jit
def fluxes(kernel, table, states, t):
    """e, r_k and a_k of every state."""

    def at(n):
        return (
            kernel(table.log_ratios, n, t),
            kernel.influx(table.log_ratios, n, t),
            kernel.outflux(n, t),
        )

    return jax.vmap(at)(states)


def compare(lowered, seed, t):
    """Every identity between the kernel and the matrix at one time."""
    states, matrix = generator(lowered, t)
    assert len(states) == lowered.space.box_size()
    law, table = random_law(lowered, states, seed)
    kernel = kernel_of(lowered)
    found = fluxes(kernel, table, jnp.asarray(states), jnp.asarray(t))
    e, influx, outflux = map(np.asarray, found)
    flux = matrix @ law
    scale = max(float(outflux.sum(axis=1) @ law), 1e-3)
    assert np.abs(e * law - flux).max() < 1e-9 * scale
    assert abs(e @ law) < 1e-9 * scale
    assert outflux.sum(axis=1) == pytest.approx(-matrix.diagonal(), abs=1e-9 * scale)
    through = influx * law[:, None]
    assert through.sum(axis=0) == pytest.approx(law @ outflux, abs=1e-9 * scale)
    assert (influx >= 0).all()
    assert influx.shape[1] == kernel.channels == len(kernel.net_changes)
    return e


@FEW
@given(lowered_networks(max_species=3), st.integers(0, 99), st.floats(0, 3))
def test_the_kernel_agrees_with_the_generator_matrix(lowered, seed, t):
    compare(with_positive_start(lowered), seed, t)


@FEW
@given(lowered_networks(max_species=2), st.integers(0, 99))
def test_a_family_in_two_halves_gives_the_same_as_merged(lowered, seed):
    split = tuple(half for family in lowered.families for half in (family, family))
    start = with_positive_start(lowered)
    twice = compare(replace(start, families=split), seed, 0.5)
    merged = compare(replace(start, families=merge_families(split)), seed, 0.5)
    assert merged == pytest.approx(twice, rel=1e-9, abs=1e-9)


def test_channels_of_equal_net_change_with_other_catalysts_merge():
    text = """crn 1
model m
species A in 0..2 = 1
species B in 0..3 = 1
one: 0 -> A @ 1
two: B -> A + B @ 2
three: A -> 0 @ 0.5
"""
    lowered = compile_text(text).lowered
    assert len(lowered.families) == 2
    compare(with_positive_start(lowered), 1, 0.0)


def test_a_family_of_several_instances_is_one_row_each():
    lowered = with_positive_start(lower(SWITCHES, on="0.8"))
    decay = next(f for f in lowered.families if "fall" in f.name)
    both = replace(decay, variables=np.array([[0], [1]]), sites=np.zeros(2, int))
    compare(replace(lowered, families=(both,)), 2, 0.0)


@pytest.mark.parametrize(("birth", "is_autonomous"), [("2", True), ("2*t", False)])
def test_the_kernel_knows_whether_time_matters(birth, is_autonomous):
    lowered = lower(BIRTH_DEATH, cap=3, start="= 0", birth=birth)
    assert kernel_of(lowered).is_autonomous is is_autonomous


def test_sources_outside_the_box_are_replaced_by_the_state():
    kernel = kernel_of(lower(BIRTH_DEATH, cap=3, start="= 0", birth=2))
    before, inside = kernel.sources(jnp.array([0]))
    assert inside.tolist() == [False, True]
    assert before.tolist() == [[0], [1]]
    before, inside = kernel.sources(jnp.array([3]))
    assert inside.tolist() == [True, False]
    assert before.tolist() == [[2], [3]]


def test_the_kernel_agrees_with_the_matrix_on_a_lattice():
    lowered = compile_text("""crn 1
model sites
lattice chain(3) boundary periodic
param k[i] = 1 + i, d[i] = 2 - 0.5*i
species X in 0..2 per site = 1
species G in 0..1 = 1
0 -> X via G @ k
X -> 0 @ propensity(hill(X, k, 2, 2))
G <-> 0 @ 1, 1
diffuse X @ d*(1 + t)
""").lowered
    compare(lowered, 3, 0.7)
