"""What the network says of later counts, and functions of them that average to 0."""

import jax
import numpy as np
import pytest
from engine_cases import (
    FEW,
    conditionals_of,
    conserving_networks,
    kernel_of,
    law_of,
    lower,
    states_of,
    with_positive_start,
)
from hypothesis import given
from hypothesis import strategies as st

from crnlang.pipeline.law import enumerate_states
from crnlang.solve import late_channels as channels_module
from crnlang.solve.hats import KNOTS, curves_of, hats_of, knots_of
from crnlang.solve.late import late_flow
from crnlang.solve.late_channels import own_steps
from crnlang.solve.outlook import look
from crnlang.solve.prefixes import rates_of
from crnlang.testing import lowered_networks

networks = st.one_of(conserving_networks(), lowered_networks())
CHAIN = """crn 1
model chain
lattice chain(3) boundary reflecting
species X in 0..6 per site ~ poisson(2)
0 <-> X @ 2, 1
diffuse X @ 1.5
"""
#: A row is three sites long.
WIDE = CHAIN.replace("chain(3)", "grid(2, 3)").replace("0..6", "0..2")
SQUARE = CHAIN.replace("chain(3)", "grid(2, 2)").replace("0..6", "0..4")


def outlooks(lowered, seed):
    """Of every free position: all P(m | r), the law, late channels, the outlook."""
    lowered = with_positive_start(lowered, seed)
    states = states_of(lowered)
    model, kernel = conditionals_of(lowered, noise=0.5, seed=seed), kernel_of(lowered)
    found, lates, means = rates_of(model, kernel, np.asarray(states), 0.0)
    laws, law = [np.asarray(here.law) for here in found], law_of(model, states)
    seen = look(model, np.asarray(states), laws, lates, [law] * len(laws), means)
    yield from ((laws, law, *pair) for pair in zip(lates, seen, strict=True))


@FEW
@given(networks, st.integers(0, 99))
def test_surprises_average_to_nothing_given_the_counts_so_far(lowered, seed):
    if len(enumerate_states(lowered.space)) > 200:
        return
    for _, law, _, seen in outlooks(lowered, seed):
        _, row = np.unique(seen.counts, axis=0, return_inverse=True)
        for values in (seen.surprises, seen.surprises**2 - seen.variances):
            sums = np.zeros((row.max() + 1, *values.shape[1:]))
            np.add.at(sums, row.ravel(), law[:, None, None] * values)
            assert np.abs(sums).max(initial=0) < 1e-10


def test_the_mean_of_the_next_count_is_exact():
    for place, (laws, _, late, seen) in enumerate(outlooks(lower(CHAIN), 3)):
        if place == 2:
            assert not late.read.size
            assert seen.ahead.shape[3] == 0
            continue
        assert late.read.tolist() == [place + 1]
        found = seen.ahead[0, :, :, 0]
        wanted = laws[place + 1] @ np.arange(7)
        here = found[np.arange(len(found)), seen.counts[:, -1]]
        ratio = here / wanted
        assert ratio == pytest.approx(np.full(len(ratio), ratio[0]), rel=1e-9)
        products = seen.ahead[0, :, :, 1]
        assert products == pytest.approx(found * (np.arange(7) / 7))


def test_the_mean_of_the_count_after_the_next_one_is_summed():
    """On 2 x 2 sites the first one reads the next two."""
    lowered = lower(SQUARE)
    _, law, late, seen = next(outlooks(lowered, 3))
    assert late.read.tolist() == [1, 2]
    states = np.asarray(states_of(lowered))[:, conditionals_of(lowered).order]
    joint = np.zeros((5, 5))
    np.add.at(joint, (states[:, 0], states[:, 2]), law)
    wanted = joint @ np.arange(5) / joint.sum(axis=1)
    found = seen.ahead[0, 0, :, 1]
    assert found / found[0] == pytest.approx(wanted / wanted[0], rel=1e-9)


