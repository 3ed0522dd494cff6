"""The MAPK cascade by `tdvp`, against `fsp` and the reference trajectories, in one run.

    python tests/benchmarks/mapk_engines.py --seeds 0 1 2 --set states=4096

Settings are those of the example, changed by `--set`. For each save time: the largest
Hellinger distance of the sixteen marginals from `fsp` (truncation 1e-5), that from
100 000 trajectories (`../shared/reference/mapk_ssa.npz`) where they are at hand, and
the means of kinase, phosphatase and doubly phosphorylated MAPK beside those of `fsp`.
"""

import argparse
from pathlib import Path

import numpy as np

from crnlang.pipeline import run_file
from crnlang.pipeline.found import Run
from crnlang.pipeline.overrides import parse_overrides
from crnlang.results.compare import compare_runs, hellinger

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "examples" / "mapk_cascade.crn"
REFERENCE = ROOT.parent / "shared" / "reference" / "mapk_ssa.npz"
SHOWN = ("K", "H", "Mpp")
#: The reference has these two species the other way round.
SWAPPED = ("MpY_K", "M_KT")


def main() -> None:
    """Run what the command line names and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--until", type=float, default=10_000.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    save = (10.0, 100.0, 1000.0, 5000.0, 10_000.0)
    save = tuple(t for t in save if t <= chosen.until)
    times = {"t": (0.0, chosen.until), "save": save}
    changes = {**times, **parse_overrides(chosen.set)}
    exact = run_file(MODEL, engine="fsp", overrides=times)
    print(f"fsp: {exact.cost.run_seconds:.1f} s")
    for seed in chosen.seeds:
        run = run_file(MODEL, engine="tdvp", overrides=changes, seed=seed)
        steps = len(run.data.health["dt"])
        cost = f"{run.cost.compile_seconds:.1f} + {run.cost.run_seconds:.1f} s"
        print(f"tdvp, seed {seed}: {cost}, {steps} steps", flush=True)
        for time in save:
            print(f"  {_line(run, exact, time)}", flush=True)


def _line(run: Run, exact: Run, time: float) -> str:
    """Distances and means at one time."""
    compared = compare_runs(run.data, exact.data)
    if not np.isclose(compared.times, time).any():
        return f"{time:g}: stopped before"
    at, place, there = (
        int(np.argmin(np.abs(np.asarray(times) - time)))
        for times in (compared.times, run.data.times, exact.data.times)
    )
    worst = max(distances[at] for distances in compared.marginals.values())
    cells = [f"{time:g}: fsp {worst:.4f}"]
    if REFERENCE.exists():
        cells.append(f"ssa {_from_trajectories(run, time, place):.4f}")
    for name in SHOWN:
        species = run.data.names.index(name)
        means = run.data.means[place, species], exact.data.means[there, species]
        cells.append(f"{name} {means[0]:.4f} ({means[1]:.4f})")
    return "  ".join(cells)


def _from_trajectories(run: Run, time: float, place: int) -> float:
    """The largest distance of a species from the reference trajectories."""
    reference = np.load(REFERENCE)
    at = int(np.argmin(np.abs(reference["times"] - time)))
    counts = reference["free_hist"][at].astype(float)
    one, other = (run.data.names.index(name) for name in SWAPPED)
    counts[[one, other]] = counts[[other, one]]
    laws = counts / counts.sum(axis=1, keepdims=True)
    found = np.zeros_like(laws)
    given = np.nan_to_num(run.data.marginals[place])
    found[:, : given.shape[1]] = given
    return max(hellinger(p, q) for p, q in zip(found, laws, strict=True))


if __name__ == "__main__":
    main()
