"""`crnc selftest --processes`: the shares of the processes add up."""

import os

from crnlang.selftest import INVARIANTS, Counterexample, Tally
from crnlang.selftest.processes import examine_in_processes, merge


def test_two_processes_share_the_networks():
    before, heard = dict(os.environ), []
    tallies = examine_in_processes(3, 1, heard.append, 2)
    assert heard == [1, 2, 3]
    assert tallies.keys() == INVARIANTS.keys()
    assert all(tally.counterexample is None for tally in tallies.values())
    assert tallies["kernel equals generator matrix"].checked == 3
    assert dict(os.environ) == before


def test_no_more_processes_than_networks():
    heard = []
    tallies = examine_in_processes(1, 1, heard.append, 2)
    assert heard == [1]
    assert tallies["kernel equals generator matrix"].checked == 1


def test_of_two_counterexamples_the_shorter_is_kept():
    long, short = Counterexample("crn 1\nlong\n", "a"), Counterexample("crn 1\n", "b")
    runs = [
        {"one": Tally(3, 1.0, long), "other": Tally(4, 0.5)},
        {"one": Tally(2, 2.0, short), "other": Tally(1, 0.5)},
    ]
    assert merge(runs) == {"one": Tally(5, 3.0, short), "other": Tally(5, 1.0)}
