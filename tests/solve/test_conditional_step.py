"""Steps of conditionals where every state is looked at and the network can follow."""

import jax
import numpy as np
import pytest
from engine_cases import (
    conditionals_of,
    generator,
    kernel_of,
    law_of,
    lower,
    with_positive_start,
)
from scipy.linalg import expm

from crnlang.settings import TdvpSettings
from crnlang.solve import adjust, conditional_step
from crnlang.solve.prefixes import Drawer

#: Fast binding couples both counts, and B is read before it is predicted.
TEXT = """crn 1
model bound
species A in 0..3 ~ uniform(0, 3)
species B in 0..3 ~ uniform(0, 3)
0 <-> A @ 2, 1
0 <-> B @ 1, 1
A + B -> 0 @ 3
A -> A + B @ 1
"""


def error_of(dt):
    """The total variation from the exact law after one step."""
    lowered = with_positive_start(lower(TEXT), 1)
    model, kernel = conditionals_of(lowered, noise=0.1, seed=2), kernel_of(lowered)
    settings = TdvpSettings(until=1.0, samples=64, method="conditionals")
    drawer = Drawer(kernel, settings)
    prefixes = drawer.draw(model, jax.random.key(0))
    step = conditional_step.conditional_step(model, drawer, prefixes, 0.0, dt, 10.0)
    states, matrix = generator(lowered)
    states = jax.numpy.asarray(states)
    exact = expm(matrix.toarray() * dt) @ law_of(model, states)
    return 0.5 * np.abs(law_of(step.model, states) - exact).sum()


@pytest.mark.parametrize("stiff", [np.inf, 0.0], ids=["free", "pulled"])
def test_the_error_of_a_step_falls_with_its_length(stiff, monkeypatch):
    """Also where every row is pulled back."""
    monkeypatch.setattr(conditional_step, "STIFF", stiff)
    monkeypatch.setattr(adjust, "GAIN", 1e-13)
    long, short = error_of(0.04), error_of(0.005)
    assert long < 0.03
    assert short < long / 16
