"""Engines side by side on the toggle switch, in one run, against the exact law.

    python tests/benchmarks/toggle_engines.py default natgrad --until 1 --seeds 0 1 2
    python tests/benchmarks/toggle_engines.py nade_tdvp nade_natgrad nade_adam --seeds 0

Each line: settings, seed, seconds with compiling apart, steps, and the Hellinger
distance of the protein marginals and of their joint law from FSP at the save times.
`natgrad` has the settings of arXiv 2512.10309: batch 2000, dt 0.005, 5 epochs,
learning rate 0.5, damping 1e-3, width 16, from the initial law.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from crnlang.pipeline import run_file
from crnlang.pipeline.found import Run
from crnlang.results.compare import compare_runs

MODEL = Path(__file__).parents[2] / "examples" / "toggle_switch.crn"
PAIR = ("Px", "Py")
Overrides = Mapping[str, float | str | tuple[float, ...]]
#: The settings of arXiv 2512.10309.
PAPER: Overrides = {
    "samples": 2000.0,
    "dt": 0.005,
    "epochs": 5.0,
    "learning_rate": 0.5,
    "diag_shift": 1e-3,
    "width": 16.0,
}
#: Name -> engine and what it changes of the file's settings.
VARIANTS: dict[str, tuple[str, Overrides]] = {
    "default": ("tdvp", {}),
    "variational": ("tdvp", {"opening": 8192.0, "samples": 16384.0, "tolerance": 0.03}),
    "explicit": ("tdvp", {"integrator": "bogacki"}),
    "blocks_only": ("tdvp", {"krylov": 0.0}),
    "no_opening": ("tdvp", {"opening": 0.0}),
    "no_influx": ("tdvp", {"influx": 0.0}),
    "natgrad": ("natgrad", PAPER),
    **{
        f"{ansatz}_{engine}": (engine, {"ansatz": ansatz, **settings})
        for ansatz in ("conditional", "nade", "gru", "transformer")
        for engine, settings in (
            ("tdvp", {"method": "galerkin", "samples": 2048.0, "tolerance": 0.05}),
            ("natgrad", PAPER),
            ("adam", {"samples": 2000.0, "epochs": 5.0, "width": 16.0}),
        )
    },
}


def main() -> None:
    """Run what the command line names and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "variants", nargs="*", metavar="variant", help=", ".join(VARIANTS)
    )
    parser.add_argument("--until", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    chosen = parser.parse_args()
    save = tuple(t for t in (1.0, 5.0, 10.0, 20.0, 40.0) if t <= chosen.until)
    times: Overrides = {"t": (0.0, chosen.until), "save": save}
    exact = run_file(MODEL, engine="fsp", overrides=times)
    print(f"{'variant':20} seed compile   run steps  t: Px Py joint ...")
    for name in chosen.variants or VARIANTS:
        engine, changes = VARIANTS[name]
        for seed in chosen.seeds:
            overrides = {**times, **changes}
            run = run_file(MODEL, engine=engine, overrides=overrides, seed=seed)
            print(f"{name:20} {seed:4} {_line(run, exact, save)}", flush=True)


def _line(run: Run, exact: Run, save: tuple[float, ...]) -> str:
    """Cost, steps and distances of one run."""
    found = compare_runs(run.data, exact.data)
    cells = []
    for time in save:
        places = [i for i, t in enumerate(found.times) if abs(t - time) < 1e-9]
        if not places:
            cells.append(f"{time:g}: stopped before")
            continue
        at = places[0]
        marginals = " ".join(f"{found.marginals[s][at]:.4f}" for s in PAIR)
        cells.append(f"{time:g}: {marginals} {found.joints[PAIR][at]:.4f}")
    cost = f"{run.cost.compile_seconds:7.1f} {run.cost.run_seconds:6.1f}"
    return f"{cost} {len(run.data.health['dt']):5}  {'  '.join(cells)}"


if __name__ == "__main__":
    main()
