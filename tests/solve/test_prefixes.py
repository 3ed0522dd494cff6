"""Prefixes from the network and from proposals: what follows them is drawn from P."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import conditionals_of, kernel_of, lower, with_positive_start

from crnlang.settings import TdvpSettings
from crnlang.solve.prefixes import TILT, Drawer

TEXT = """crn 1
species A in 0..5 ~ poisson(1)
species B in 0..4 ~ poisson(2)
species C in 0..6 = 3
species D in 0..6 = 3
0 -> A @ 1
A -> B @ 1
B -> 0 @ 1
C -> D @ 1
D -> C @ 1
"""


def drawn(sampling, **changes):
    lowered = with_positive_start(lower(TEXT), 0)
    model = conditionals_of(lowered, noise=0.5, seed=1)
    settings = TdvpSettings(
        until=1.0, samples=4096, sampling=sampling, method="conditionals", **changes
    )
    drawer = Drawer(kernel_of(lowered), settings)
    return model, drawer, drawer.draw(model, jax.random.key(2))


@pytest.mark.parametrize("proposal", ["random", "diffusive", "alpha"])
def test_own_counts_have_the_law_of_their_prefix_at_every_position(proposal):
    model, drawer, prefixes = drawn("sobol", proposal=proposal, proposal_share=4.0)
    ordered = prefixes.states[:, list(model.order)]
    motion = drawer.motion(model, prefixes, 0.0)
    rarer = np.arange(len(ordered)) >= 4096
    for place, position in enumerate(model.mask.free):
        rows, weights = prefixes.rows[place], prefixes.weights[place]
        assert weights[~rarer].sum() == pytest.approx(1)
        used = rarer & (weights > 0)
        if place == 0:
            assert not used.any()
            continue
        assert weights[used].sum() <= TILT * (1 + 1e-9)
        law = motion.law[place] / np.maximum(rows.mass, 1e-300)[:, None]
        levels = np.arange(law.shape[1])
        means = (law @ levels)[rows.row]
        spread = np.sqrt((law @ levels**2)[rows.row] - means**2)
        away = (ordered[:, position] - means)[used]
        error = np.sqrt((spread[used] ** 2).sum())
        assert used.sum() > 1000
        assert abs(away.sum()) < 4.5 * error


def test_rare_prefixes_are_there():
    """A uniform first count gives every prefix of one count the same number of rows."""
    model, _, prefixes = drawn("sobol", proposal="random", proposal_share=4.0)
    first = prefixes.states[4096:, model.order[0]]
    often = np.bincount(first)
    assert often.min() > 0.8 * often.mean()


def test_without_a_proposal_every_position_has_the_same_weights():
    for sampling in ("sobol", "distinct"):
        _, _, prefixes = drawn(sampling)
        assert (prefixes.weights == prefixes.weights[0]).all()
        assert prefixes.weights[0].sum() == pytest.approx(1)


def test_the_boxes_of_questions_are_looked_at_where_they_are_rare():
    lowered = with_positive_start(lower(TEXT), 0)
    model = conditionals_of(lowered, noise=0.5, seed=1)
    settings = TdvpSettings(
        until=1.0, samples=512, method="conditionals", proposal="targets"
    )
    boxes = np.ones((2, 4, 7), bool)
    boxes[0, 0, :5] = boxes[0, 1, :4] = False  # A = 5 and B = 4: rare
    drawer = Drawer(kernel_of(lowered), settings, boxes)
    states = drawer.draw(model, jax.random.key(2)).states[512:]
    first = model.order[0]
    wanted = {0: 5, 1: 4}.get(first)
    share = (states[:, first] == wanted).mean()
    plain = drawer.draw(model, jax.random.key(2)).states[:512]
    assert wanted is not None
    assert share > 0.45 > 5 * (plain[:, first] == wanted).mean()
    rare = drawer.draw(model, jax.random.key(2)).rare
    assert rare is not None
    for variable, inside in zip(
        np.take(model.order, model.mask.free), rare, strict=True
    ):
        levels = inside.levels
        assert len(levels) == 1
        assert levels[0].tolist() == boxes[0, variable, : levels.shape[1]].tolist()


def test_half_of_them_begin_as_if_all_counts_were_to_be_inside():
    """The second count is inside where the first one is large."""
    lowered = with_positive_start(
        lower(
            """crn 1
species A in 0..5 ~ poisson(2)
species B in 0..9 ~ poisson(2)
0 -> A @ 1
A -> B @ 1
B -> 0 @ 1
"""
        ),
        0,
    )
    model = conditionals_of(lowered, noise=1.0, seed=1)
    assert list(model.order) == [0, 1]
    settings = TdvpSettings(
        until=1.0, samples=16384, method="conditionals", proposal="targets"
    )
    boxes = np.ones((1, 2, 10), bool)
    boxes[0, 1, :8] = False
    drawer = Drawer(kernel_of(lowered), settings, boxes)
    prefixes = drawer.draw(model, jax.random.key(2))
    rare = prefixes.weights[1] == TILT / drawer.tilted
    found = np.bincount(prefixes.states[rare, 0], minlength=6) / rare.sum()
    every = np.indices((6, 10)).reshape(2, -1).T
    law = np.exp(np.asarray(jax.vmap(model.log_prob)(jnp.asarray(every))))
    law = law.reshape(6, 10)
    plain, given = law.sum(axis=1), law[:, 8:].sum(axis=1)
    # a quarter given the box, a quarter as it comes, the rest from a power of the law
    tempered = plain**settings.alpha / (plain**settings.alpha).sum()
    wanted = given / given.sum() / 4 + plain / plain.sum() / 4 + tempered / 2
    assert np.abs(given / given.sum() - plain / plain.sum()).sum() > 0.2
    assert found == pytest.approx(wanted, abs=0.02)


def test_rows_in_a_box_count_by_the_chance_of_the_box_however_unlikely_each_is():
    """After nine counts the box has 5e-7, each of its prefixes about 1e-13."""
    names = [f"X{number}" for number in range(10)]
    species = "\n".join(f"species {name} in 0..60 ~ poisson(30)" for name in names)
    moves = "\n".join(f"0 <-> {name} @ 30, 1" for name in names)
    lowered = lower(f"crn 1\n{species}\n{moves}\n")
    settings = TdvpSettings(
        until=1.0, samples=256, method="conditionals", proposal="targets"
    )
    boxes = np.zeros((1, 10, 61), bool)
    boxes[..., :26] = True
    drawer = Drawer(kernel_of(lowered), settings, boxes)
    prefixes = drawer.draw(conditionals_of(lowered), jax.random.key(0))
    assert prefixes.rare is not None
    last = prefixes.rare[-1].rows[0] & (prefixes.rows[-1].mass > 0)
    # half of the rarer states are of the box, each with the same chance to end anywhere
    assert last.sum() > 0.5 * drawer.tilted / 2 / 9
