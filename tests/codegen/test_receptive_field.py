"""What conditionals on lattices see: near sites one by one, far ones as a sum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import model_of
from hypothesis import given
from hypothesis import strategies as st

from crnlang.codegen.ansatz import AnsatzError, build_model
from crnlang.compiler import compile_text
from crnlang.nn.inputs import changes_of, members_of, sums_of
from crnlang.passes.order import follow_path
from crnlang.settings import SettingError, TdvpSettings

GRID = """crn 1
model spread
lattice grid({rows}, {columns}) boundary {boundary}
species S, I in 0..9 per site = 3
species R    in 0..30         = 0
infect: S + I -> 2 I @ 1
recover: I -> R @ 1
diffuse S, I @ 1
"""


def grid(rows, columns, boundary="reflecting"):
    text = GRID.format(rows=rows, columns=columns, boundary=boundary)
    return compile_text(text).lowered


def hops_apart(one, other, sides, boundary):
    steps = np.abs(np.subtract(one, other))
    return (
        np.minimum(steps, sides - steps).sum()
        if boundary == "periodic"
        else (steps.sum())
    )


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.sampled_from(["reflecting", "periodic"]),
    st.integers(1, 6),
    st.sampled_from(["raster", "snake"]),
)
def test_near_sites_are_seen_one_by_one_and_far_ones_as_sums(
    rows, columns, boundary, reach, order
):
    lowered = follow_path(grid(rows, columns, boundary), order)
    model = model_of(lowered, receptive_field=reach)
    free = np.asarray(model.mask.free)
    sites, sides = rows * columns, np.array([rows, columns])
    variables = lowered.space.order[free]
    place = np.stack(np.unravel_index(variables % sites, (rows, columns)), axis=1)
    species = np.where(variables < 2 * sites, variables // sites, 2)
    assert len(model.inputs) == len(free)
    for number, inputs in enumerate(model.inputs):
        whole = members_of(inputs, number).sum(axis=0)
        assert (whole == 1).all()
        for members in inputs:
            assert len(np.unique(species[list(members)])) == 1
            for q in members:
                far = species[number] < 2 and species[q] < 2
                far = far and reach < hops_apart(
                    place[q], place[number], sides, boundary
                )
                assert far or len(members) == 1
        sums = [species[members[0]] for members in inputs if len(members) > 1]
        assert len(np.unique(sums)) == len(sums)


@given(st.integers(0, 99))
def test_sums_change_by_the_sum_of_what_changes(seed):
    rng = np.random.default_rng(seed)
    inputs = ((0,), (2,), (1, 3, 4))
    counts, moves = rng.integers(0, 9, 6), rng.integers(-2, 3, (4, 6))
    before = np.asarray(sums_of(inputs, jnp.asarray(counts)))
    after = [sums_of(inputs, jnp.asarray(counts + move)) for move in moves]
    assert (before + changes_of(inputs, moves) == np.stack(after)).all()


def test_a_network_without_a_lattice_has_no_receptive_field():
    text = "crn 1\nmodel birth_death\nspecies X in 0..9 = 0\n0 <-> X @ 1, 1\n"
    settings = TdvpSettings(receptive_field=2)
    with pytest.raises(AnsatzError, match="no"):
        build_model(compile_text(text).lowered, settings, jax.random.key(0))


def test_only_separate_networks_have_one():
    with pytest.raises(SettingError, match="receptive_field"):
        TdvpSettings(receptive_field=2, ansatz="nade", method="galerkin")
