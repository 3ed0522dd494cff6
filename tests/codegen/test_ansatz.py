"""The network at the start of a run."""

import jax
import numpy as np
import pytest
from engine_cases import birth_death, law_of, states_of

from crnlang.codegen.ansatz import build_model
from crnlang.settings import NatgradSettings, TdvpSettings


def test_natgrad_begins_with_a_share_of_the_law_spread_out():
    lowered = birth_death(cap=4, start="= 1")
    model = build_model(lowered, NatgradSettings(smear=0.1), jax.random.key(0))
    law = law_of(model, states_of(lowered))
    assert law == pytest.approx([0.02, 0.92, 0.02, 0.02, 0.02], abs=1e-9)


def test_tdvp_begins_with_the_law_itself():
    lowered = birth_death(cap=4, start="= 1")
    model = build_model(lowered, TdvpSettings(), jax.random.key(0))
    law = law_of(model, states_of(lowered))
    assert law == pytest.approx(np.eye(5)[1], abs=1e-9)
