"""Results without an engine: the law at each time is a few states that a test names."""

from dataclasses import replace

from crnlang.compiler import compile_text
from crnlang.pipeline.laws import StatedLaws
from crnlang.pipeline.result import Result
from crnlang.results.summary import Snapshot, summarise


def stated(text, engine, times, draw):
    """A result whose law at each time is the states that `draw(time)` hands back.

    Queries about other times are left out.
    """
    lowered = compile_text(text).lowered
    queries = [q for q in lowered.network.queries if {*q.times} <= {*times}]
    lowered = replace(lowered, network=replace(lowered.network, queries=tuple(queries)))
    snapshots = tuple(Snapshot(time, draw(time)) for time in times)
    data = summarise(lowered, snapshots, engine=engine, seed=0)
    return Result(data, text, "x.crn", {}, lambda _: StatedLaws(engine, snapshots))
