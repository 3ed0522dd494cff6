"""Cost against size: linear cascades, whose law is known in closed form.

    python tests/benchmarks/cascade.py --species 5 10 20 40 --seeds 0 1 2

    0 -> X1 -> X2 -> ... -> XL -> 0

A network of first order that starts empty keeps a product of Poisson laws, whose means
follow the rate equations (Jahnke, Huisinga, J. Math. Biol. 54 (2007) 1). Each run has a
process of its own, for its peak memory. A line: species, states in the box, seed,
seconds of compiling and of all else, steps, memory, and at the end of the run the
largest Hellinger distance of a marginal from its Poisson law, the largest relative
error of a mean, and the total variation of the joint law from the exact one, estimated
from samples of the network. At the end the fitted powers of seconds and memory.
"""

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Float
from scipy.linalg import expm
from scipy.special import gammaln
from scipy.stats import poisson

from crnlang.codegen.ansatz import build_model
from crnlang.codegen.kernel import build_kernel
from crnlang.compiler import compile_text
from crnlang.nn.base import AbstractAutoregressive
from crnlang.passes.order import follow_path
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.cost import Clock, peak_memory
from crnlang.pipeline.found import Silent
from crnlang.pipeline.neural import compilation_counted
from crnlang.pipeline.overrides import parse_overrides
from crnlang.results.compare import hellinger
from crnlang.settings import TdvpSettings
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.evolve import evolve
from crnlang.solve.pieces import log_probs

BIRTH, RATE, CAP, END = 3.0, 1.0, 15, 4.0
SAMPLES = 2**17


@dataclass(frozen=True)
class Line:
    """What one run cost and how far it was off."""

    species: int
    seed: int
    compiling: float
    seconds: float
    steps: int
    memory: float
    marginal: float
    mean: float
    joint: float
    outcome: str

    def __str__(self) -> str:
        states = float(CAP + 1) ** self.species
        return (
            f"{self.species:3} species, {states:.1e} states, seed {self.seed}: "
            f"{self.compiling:5.0f} s, {self.seconds:6.1f} s, {self.steps:4} steps, "
            f"{self.memory / 2**30:.2f} GB; marginal {self.marginal:.4f}, "
            f"mean {self.mean:.2%}, joint {self.joint:.4f}; {self.outcome}"
        )


def main() -> None:
    """Run what the command line names and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--species", type=int, nargs="+", default=[5, 10, 20, 40])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    chosen = parser.parse_args()
    lines = []
    for species in chosen.species:
        for seed in chosen.seeds:
            spawn = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=spawn) as pool:
                lines.append(pool.submit(run, species, seed, chosen.set).result())
            print(lines[-1], flush=True)
    if len(chosen.species) > 1:
        size = np.log([line.species for line in lines])
        for name in ("seconds", "memory"):
            cost = np.log([getattr(line, name) for line in lines])
            print(f"{name} grow with the power {np.polyfit(size, cost, 1)[0]:.2f}")


def program(species: int) -> str:
    """The cascade as a `.crn` text."""
    names = [f"X{number + 1}" for number in range(species)]
    moves = [
        f"{one} -> {next_} @ {RATE}"
        for one, next_ in zip(names, [*names[1:], "0"], strict=True)
    ]
    lines = [
        "crn 1",
        f"model cascade_{species}",
        f"species {', '.join(names)} in 0..{CAP} = 0",
        f"0 -> X1 @ {BIRTH}",
        *moves,
    ]
    return "\n".join(lines) + "\n"


def exact_means(species: int) -> Float[np.ndarray, " species"]:
    """The means at the end, from d m/dt = A m + b by one exponential."""
    whole = np.diag([-RATE] * species + [0.0])
    whole += np.diag([RATE] * (species - 1) + [0.0], -1)
    whole[0, -1] = BIRTH
    return expm(END * whole)[:-1, -1]


def run(species: int, seed: int, changes: list[str]) -> Line:
    """One run, in a process that does nothing else."""
    jax.config.update("jax_enable_x64", True)
    compilation = compile_text(program(species))
    overrides = {"t": (0.0, END), "save": (END,), **parse_overrides(changes)}
    choice = resolve_solve(
        compilation.network, engine="tdvp", overrides=overrides, seed=seed
    )
    settings = choice.settings
    assert isinstance(settings, TdvpSettings)
    clock = Clock()
    with compilation_counted(clock):
        lowered = follow_path(compilation.lowered, settings.order)
        generator = build_kernel(lowered)
        model = build_model(lowered, settings, jax.random.key(seed))
        solution = evolve(model, generator, settings, settings.save, Silent().step)
    cost, memory = clock.cost(), peak_memory() or 0
    marginal, mean, joint = compare(solution.models[-1], exact_means(species))
    return Line(
        species,
        seed,
        cost.compile_seconds,
        cost.run_seconds,
        len(solution.infos),
        memory,
        marginal,
        mean,
        joint,
        f"{solution.infos[-1].stage}, {solution.outcome.word}",
    )


def compare(
    model: AbstractAutoregressive, means: Float[np.ndarray, " species"]
) -> tuple[float, float, float]:
    """Worst marginal, worst mean, and total variation: E_P[max(1 - Q/P, 0)]."""
    points = sobol_points(SAMPLES, len(means), 0)
    spread = quantiles(jax.random.key(1), points, model.dtype)
    drawn = eqx.filter_jit(jax.vmap(lambda m, u: m.sample(u), (None, 0)))(model, spread)
    states = np.asarray(drawn)
    exact = states * np.log(means) - means - gammaln(states + 1)
    ratio = np.exp(exact.sum(axis=1) - log_probs(model, states))
    levels = np.arange(CAP + 1)
    distances = [
        hellinger(
            np.bincount(column, minlength=CAP + 1) / SAMPLES,
            poisson.pmf(levels, mean),
        )
        for column, mean in zip(states.T, means, strict=True)
    ]
    off = np.abs(states.mean(axis=0) / means - 1)
    # of means that are all but 0, samples tell nothing
    off = np.where(means > 0.05, off, 0.0)
    return max(distances), float(off.max()), float(np.maximum(1 - ratio, 0).mean())


if __name__ == "__main__":
    main()
