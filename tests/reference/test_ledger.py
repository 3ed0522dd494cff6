"""Samplings that are broken off after any piece go on to the same bits."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crnlang.compiler import compile_text
from crnlang.ir.network import PassageQuery
from crnlang.passes.distance import distance
from crnlang.reference import ssa
from crnlang.reference.ensemble import Lane, sample_ensembles
from crnlang.reference.ledger import NO_LEDGER
from crnlang.reference.ssa import build_simulator, sample_passages, sample_ssa
from crnlang.settings import SsaSettings, WeSettings

TEXT = """crn 1
model refilled
species X in 0..9 = 6
X -> 0 @ 1
0 -> X @ 2
event at 0.4: X = min(X + 1, 9)
query hit(X == 0, by=1)
"""


class Broken(Exception):
    """A break."""


class Memory:
    """A ledger that breaks after so many notes, and then has them."""

    def __init__(self, notes):
        self.left = notes
        self.before, self.told = {}, []
        self.packs = {}

    def done(self, part):
        return self.before.get(part)

    def note(self, part, pack, number, total):
        assert 1 <= number <= total
        self.packs[part] = pack
        self.told.append((part, number))
        self.left -= 1
        if self.left == 0:
            self.before |= {name: keep(pack()) for name, pack in self.packs.items()}
            raise Broken


def keep(arrays):
    """A copy, as a file has it."""
    return {name: np.array(one) for name, one in arrays.items()}


@pytest.fixture(scope="module")
def simulator():
    lowered = compile_text(TEXT).lowered
    (query,) = lowered.network.queries
    assert isinstance(query, PassageQuery)
    return build_simulator(lowered, [query.target])


def trajectories(simulator, ledger):
    chosen = SsaSettings(until=1.0, save=(0.2, 0.4, 1.0), trajectories=50, seed=3)
    found = sample_ssa(
        simulator.lowered, chosen, simulator=simulator, ledger=ledger, threads=2
    )
    entered = sample_passages(
        simulator, chosen, 0, ledger=ledger, part="entered", threads=2
    )
    return found.counts, found.leak, entered


def ensembles(simulator, ledger):
    chosen = WeSettings(
        until=1.0, save=(0.0, 0.4, 1.0), bins=4, walkers=3, repeats=2, resamplings=5
    )
    (query,) = simulator.lowered.network.queries
    found = []
    for stream, target in enumerate((-1, 0)):
        lane = Lane(distance(query.target), is_distance=True)
        run = sample_ensembles(
            *(simulator, chosen, lane),
            stream=stream,
            target=target,
            threads=1,
            ledger=ledger,
        )
        found += [one for walkers in run.walkers for one in walkers]
        found += [run.arrivals.times, run.arrivals.weights, run.arrivals.repeat]
    return found


@pytest.mark.parametrize("sample", [trajectories, ensembles])
@settings(max_examples=12, deadline=None)
@given(breaks=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_a_broken_sampling_goes_on_to_the_same_bits(sample, simulator, breaks):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssa, "PIECE_SECONDS", 0.0)  # pieces of two
        whole = sample(simulator, NO_LEDGER)
        ledger = Memory(0)
        for notes in breaks:
            ledger.left = notes
            with suppress(Broken):  # or it has ended before
                sample(simulator, ledger)
        ledger.left = 0
        again = sample(simulator, ledger)
    assert len(whole) == len(again)
    assert all(map(np.array_equal, whole, again))
    if len(breaks) == 1:  # nothing is done twice
        assert len(set(ledger.told)) == len(ledger.told)


def test_pieces_grow_and_do_not_change_the_trajectories(simulator):
    ledger = Memory(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssa, "PIECE_SECONDS", np.inf)
        found = trajectories(simulator, ledger)
    first = [number for part, number in ledger.told if part == "trajectories"]
    assert first == [2, 6, 14, 30, 50]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssa, "PIECE_SECONDS", 0.0)
        small = trajectories(simulator, NO_LEDGER)
    assert all(map(np.array_equal, found, small))
