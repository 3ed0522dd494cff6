"""The discrete stochastic models test suite, imported and solved: a table.

    PYTHONPATH=tests python tests/benchmarks/dsmts.py

    PYTHONPATH=tests python tests/benchmarks/dsmts.py --tdvp [CASE...]

The cases lie in `../shared/dsmts` and are not part of this repository. For each: how
far means and standard deviations of `fsp` are from the table of the suite (mostly five
decimals) and from the exact one, and the largest |Z| and |Y| of 10 000 trajectories.
With `--tdvp`, how far those of `tdvp` are, as shares of the exact ones.
"""

import csv
import sys
import time
from pathlib import Path

import numpy as np
from interop.propensities import capped

from crnlang.compiler import Compilation, compile_text
from crnlang.diagnostics import Refusal
from crnlang.interop.files import read_model
from crnlang.interop.refused import NotRepresentedError
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.writer import write_program
from crnlang.pipeline import run_compiled
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.found import Silent
from crnlang.reference.fsp import solve_fsp
from crnlang.reference.ssa import sample_ssa
from crnlang.settings import FspSettings, SsaSettings

SUITE = Path(__file__).parents[3] / "shared" / "dsmts"
TEN_DIGITS = 6e-10
TIMES = tuple(float(t) for t in range(51))

#: Case: caps of what nothing limits, high enough for the last digit of the table.
CAPS = {
    "00001": {"": 700},
    "00002": {"": 700},
    "00003": {"": 5000},
    "00005": {"": 13000},
    "00006": {"": 700},
    "00009": {"": 700},
    "00011": {"": 500},
    "00012": {"": 700},
    "00014": {"": 700},
    "00016": {"": 700},
    "00017": {"": 700},
    "00019": {"": 700},
    "00020": {"": 80},
    "00022": {"": 160},
    "00025": {"X": 220, "Sink": 600},
    "00026": {"": 220},
    "00029": {"": 80},
    "00030": {},
    "00032": {"P": 100, "P2": 50},
    "00033": {"P": 100, "P2": 50},
    "00034": {"": 50},
    "00035": {"": 50},
    "00037": {"": 300},
    "00039": {"": 2500},
}
#: One species, and hardly ever more copies: smaller boxes for `tdvp`, by case.
BOXES = {
    **dict.fromkeys(("00001", "00002", "00006", "00009", "00011", "00012"), 250),
    **dict.fromkeys(("00014", "00016", "00017", "00019"), 250),
    **dict.fromkeys(("00003", "00039"), 600),
}
#: Those with boxes of few hundred copies, and no events that change them.
BOUNDED = (*("00020", "00022", "00026", "00030", "00034", "00035", "00037"), *BOXES)
#: These take long.
SLOW = ("00003", "00005", "00025", "00039")


def compiled(case: str, cap: int | None = None) -> Compilation:
    """The case, imported, written as a file and compiled again; `cap` is of all."""
    path = SUITE / case / "model.xml"
    caps = CAPS[case] if cap is None else {"": cap}
    network = capped(read_model(path).network, caps)
    return compile_text(write_program(network), case)


def moments_of(compilation: Compilation, name: str, counts, weights):
    """Mean and standard deviation at each time of whatever has this name.

    `counts` are one array for each species; `weights` the law at each time, or None
    where the first axis of the counts are trajectories and the last one the times.
    """
    network = compilation.network
    names = [one.name for one in network.species]
    constants = {one.name: one.value for one in network.parameters}
    if name in names:
        values = np.asarray(counts[names.index(name)], dtype=float)
    elif name in constants:
        values = np.full(np.shape(counts[0]), constants[name])
    else:
        value = next(one.value for one in network.observables if one.name == name)
        known = list(constants.values())
        values = evaluate_float64(
            value, [np.asarray(c, float) for c in counts], known, 0
        )
    if weights is None:
        return values.mean(axis=0), values.std(axis=0, ddof=1)
    mean = weights @ values
    spread = [w @ (values - m) ** 2 for w, m in zip(weights, mean, strict=True)]
    return mean, np.sqrt(spread)


