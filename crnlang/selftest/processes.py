"""Generated networks through the invariants, in several processes.

Each process draws its share with a seed of its own, so a run is reproducible: the same
seed and number of processes give the same networks. A process computes in one thread.
"""

import multiprocessing
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing.queues import SimpleQueue

from crnlang.selftest.examine import Tally, examine_networks
from crnlang.threads import ONE_THREAD, environment

#: Distance of the seeds of two processes; a process adds the networks it has done.
SEED_STEP = 2**32
#: Seconds between two looks at how many networks are done.
PACE = 0.5


def examine_in_processes(
    examples: int, number: int, report: Callable[[int], None], processes: int
) -> dict[str, Tally]:
    """As `examine_networks` with all invariants; one process is the calling one."""
    if processes == 1:
        return examine_networks(examples, number, report)
    shares = [len(range(one, examples, processes)) for one in range(processes)]
    context = multiprocessing.get_context("spawn")
    heard: SimpleQueue[int] = context.SimpleQueue()
    with (
        environment(ONE_THREAD),
        ProcessPoolExecutor(processes, context, _connect, (heard,)) as pool,
    ):
        runs = [
            pool.submit(_examine, share, number + SEED_STEP * one)
            for one, share in enumerate(shares)
            if share
        ]
        _follow(runs, heard, report)
        return merge([run.result() for run in runs])


def merge(runs: Sequence[Mapping[str, Tally]]) -> dict[str, Tally]:
    """The tallies of several runs as one; of the counterexamples the shortest."""
    found: dict[str, Tally] = {}
    for name in runs[0]:
        tallies = [run[name] for run in runs]
        broken = [t.counterexample for t in tallies if t.counterexample is not None]
        found[name] = Tally(
            sum(tally.checked for tally in tallies),
            sum(tally.seconds for tally in tallies),
            min(broken, key=lambda one: len(one.text), default=None),
        )
    return found


_heard: "SimpleQueue[int] | None" = None


def _connect(heard: "SimpleQueue[int]") -> None:
    """Make a new process known to the one that has started it."""
    global _heard
    _heard = heard


def _examine(examples: int, number: int) -> dict[str, Tally]:
    """The share of one process."""
    assert _heard is not None
    heard = _heard
    return examine_networks(examples, number, lambda _: heard.put(1))


def _follow(
    runs: Sequence[Future[dict[str, Tally]]],
    heard: "SimpleQueue[int]",
    report: Callable[[int], None],
) -> None:
    """Report how many networks are done until all are."""
    done, is_over = 0, False
    while not is_over:
        is_over = not wait(runs, timeout=PACE).not_done
        while not heard.empty():
            done += heard.get()
            report(done)
