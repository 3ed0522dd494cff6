"""What a prefix leaves open, against all states listed."""

from itertools import product

import jax.numpy as jnp
import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from crnlang.nn.mask import build_mask


@st.composite
def spaces(draw):
    """Caps, laws that end at different positions, and the totals of one state."""
    caps = draw(st.lists(st.integers(1, 3), min_size=3, max_size=5))
    row = st.lists(st.integers(-1, 2), min_size=len(caps), max_size=len(caps))
    laws = np.array(draw(st.lists(row, min_size=1, max_size=3)))
    assume(laws.any(axis=1).all())
    last = [int(np.flatnonzero(law)[-1]) for law in laws]
    assume(len(set(last)) == len(last))
    start = [draw(st.integers(0, cap)) for cap in caps]
    return np.array(caps), laws, laws @ start


@given(spaces())
def test_open_copy_numbers_are_those_of_some_state(space):
    caps, laws, totals = space
    mask = build_mask(caps, laws, totals)
    box = np.array(list(product(*(range(cap + 1) for cap in caps.tolist()))))
    states = box[(box @ laws.T == totals).all(axis=1)].tolist()
    beginnings = {tuple(s[:p]) for s in states for p in range(len(caps) + 1)}
    for state in states:
        for position in range(len(caps)):
            before = tuple(state[:position])
            wanted = [(*before, m) in beginnings for m in range(mask.levels)]
            found = mask.allowed(jnp.asarray(state), position)
            assert np.asarray(found).tolist() == wanted