def columns(path: Path) -> dict[str, np.ndarray]:
    """The columns of a table by name, nan where there is nothing."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        name.strip(): np.array([float(row[name] or "nan") for row in rows])
        for name in rows[0]
    }


def outputs(case: str) -> list[str]:
    """What the table of a case is about."""
    names = columns(SUITE / case / "exact.csv")
    return [name.removesuffix("-mean") for name in names if name.endswith("-mean")]


def exact_differences(case: str) -> tuple[float, float, float]:
    """Largest differences of `fsp` from both tables, and the expected stopped firings.

    The exact table has ten digits; these are as they should be, or this fails.
    """
    compilation = compiled(case)
    settings = FspSettings(until=50.0, save=TIMES, states="box")
    found = solve_fsp(compilation.lowered, settings)
    suite = columns(SUITE / case / "results.csv")
    exact = columns(SUITE / case / "exact.csv")
    from_suite = from_exact = 0.0
    for name in outputs(case):
        moments = moments_of(compilation, name, found.states.T, found.probabilities)
        for kind, values in zip(("mean", "sd"), moments, strict=True):
            column = f"{name}-{kind}"
            from_suite = max(from_suite, np.abs(values - suite[column]).max())
            assert np.allclose(values, exact[column], rtol=TEN_DIGITS, atol=1e-9)
            from_exact = max(from_exact, np.abs(values - exact[column]).max())
    return from_suite, from_exact, float(found.leak[-1])


def sampled_scores(case: str, seed: int = 0) -> tuple[float, float, float]:
    """Largest |Z|, |Y|, and |Y| with the kurtosis of the exact law, of 10 000 paths."""
    compilation = compiled(case)
    number = 10_000
    settings = SsaSettings(until=50.0, save=TIMES, seed=seed, trajectories=number)
    found = sample_ssa(compilation.lowered, settings)
    counts = [found.counts[:, :, i] for i in range(found.counts.shape[2])]
    exact = columns(SUITE / case / "exact.csv")
    largest = [0.0, 0.0, 0.0]
    for name in outputs(case):
        mean, sd = moments_of(compilation, name, counts, None)
        true, spread = exact[f"{name}-mean"], exact[f"{name}-sd"]
        moves = spread > 0
        assert np.array_equal(mean[~moves], true[~moves])
        excess = (sd[moves] / spread[moves]) ** 2 - 1
        tail = np.sqrt(number / (exact[f"{name}-kurt"][moves] - 1))
        scores = (
            np.sqrt(number) * (mean - true)[moves] / spread[moves],
            np.sqrt(number / 2) * excess,
            tail * excess,
        )
        for i, score in enumerate(scores):
            largest[i] = max(largest[i], np.abs(score).max(initial=0.0))
    return largest[0], largest[1], largest[2]


def projected_differences(case: str) -> tuple[float, float]:
    """Largest relative errors of means and of standard deviations of `tdvp`.

    Of species, wherever the exact ones are above 0.

    Raises:
        Refusal: the engine cannot follow the events of the case.
    """
    compilation = compiled(case, BOXES.get(case))
    settings = {"t": (0.0, 50.0), "save": TIMES}
    choice = resolve_solve(compilation.network, None, "tdvp", settings, 0)
    data = run_compiled(compilation, choice, Silent()).data
    assert data.status == "complete", data.sentence
    exact = columns(SUITE / case / "exact.csv")
    largest = {"mean": 0.0, "sd": 0.0}
    for name in [one for one in outputs(case) if one in data.names]:
        place = data.names.index(name)
        for kind, values in (("mean", data.means), ("sd", data.sds)):
            wanted = exact[f"{name}-{kind}"]
            there = wanted > 0
            away = np.abs(values[there, place] / wanted[there] - 1)
            largest[kind] = max(largest[kind], float(away.max(initial=0.0)))
    return largest["mean"], largest["sd"]


def print_projected(cases: list[str]) -> None:
    """Print one line for each case: relative errors of `tdvp`."""
    print("| case | mean | standard deviation | s |")
    print("|---|---|---|---|")
    for case in cases or sorted(BOUNDED):
        started = time.perf_counter()
        try:
            mean, spread = projected_differences(case)
        except Refusal as error:
            print(f"| {case} | refused: {error} |||", flush=True)
            continue
        seconds = time.perf_counter() - started
        print(f"| {case} | {mean:.0e} | {spread:.0e} | {seconds:.0f} |", flush=True)


def main() -> None:
    """Print one line for each case."""
    if not SUITE.is_dir():
        sys.exit(f"{SUITE} is not there")
    if sys.argv[1:2] == ["--tdvp"]:
        print_projected(sys.argv[2:])
        return
    print("| case | from the suite | from exact | leak | s | Z | Y | Y, tails |")
    print("|---|---|---|---|---|---|---|---|")
    for case in sys.argv[1:] or CAPS:
        try:
            compiled(case)
        except NotRepresentedError as error:
            print(f"| {case} | refused: {error.faults[0].reason} |||||||", flush=True)
            continue
        started = time.perf_counter()
        suite, exact, leak = exact_differences(case)
        seconds = time.perf_counter() - started
        scores = " | ".join(f"{score:.2f}" for score in sampled_scores(case))
        found = f"{suite:.1e} | {exact:.1e} | {leak:.0e} | {seconds:.1f}"
        print(f"| {case} | {found} | {scores} |", flush=True)


if __name__ == "__main__":
    main()
