"""Engines side by side on one example, in one run, against a witness.

    python tests/benchmarks/engines.py default natgrad --seeds 0 1 2
    python tests/benchmarks/engines.py nade_tdvp nade_natgrad nade_adam --seeds 0
    python tests/benchmarks/engines.py default natgrad conditional_adam \\
        --model mapk_cascade --save 1 --dt 0.01
    python tests/benchmarks/engines.py default no_totals --witness ssa --seeds 0 \\
        --model tests/benchmarks/mapk_tenfold.crn --save 10 30 100

Each line: settings, seed, seconds with compiling apart, steps, and at the save times
the largest Hellinger distance from the witness, of all marginals and of all joint laws
that the file asks for.
`natgrad` has the settings of arXiv 2512.10309: batch 2000, dt 0.005, 5 epochs,
learning rate 0.5, damping 1e-3, width 16, from the initial law.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

from crnlang.pipeline import run_file
from crnlang.pipeline.found import Run
from crnlang.results.compare import compare_runs

EXAMPLES = Path(__file__).parents[2] / "examples"
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
#: What the variational steps need to follow the toggle switch.
GALERKIN: Overrides = {
    "method": "galerkin",
    "opening": 8192.0,
    "samples": 16384.0,
    "tolerance": 0.03,
}
#: Name -> engine and what it changes of the file's settings.
VARIANTS: dict[str, tuple[str, Overrides]] = {
    "default": ("tdvp", {}),
    "no_opening": ("tdvp", {"opening": 0.0}),
    "no_others": ("tdvp", {"samples": 16.0}),
    "few_states": ("tdvp", {"states": 2048.0}),
    "no_totals": ("tdvp", {"totals": "none"}),
    "narrow": ("tdvp", {"width": 4.0}),
    "float32": ("tdvp", {"precision": "float32"}),
    "conditionals": ("tdvp", {"method": "conditionals"}),
    "variational": ("tdvp", GALERKIN),
    "explicit": ("tdvp", {**GALERKIN, "integrator": "bogacki"}),
    "blocks_only": ("tdvp", {**GALERKIN, "krylov": 0.0}),
    "no_influx": ("tdvp", {**GALERKIN, "influx": 0.0}),
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
    parser.add_argument(
        "--model", default="toggle_switch", help="an example, or a path"
    )
    parser.add_argument("--witness", default="fsp", help="fsp or ssa")
    parser.add_argument("--save", type=float, nargs="+", default=[1.0])
    parser.add_argument("--dt", type=float, help="time step of natgrad and adam")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    chosen = parser.parse_args()
    save = tuple(chosen.save)
    model = EXAMPLES / f"{chosen.model}.crn"
    model = model if model.exists() else Path(chosen.model)
    times: Overrides = {"t": (0.0, save[-1]), "save": save}
    exact = run_file(model, engine=chosen.witness, overrides=times)
    print(f"{'variant':20} seed compile    run steps  t: worst marginal, joint ...")
    for name in chosen.variants or VARIANTS:
        engine, changes = VARIANTS[name]
        if chosen.dt and engine != "tdvp":
            changes = {**changes, "dt": chosen.dt}
        for seed in chosen.seeds:
            overrides = {**times, **changes}
            run = run_file(model, engine=engine, overrides=overrides, seed=seed)
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
        marginal, joint = (
            max((float(law[places[0]]) for law in laws.values()), default=0.0)
            for laws in (found.marginals, found.joints)
        )
        cells.append(f"{time:g}: {marginal:.4f} {joint:.4f}")
    cost = f"{run.cost.compile_seconds:7.1f} {run.cost.run_seconds:6.1f}"
    return f"{cost} {len(run.data.health['dt']):5}  {'  '.join(cells)}"


if __name__ == "__main__":
    main()
