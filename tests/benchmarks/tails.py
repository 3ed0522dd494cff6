"""Tails by sampling strategy: how far log P is off, down to probabilities of 1e-10.

    python tests/benchmarks/tails.py birth_death schlogl_chain toggle_switch \\
        --seeds 0 1 2 --processes 2 --picture tails.png

For every network and strategy, against `fsp` at the end of a short run: how far the
logarithm to base 10 of single states is off, of each decade of probability, as the
median over states and then over seeds. Steps of conditionals begin from a small set, so
that the law does not stay on it; `natgrad` has the settings of arXiv 2512.10309, whose
sampling strategies these are. States that a network gives nothing are off by
infinitely much.
"""

import argparse
import multiprocessing
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from engines import PAPER
from jaxtyping import Float, Int
from whole_law import DECADES, by_decade

import crnlang
from crnlang.diagnostics import Refusal

mpl.use("Agg")
from matplotlib import pyplot as plt

EXAMPLES = Path(__file__).parents[2] / "examples"
Settings = Mapping[str, object]
#: Steps of conditionals.
STEPS: Settings = {"method": "conditionals", "samples": 1024, "sampling": "sobol"}
#: Name of a network -> end of the run, states of the opening, step of `natgrad`.
NETWORKS: dict[str, tuple[float, int, float]] = {
    "birth_death": (100.0, 16, 0.5),
    "schlogl_chain": (0.1, 2048, 1e-5),
    "toggle_switch": (1.0, 2048, 0.005),
}
PROPOSALS = ("random", "diffusive", "alpha")
#: Strategy -> engine and settings.
STRATEGIES: dict[str, tuple[str, Settings]] = {
    "conditionals": ("tdvp", STEPS),
    **{
        f"conditionals {name}": ("tdvp", {**STEPS, "proposal": name})
        for name in (*PROPOSALS, "targets")
    },
    "natgrad": ("natgrad", PAPER),
    **{
        f"natgrad {name} {weights}": (
            "natgrad",
            {**PAPER, "proposal": name, "reweight": weights},
        )
        for name in PROPOSALS
        for weights in ("none", "exact", "pareto")
    },
}


@dataclass(frozen=True)
class Line:
    """A run, and how far its logarithms are off in each decade."""

    network: str
    strategy: str
    seed: int
    seconds: float
    off: Float[np.ndarray, " decades"]
    status: str

    def __str__(self) -> str:
        return (
            f"{self.network:14} {self.strategy:24} {self.seed:4} {self.seconds:6.0f} s "
            f" {cells(self.off)}  {self.status}"
        )


def main() -> None:
    """Run what the command line names, print a table and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--picture", type=Path)
    chosen = parser.parse_args()
    print(f"{'network':14} {'strategy':24} seed  seconds  decades {[*DECADES]}")
    lines = []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(chosen.processes, mp_context=spawn) as pool:
        runs = [
            pool.submit(line, network, strategy, seed)
            for network in chosen.networks
            for strategy in chosen.strategies
            for seed in chosen.seeds
        ]
        for run in as_completed(runs):
            lines.append(run.result())
            print(lines[-1], flush=True)
    print("\nmedians over seeds")
    medians = _medians(lines)
    for (network, strategy), off in medians.items():
        print(f"{network:14} {strategy:24} {cells(off)}")
    if chosen.picture:
        _draw(medians, chosen.picture)


def line(network: str, strategy: str, seed: int) -> Line:
    """One run against the witness."""
    states, exact = witness(network)
    end, opening, dt = NETWORKS[network]
    engine, settings = STRATEGIES[strategy]
    own = {"opening": opening} if engine == "tdvp" else {"dt": dt}
    clock = time.perf_counter()
    nothing = np.full(len(DECADES), np.nan)
    try:
        result = crnlang.run(
            crnlang.compile_file(EXAMPLES / f"{network}.crn"),
            engine=engine,
            **{**settings, **own, "t": (0.0, end), "save": (end,), "seed": seed},
        )
    except Refusal as refusal:
        return Line(network, strategy, seed, 0.0, nothing, f"refused: {refusal}"[:60])
    seconds = time.perf_counter() - clock
    if not len(result.times):
        return Line(network, strategy, seed, seconds, nothing, result.data.status)
    logs = np.asarray(result.log_prob(states, end))
    parts = by_decade(logs, exact)
    off = np.array([np.median(part) if len(part) else np.nan for part in parts])
    return Line(network, strategy, seed, seconds, off, result.data.status)


def witness(
    network: str,
) -> tuple[Int[np.ndarray, "states species"], Float[np.ndarray, " states"]]:
    """The states of `fsp` and their logarithms at the end of the short run."""
    end = NETWORKS[network][0]
    exact = crnlang.run(
        crnlang.compile_file(EXAMPLES / f"{network}.crn"),
        engine="fsp",
        t=(0.0, end),
        save=(end,),
        states="box",
    )
    axes = [np.arange(len(exact.marginal(name, end))) for name in exact.species]
    states = np.stack([part.ravel() for part in np.meshgrid(*axes, indexing="ij")], 1)
    logs = np.asarray(exact.log_prob(states, end))
    inside = logs > np.log(10.0) * DECADES[-1]
    return states[inside], logs[inside]


def cells(off: Float[np.ndarray, " decades"]) -> str:
    """The decades as text."""
    return "  ".join(f"{number:7.2g}" for number in off)


def _medians(
    lines: list[Line],
) -> dict[tuple[str, str], Float[np.ndarray, " decades"]]:
    """Over seeds, of every network and strategy."""
    found: dict[tuple[str, str], list[Float[np.ndarray, " decades"]]] = {}
    for one in lines:
        found.setdefault((one.network, one.strategy), []).append(one.off)
    return {key: np.median(rows, axis=0) for key, rows in sorted(found.items())}


def _draw(
    medians: Mapping[tuple[str, str], Float[np.ndarray, " decades"]], path: Path
) -> None:
    """One panel a network, one line a strategy."""
    networks = sorted({network for network, _ in medians})
    figure, panels = plt.subplots(
        1, len(networks), figsize=(5 * len(networks), 4), squeeze=False, sharey=True
    )
    for panel, network in zip(panels[0], networks, strict=True):
        for (other, strategy), off in medians.items():
            if other == network:
                style = "-" if strategy.startswith("conditionals") else "--"
                panel.plot([*DECADES], off, style, marker=".", label=strategy)
        panel.set(title=network, xlabel="log10 P by fsp", yscale="log")
        panel.invert_xaxis()
    panels[0, 0].set_ylabel("log10 P off by, median of states")
    panels[0, -1].legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, dpi=120, bbox_inches="tight")


if __name__ == "__main__":
    main()
