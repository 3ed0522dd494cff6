"""Every probability of a network against `fsp`: total variation, bound, rare states.

    python tests/benchmarks/whole_law.py examples/mapk_cascade.crn --seeds 0 1 2
        --save 100 1000 10000 --truncation 1e-8 --set states=4096

Settings are those of the block `main` of the file, changed by `--set`. For each save
time: the total variation from `fsp`, the bound that the run reports, the largest
Hellinger distance of a marginal, and for states of each decade of probability how far
the logarithm to base 10 of theirs is off: the median, and what nine of ten stay below.
"""

import argparse
import time
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float

from crnlang.codegen.ansatz import build_model
from crnlang.codegen.kernel import build_kernel
from crnlang.compiler import compile_file
from crnlang.ir.lowered import LoweredNetwork
from crnlang.passes.order import follow_path
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.found import Silent
from crnlang.pipeline.overrides import parse_overrides
from crnlang.reference.adaptive import SetLaw
from crnlang.reference.fsp import solve_fsp
from crnlang.results.compare import hellinger
from crnlang.settings import FspSettings, TdvpSettings
from crnlang.solve.evolve import evolve
from crnlang.solve.pieces import log_probs
from crnlang.solve.solution import Solution

#: Decades of probability that are told apart.
DECADES = range(-1, -11, -1)


def main() -> None:
    """Run what the command line names and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--save", type=float, nargs="+", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--truncation", type=float, default=1e-8)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    save = tuple(chosen.save)
    times = {"t": (0.0, save[-1]), "save": save, **parse_overrides(chosen.set)}
    network = compile_file(chosen.model)
    clock = time.perf_counter()
    exact = solve_fsp(
        network.lowered,
        FspSettings(until=save[-1], save=save, truncation=chosen.truncation),
    )
    seconds = time.perf_counter() - clock
    print(f"fsp: {seconds:.1f} s, {len(exact.laws[-1].states)} states at the end")
    for seed in chosen.seeds:
        settings = resolve_solve(
            network.network, engine="tdvp", overrides=times, seed=seed
        ).settings
        assert isinstance(settings, TdvpSettings)
        clock = time.perf_counter()
        solution = _run(network.lowered, settings)
        seconds = time.perf_counter() - clock
        print(f"seed {seed}: {seconds:.1f} s, {solution.outcome.word}", flush=True)
        for law in exact.laws:
            print(f"  {_line(solution, law)}", flush=True)


def _run(lowered: LoweredNetwork, settings: TdvpSettings) -> Solution:
    lowered = follow_path(lowered, settings.order)
    generator = build_kernel(lowered)
    model = build_model(lowered, settings, jax.random.key(settings.seed))
    return evolve(model, generator, settings, settings.save, Silent().step)


def _line(solution: Solution, law: SetLaw) -> str:
    """How far the network is from the law at one time."""
    if law.t not in solution.times:
        return f"{law.t:g}: stopped before"
    model = solution.models[solution.times.index(law.t)]
    exact = law.probabilities / law.probabilities.sum()
    logs = log_probs(model, law.states)
    found = np.exp(logs)
    variation = 0.5 * (np.abs(found - exact).sum() + max(1 - found.sum(), 0.0))
    bound = max((info.bound for info in solution.infos if info.t <= law.t), default=0.0)
    worst = max(
        hellinger(np.bincount(counts, found), np.bincount(counts, exact))
        for counts in law.states.T
    )
    cells = [
        f"{law.t:g}: off {variation:.4f} (bound {bound:.3f}), marginal {worst:.4f}"
    ]
    parts = by_decade(logs, np.log(np.maximum(exact, 1e-300)))
    for number, here in zip(DECADES, parts, strict=True):
        if len(here):
            middle, most = np.quantile(here, [0.5, 0.9])
            cells.append(f"1e{number} {middle:.2g}/{most:.2g}")
    return "  ".join(cells)


def by_decade(
    logs: Float[np.ndarray, " states"], exact: Float[np.ndarray, " states"]
) -> list[Float[np.ndarray, " _states"]]:
    """How far logarithms to base 10 are off, in each decade of the exact ones."""
    off, decade = np.abs(logs - exact) / np.log(10), np.floor(exact / np.log(10))
    return [off[decade == number] for number in DECADES]


if __name__ == "__main__":
    main()