def test_surprises_say_all_of_a_count_two_places_on():
    """What it differs by from its mean is a sum of them, and nothing is left over."""
    lowered = lower(SQUARE)
    _, law, _, seen = next(outlooks(lowered, 3))
    states = np.asarray(states_of(lowered))[:, conditionals_of(lowered).order]
    means = seen.ahead[0, 0, states[:, 0], 1]
    scale = (law @ states[:, 2]) / (law @ means)
    off = states[:, 2] - scale * means
    inputs = seen.surprises.reshape(len(law), -1)
    found = np.linalg.lstsq(inputs, off, rcond=None)[0]
    assert np.abs(inputs @ found - off).max() < 1e-9
    hats = seen.surprises[:, :-1].reshape(len(law), -1)
    found = np.linalg.lstsq(hats, off, rcond=None)[0]
    assert np.abs(hats @ found - off).max() > 1e-3


def test_hats_are_straight_between_knots():
    knots, hats = knots_of(85), hats_of(85)
    assert len(knots) == KNOTS
    assert knots[0] == 0
    assert knots[-1] == 84
    assert hats.sum(axis=1) == pytest.approx(np.ones(85))
    assert hats @ knots == pytest.approx(np.arange(85))


@given(st.integers(1, 400), st.integers(2, 20))
def test_knots_are_closer_where_counts_are_small(levels, most):
    knots = knots_of(levels, most)
    assert len(knots) == min(levels, most)
    assert knots[0] == 0
    assert knots[-1] == levels - 1
    gaps = np.diff(knots)
    assert (gaps >= 1).all()
    assert (np.diff(gaps) >= -1).all()  # up to rounding


def test_curves_follow_what_is_smooth():
    knots, curves = knots_of(85), curves_of(85)
    shape = np.tanh((np.arange(85) - 8.0) / 6)
    assert curves[knots] == pytest.approx(np.eye(KNOTS), abs=1e-12)
    smooth = np.abs(curves @ shape[knots] - shape).max()
    assert smooth < 0.002
    assert np.abs(hats_of(85) @ shape[knots] - shape).max() > 5 * smooth


def test_where_too_much_would_be_asked_nothing_is(monkeypatch):
    # there are seven copy numbers
    monkeypatch.setattr(channels_module, "MOST_MEANS", 6)
    for _, _, late, seen in outlooks(lower(CHAIN), 3):
        assert seen.ahead.shape[3] == 0
        assert bool(seen.surprises.size) == bool(late.read.size)


@pytest.mark.parametrize("text", [CHAIN, WIDE], ids=["chain", "three places on"])
def test_nothing_is_left_to_sample_of_what_is_linear_in_a_later_count(text):
    """Hops of one molecule into a site and across it."""
    lowered = with_positive_start(lower(text), 3)
    states = states_of(lowered)
    model, kernel = conditionals_of(lowered, noise=0.5, seed=3), kernel_of(lowered)
    law = law_of(model, states)
    rates, *_ = rates_of(model, kernel, np.asarray(states), 0.0)
    found = jax.tree.map(np.asarray, rates)
    for place, (_, _, late, seen) in enumerate(outlooks(lower(text), 3)):
        steps = own_steps(model, kernel, place, late)
        flow = late_flow(found[place], late, steps, seen)
        assert bool(np.abs(flow.rates).max() > 0.1) == bool(late.read.size)
        assert np.sqrt(law @ flow.size) < 1e-3


@FEW
@given(networks, st.integers(0, 99))
def test_surprises_where_channels_come_from_average_to_nothing(lowered, seed):
    if len(enumerate_states(lowered.space)) > 200:
        return
    lowered = with_positive_start(lowered, seed)
    states = states_of(lowered)
    model, kernel = conditionals_of(lowered, noise=0.5, seed=seed), kernel_of(lowered)
    law, free = law_of(model, states), np.asarray(model.mask.free)
    ordered = np.asarray(states)[:, list(model.order)]
    found, *_ = rates_of(model, kernel, np.asarray(states), 0.0)
    for place, here in enumerate(found):
        source = np.asarray(here.across.source)
        counts = ordered[:, free[: place + 1]]
        _, row = np.unique(counts, axis=0, return_inverse=True)
        sums = np.zeros((row.max() + 1, *source.shape[1:]))
        np.add.at(sums, row.ravel(), law[:, None, None] * source)
        assert np.abs(sums).max(initial=0) < 1e-10
