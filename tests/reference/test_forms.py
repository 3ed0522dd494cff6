"""Propensities by shared forms are those of one form a family, to the last bit."""

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import networks

from crnlang.compiler import compile_text
from crnlang.diagnostics import Report
from crnlang.passes import run_passes
from crnlang.reference import forms as module
from crnlang.reference import intervals
from crnlang.reference.forms import find_forms
from crnlang.reference.source import propensity_source
from crnlang.reference.tables import build_tables


def propensity_of(lowered, forms):
    """The generated function of a channel and a state."""
    scope: dict[str, Any] = {"math": math, "np": np, "iv": intervals}
    exec(propensity_source(lowered, forms), scope)
    tables = build_tables(lowered, forms)
    return lambda channel, n, t: scope["propensity"](
        int(tables.form[channel]), channel, n, t, tables
    )


def shared_forms(lowered):
    kept, module.MOST_SEPARATE = module.MOST_SEPARATE, 0
    try:
        return find_forms(lowered)
    finally:
        module.MOST_SEPARATE = kept


@given(networks(), st.data())
def test_shared_forms_have_the_same_values(network, data):
    lowered = run_passes(network, Report())
    own, shared = find_forms(lowered), shared_forms(lowered)
    assert shared.shared == bool(lowered.families)
    assert not own.shared
    caps = lowered.space.caps.tolist()
    n = np.array([data.draw(st.integers(0, cap)) for cap in caps])
    t = data.draw(st.floats(0, 5))
    one, other = propensity_of(lowered, own), propensity_of(lowered, shared)
    for channel in range(len(lowered.families)):
        with np.errstate(all="ignore"):
            values = one(channel, n, t), other(channel, n, t)
        assert np.array_equal(*values, equal_nan=True)


def test_equal_laws_share_one_form():
    lines = [f"A{i} -> B{i} @ 0.{i + 1}*k\n2 A{i} -> 0 @ k" for i in range(9)]
    species = [f"species A{i}, B{i} in 0..9 = 5" for i in range(9)]
    head = ["crn 1", "massaction falling", "param k = 2"]
    lowered = compile_text("\n".join([*head, *species, *lines])).lowered
    found = shared_forms(lowered)
    assert found.form.tolist() == [0, 1] * 9
    assert len(found.families) == 2
    assert found.numbers.shape == (18, 2)
