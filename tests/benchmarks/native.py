"""Ten models of different origin, imported, against the tools they are written for.

    pip install libroadrunner bionetgen pysb
    python tests/benchmarks/native.py --prepare DIR     # writes the `.net` files there
    PYTHONPATH=tests python tests/benchmarks/native.py DIR [NAME...]

`.net` files are simulated by `run_network` of BioNetGen, SBML and Antimony by
libRoadRunner; both with Gillespie's method. A line for each model: how many means and
standard deviations are compared (of all species at three times), the largest difference
of the means in standard errors, that of the variances, and the probability that some
difference would be as large by chance (at most: differences taken as independent).

The first step may run in an environment of its own, without crnlang.
"""

import argparse
import importlib
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MODELS = Path(__file__).parent / "models"
SUITE = Path(__file__).parents[3] / "shared" / "dsmts"


@dataclass(frozen=True)
class Case:
    """A file, when to look, how far to count, and how many trajectories of each."""

    path: Callable[[Path], Path]
    times: tuple[float, ...]
    cap: int
    ours: int = 4000
    theirs: int = 500


def ours(name):
    return lambda _: MODELS / name


def prepared(name):
    return lambda directory: directory / name


CASES = {
    "repressilator": Case(ours("repressilator.ant"), (5, 15, 30), 20_000),
    "p53": Case(ours("p53.ant"), (1800, 7200, 14400), 5000),
    "circadian": Case(ours("circadian.ant"), (2, 6, 12), 10_000, theirs=300),
    "lotka_volterra": Case(ours("lotka_volterra.ant"), (0.2, 0.5, 1), 50_000),
    "00033": Case(lambda _: SUITE / "00033" / "model.xml", (5, 20, 50), 200),
    "schloegl": Case(prepared("schloegl.net"), (1, 3, 5), 3000),
    "bax_pore": Case(prepared("bax_pore.net"), (1000, 5000, 20_000), 1000),
    "kinase_cascade": Case(prepared("kinase_cascade.net"), (200, 1000, 3000), 9999),
    "gene": Case(prepared("gene.net"), (5, 20, 60), 5000),
    "receptor": Case(prepared("receptor.net"), (1, 5, 10), 1000),
}
#: Examples of PySB, and by what their numbers of molecules are divided.
FROM_PYSB = {"schloegl": 1, "kinase_cascade": 1000, "bax_pore": 1000}


def prepare(directory: Path) -> None:
    """Write the `.net` files: those of PySB's examples, and of `models`."""
    found = importlib.util.find_spec("bionetgen")
    assert found is not None
    assert found.origin is not None
    tool = Path(found.origin).parent / "bng-linux"
    os.environ["BNGPATH"] = str(tool)
    generate_network = importlib.import_module("pysb.bng").generate_network
    directory.mkdir(exist_ok=True)
    for name, divisor in FROM_PYSB.items():
        model = importlib.import_module(f"pysb.examples.{name}").model
        for start in model.initials:
            start.value.value = round(start.value.value / divisor)
        (directory / f"{name}.net").write_text(generate_network(model))
    command = ["perl", str(tool / "BNG2.pl"), "--outdir", str(directory)]
    for path in MODELS.glob("*.bngl"):
        subprocess.run([*command, str(path)], check=True)
    (directory / "run_network").write_text(str(tool / "bin" / "run_network"))


def network_runs(directory: Path, path: Path, case: Case) -> np.ndarray:
    """Trajectories of BioNetGen: runs x times x species."""
    tool = (directory / "run_network").read_text()
    found = []
    with tempfile.TemporaryDirectory() as work:
        for seed in range(1, case.theirs + 1):
            out = Path(work) / "out"
            times = [f"{t:g}" for t in (0, *case.times)]
            command = [tool, "-o", str(out), "-p", "ssa", "-h", str(seed), "-g", path]
            subprocess.run([*command, path, *times], check=True, capture_output=True)
            table = np.loadtxt(out.with_suffix(".cdat"))
            found.append(table[-len(case.times) :, 1:])
    return np.array(found)


def roadrunner_runs(sbml: str, names: list[str], case: Case) -> np.ndarray:
    """Trajectories of libRoadRunner: runs x times x species."""
    roadrunner = importlib.import_module("roadrunner")  # not among the tests' packages

    roadrunner.Logger.disableLogging()
    engine = roadrunner.RoadRunner(sbml)
    engine.setIntegrator("gillespie")
    engine.getIntegrator().setValue("seed", 1)
    engine.getIntegrator().setValue("variable_step_size", False)
    found = []
    for _ in range(case.theirs):
        engine.reset()
        rows, before = [], 0.0
        for t in case.times:
            rows.append(np.array(engine.simulate(before, t, 2, names))[-1])
            before = t
        found.append(rows)
    return np.array(found)


def compare(directory: Path, name: str) -> str:
    """The line of the table."""
    import antimony
    from interop.propensities import capped

    from crnlang.diagnostics import Report
    from crnlang.interop.files import read_model
    from crnlang.passes import run_passes
    from crnlang.reference.ssa import sample_ssa
    from crnlang.settings import SsaSettings

    case = CASES[name]
    path = case.path(directory)
    network = capped(read_model(path, is_rounded=True).network, {"": case.cap})
    lowered = run_passes(network, Report())
    settings = SsaSettings(
        until=case.times[-1], save=case.times, trajectories=case.ours
    )
    own = sample_ssa(lowered, settings)
    assert not own.leak.any(), "a cap stopped a firing"
    if path.suffix == ".net":
        theirs, tool = network_runs(directory, path, case), "run_network"
    else:
        sbml = path.read_text()
        if path.suffix == ".ant":
            antimony.loadAntimonyString(sbml)
            sbml = str(antimony.getSBMLString(antimony.getMainModuleName()))
        names = [kind.name for kind in network.species]
        theirs, tool = roadrunner_runs(sbml, names, case), "libRoadRunner"
    means, spreads = scores(own.counts.astype(float), theirs)
    largest = max(np.abs(means).max(), np.abs(spreads).max())
    chance = 4 * len(means) * (1 - statistics.NormalDist().cdf(largest))
    parts = (
        *(name, tool, len(network.species), len(network.reactions), len(means)),
        *(f"{np.abs(means).max():.1f}", f"{np.abs(spreads).max():.1f}"),
        f"{min(1, chance):.1g}",
    )
    return "| " + " | ".join(map(str, parts)) + " |"


def scores(own: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differences of means and of variances in their standard errors.

    The errors come from both samples together: of what is rare, one of them may have
    seen nothing.
    """
    first, second = (one.reshape(len(one), -1) for one in (own, theirs))
    both = np.vstack([first, second])
    share = np.sqrt(1 / len(first) + 1 / len(second))
    found = []
    for power in (1, 2):
        moments = (both - (power - 1) * both.mean(0)) ** power
        spread = moments.std(0) * share
        varies = spread > 1e-12 * (1 + np.abs(moments).max(0))
        difference = moments[: len(first)].mean(0) - moments[len(first) :].mean(0)
        found.append(difference[varies] / spread[varies])
    return found[0], found[1]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description="against the tools of other formats")
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    if arguments.prepare:
        prepare(arguments.directory)
        return 0
    print("| model | tool | species | channels | numbers | Z | Y | p |")
    print("|---|---|---|---|---|---|---|---|")
    for name in arguments.names or CASES:
        print(compare(arguments.directory, name), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
