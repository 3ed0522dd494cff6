"""A model with a closed form through three engines, in a process of its own.

Molecules that come at the rate 5 and go at the rate 1 each, none at the start, have at
time t the Poisson law of mean 5 (1 - exp(-t)). A process of its own, because a library
that does not fit the machine may end it, and so that a time limit holds.
"""

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from jaxtyping import Float

from crnlang.compiler import compile_text
from crnlang.pipeline import run_compiled
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.found import Silent
from crnlang.results.compare import hellinger
from crnlang.results.noise import sampling_noise
from crnlang.results.record import RunData

#: All three engines together may take so many seconds.
LIMIT = 20.0
MODEL = """crn 1
model self_check
species X in 0..24
come: 0 -> X @ 5
go:   X -> 0 @ 1
"""
RATE, END = 5.0, 2.0
#: The settings of each engine.
ASKED: dict[str, dict[str, float]] = {
    "fsp": {},
    "ssa": {"trajectories": 4000.0},
    "tdvp": {"samples": 256.0, "width": 4.0, "basis": 4.0, "opening": 0.0},
}
#: The largest Hellinger distance; of `ssa`, what its number of trajectories explains.
NEAR = {"fsp": 1e-6, "tdvp": 0.03}
#: The chance that `ssa` is blamed although nothing is wrong.
FALSE_ALARM = 1e-6


@dataclass(frozen=True, slots=True)
class Checked:
    """How far an engine was from the closed form, how far it may be, and its seconds.

    `trouble` says why there is no distance, else it is empty; `is_late` where there was
    no time for one.
    """

    engine: str
    distance: float
    limit: float
    seconds: float
    trouble: str = ""
    is_late: bool = False

    @property
    def is_right(self) -> bool:
        """Whether the engine gives what it should."""
        return not self.trouble and self.distance <= self.limit


def closed_form(cap: int, t: float) -> Float[np.ndarray, " levels"]:
    """The Poisson law over 0..`cap` at time t, divided by its sum."""
    mean = RATE * (1 - np.exp(-t))
    counts = np.arange(cap + 1)
    logs = counts * np.log(mean) - np.cumsum(np.log(np.maximum(counts, 1)))
    law = np.exp(logs)
    return law / law.sum()


def check_engine(engine: str) -> Checked:
    """Run one engine on the model and compare; what it raises is told."""
    started = time.perf_counter()
    try:
        compilation = compile_text(MODEL)
        values = {"t": (0.0, END), "save": (END,), **ASKED[engine]}
        choice = resolve_solve(compilation.network, None, engine, values)
        data = run_compiled(compilation, choice, Silent()).data
        distance, limit = _distance(engine, data)
    except Exception as error:  # noqa: BLE001 - whatever it is, the user is told
        seconds = time.perf_counter() - started
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return Checked(engine, np.inf, 0.0, seconds, reason)
    seconds = time.perf_counter() - started
    trouble = "" if data.status == "complete" else data.sentence
    return Checked(engine, distance, limit, seconds, trouble)


def _distance(engine: str, data: RunData) -> tuple[float, float]:
    """The Hellinger distance at the end, and the largest that is allowed."""
    law = closed_form(int(data.caps[0]), END)
    found = data.marginal("X")[-1]
    distance = hellinger(found / found.sum(), law)
    if engine in NEAR:
        return distance, NEAR[engine]
    noise = sampling_noise(found, law, data.samples[-1], np.inf)
    return distance, noise.limit(FALSE_ALARM)


def check_engines(limit: float = LIMIT) -> tuple[Checked, ...]:
    """Every engine of `ASKED` in one other process, within some seconds of wall time.

    What has not come by then, or did not come because the process died, says so.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there,), daemon=True)
    started = time.perf_counter()
    process.start()
    there.close()
    found = _listen(here, lambda: limit - (time.perf_counter() - started))
    is_late = process.is_alive() and len(found) < len(ASKED)
    if is_late:
        process.kill()
    process.join()
    seconds = time.perf_counter() - started
    why = f"not done after {limit:g} s" if is_late else _death(process.exitcode)
    missing = list(ASKED)[len(found) :]
    none = (Checked(one, np.inf, 0.0, seconds, why, is_late) for one in missing)
    return (*found, *none)


def _death(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process was ended by signal {-code}"
    return f"its process ended with code {code}"


def _listen(heard: Connection, left: Callable[[], float]) -> list[Checked]:
    """What comes until all engines are done, the process ends, or no time is left."""
    found: list[Checked] = []
    try:
        while len(found) < len(ASKED) and heard.poll(max(left(), 0.0)):
            found.append(heard.recv())
    except EOFError:
        pass
    return found


def _work(heard: Connection) -> None:
    for engine in ASKED:
        heard.send(check_engine(engine))
