"""The error of a step inside boxes that hold little."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crnlang.solve.rare_boxes import RareBoxes, distance_inside, rare_boxes
from crnlang.solve.tables import PIECE, Rows

LEVELS = 6
#: The first count at most 1, the second at most 2.
BOX = np.array([[np.arange(LEVELS) < 2, np.arange(LEVELS) < 3]])


def tables(seed: int, rarity: float = 1.0) -> list[np.ndarray]:
    """The law of a count, and of a second one after each; `rarity` scales the first."""
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.ones(LEVELS)), rng.dirichlet(np.ones(LEVELS), 6)
    first[:2] *= rarity
    whole = np.zeros((PIECE, LEVELS))
    whole[:LEVELS] = first[:, None] * second
    start = np.zeros((PIECE, LEVELS))
    start[0] = first
    return [start, whole]


def boxes() -> list[RareBoxes]:
    rows = np.arange(PIECE)
    return [
        RareBoxes(BOX[:, 0], (rows < 1)[None]),
        RareBoxes(BOX[:, 1], (rows < 2)[None]),
    ]


@given(st.integers(0, 1000), st.floats(-0.9, 3.0))
def test_a_box_that_becomes_likelier_is_off_by_its_share(seed: int, more: float):
    law = tables(seed)
    other = [law[0], law[1].copy()]
    other[1][:2, :3] *= 1 + more
    found = distance_inside(boxes(), law, other)
    assert found == pytest.approx(abs(np.sqrt(1 + more) - 1) / np.sqrt(2))


@given(st.integers(0, 1000))
def test_nothing_outside_counts(seed: int):
    law = tables(seed)
    other = [law[0].copy(), law[1].copy()]
    other[0][:, 2:] = other[1][2:] = other[1][:, 3:] = 0.5
    assert distance_inside(boxes(), law, other) == 0


@pytest.mark.parametrize(("rarity", "is_seen"), [(1e-8, True), (1e-14, False)])
def test_what_is_too_rare_is_not_looked_at(rarity: float, is_seen: bool):
    law = tables(0, rarity)
    other = [law[0], 2 * law[1]]
    assert (distance_inside(boxes(), law, other) > 0) == is_seen


def test_a_box_that_no_prefix_is_in_counts_up_to_there():
    law = tables(1)
    here = boxes()
    empty = [here[0], RareBoxes(BOX[:, 1], np.zeros((1, PIECE), bool))]
    other = [2 * law[0], 2 * law[1]]
    one = (np.sqrt(2) - 1) / np.sqrt(2)
    assert distance_inside(empty, law, other) == pytest.approx(one)
    assert distance_inside([], law, other) == 0


def test_prefixes_are_inside_while_all_their_counts_are():
    ordered = np.array([[0, 1], [1, 4], [4, 2], [5, 5]])
    mass = np.zeros(PIECE)
    x, some = np.zeros((PIECE, 3)), np.zeros((PIECE, LEVELS), bool)
    first = Rows(x, some, np.zeros(4, int), np.array([0]), mass)
    second = Rows(x, some, np.arange(4), np.arange(4), mass)
    found = rare_boxes(BOX, ordered, (0, 1), (first, second))
    assert found[0].rows[0].nonzero()[0].tolist() == [0]
    assert found[1].rows[0].nonzero()[0].tolist() == [0, 1]
    assert (found[1].levels == BOX[:, 1]).all()
