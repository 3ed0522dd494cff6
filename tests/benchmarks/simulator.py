"""Trajectories per second on one thread, beside GillesPy2 where it is installed.

    python tests/benchmarks/simulator.py

One Schloegl site to t = 1, the MAPK cascade to t = 1000, 4 x 4 Schloegl sites to
t = 0.1; the best of three. GillesPy2 (its C++ solver) needs a compiler and SCons.
"""

import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from crnlang.compiler import compile_file, compile_text
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.ssa import build_simulator, sample_ssa
from crnlang.settings import SsaSettings

EXAMPLES = Path(__file__).parents[2] / "examples"
SITE = """crn 1
massaction falling
species X in 0..200 = 50
grow: 2 X <-> 3 X @ 2.676, 0.040
feed: 0 <-> X @ 108.102, 37.881
"""


def main() -> None:
    """Print one line for each network."""
    print(f"Schloegl site   {ours(compile_text(SITE).lowered, 1.0, 3000):9.0f} / s")
    if find_spec("gillespy2"):
        print(f"  GillesPy2     {gillespy2(1500):9.0f} / s")
    for name, end, number in (
        ("mapk_cascade", 1000.0, 60000),
        ("schlogl_grid", 0.1, 1000),
    ):
        lowered = compile_file(EXAMPLES / f"{name}.crn").lowered
        print(f"{name:15} {ours(lowered, end, number):9.0f} / s")


def ours(lowered: LoweredNetwork, end: float, number: int) -> float:
    """Trajectories per second of `ssa`."""
    simulator = build_simulator(lowered)

    def run(seed: int) -> None:
        settings = SsaSettings(until=end, save=(end,), trajectories=number, seed=seed)
        sample_ssa(lowered, settings, threads=1, simulator=simulator)

    return number / min(_seconds(run, seed) for seed in range(3))


def gillespy2(number: int) -> float:
    """Trajectories per second of GillesPy2's SSACSolver on the Schloegl site."""
    import gillespy2  # pyright: ignore[reportMissingImports]

    model = gillespy2.Model(name="schloegl")
    x = gillespy2.Species(name="X", initial_value=50, mode="discrete")
    model.add_species([x])
    for name, before, after, law in (
        ("grow", {x: 2}, {x: 3}, "2.676*X*(X-1)"),
        ("shrink", {x: 3}, {x: 2}, "0.040*X*(X-1)*(X-2)"),
        ("feed", {}, {x: 1}, "108.102"),
        ("fade", {x: 1}, {}, "37.881*X"),
    ):
        reaction = gillespy2.Reaction(
            name=name, reactants=before, products=after, propensity_function=law
        )
        model.add_reaction(reaction)
    model.timespan(np.array([0.0, 1.0]))
    solver = gillespy2.SSACSolver(model=model)
    solver.run(number_of_trajectories=10, seed=1)

    def run(seed: int) -> None:
        solver.run(number_of_trajectories=number, seed=seed + 1)

    return number / min(_seconds(run, seed) for seed in range(3))


def _seconds(run, seed: int) -> float:
    started = time.perf_counter()
    run(seed)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
