"""How fast the engines are on the devices at hand, from MAPK to 16 x 16 lattice sites.

    python tests/benchmarks/scale.py --quick           # small cases alone
    python tests/benchmarks/scale.py --seconds 500     # as much as the time allows
    python tests/benchmarks/scale.py kernel --models 8x8 --batches 12 15 17
    python tests/benchmarks/scale.py steps --devices 4

Tables in Markdown, a line as soon as it is measured. Every law starts as a broad
product with weights drawn at random, so that no engine meets a special case.

- `kernel`: the local generator of a whole batch, as the engines work through it. Share
  of the peak: the arithmetic that XLA counts, a second, over that of a product of two
  large matrices of the same type on all devices.
- `steps`: one step of each method; `paper` is `natgrad` as in arXiv 2512.10309 (batch
  2000, 5 epochs, width 16), whatever the batch of the others. `compiling` is what came
  with the first step; seconds are of the fastest of the steps after it.
- `compile`: CPU seconds of tracing, lowering and of XLA for single programs.

What needs more memory than there is, or more time than is left, is said and left out.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int
from scipy.stats import poisson

from crnlang.codegen.ansatz import build_model
from crnlang.codegen.kernel import build_kernel
from crnlang.compiler import compile_text
from crnlang.diagnostics import Refusal
from crnlang.ir.lowered import LoweredNetwork
from crnlang.nn.base import AbstractAutoregressive
from crnlang.passes.order import follow_path
from crnlang.passes.totals import TOTALS
from crnlang.pipeline.cost import Clock, peak_memory
from crnlang.pipeline.memory import batch_memory
from crnlang.pipeline.neural import compilation_counted
from crnlang.settings import AdamSettings, NatgradSettings, NeuralSettings, TdvpSettings
from crnlang.solve.conditional_rates import conditional_rates
from crnlang.solve.estimate import rates_of
from crnlang.solve.evolve import evolve
from crnlang.solve.mesh import shared_by
from crnlang.solve.pieces import over_batch, piece_size
from crnlang.solve.solution import StepInfo

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS = ("mapk", "4x4", "8x8", "16x16")
#: Length of the first step: short enough for every method.
STEP = {"mapk": 1e-2, "lattice": 1e-4}
#: Standard deviation of the drawn weights, and the mean number of molecules on a site.
SPREAD, MEAN = 0.1, 45.0
#: Steps of each method; of them the first compiles.
STEPS = 3
REPEATS = 5
GIB = 2**30


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help="kernel, steps, compile")
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    parser.add_argument("--batches", nargs="+", type=int, default=range(12, 18))
    parser.add_argument("--precision", nargs="+", default=["float64", "float32"])
    parser.add_argument("--methods", nargs="+", default=tuple(METHODS))
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--quick", action="store_true", help="mapk, 4x4; batch 2^12")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.models, chosen.batches = ("mapk", "4x4"), [12]
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_default_matmul_precision", "highest")
    bench = Bench(chosen, time.monotonic() + chosen.seconds)
    with shared_by(chosen.devices):
        say(f"{describe()}; {chosen.devices} used; jax {jax.__version__}")
        for part in chosen.parts or ("kernel", "steps", "compile"):
            PARTS[part](bench)


def say(line: str) -> None:
    """Print at once, so that a time limit loses nothing."""
    print(line, flush=True)


def describe() -> str:
    """The devices, and their memory."""
    device = jax.devices()[0]
    return (
        f"{len(jax.devices())} x {device.device_kind}, "
        f"{memory_there() / GIB:.0f} GiB for arrays"
    )


def memory_there() -> float:
    """Bytes that a device has for arrays; of a CPU, what is free now."""
    if stats := jax.devices()[0].memory_stats():
        return float(stats.get("bytes_limit", np.inf))
    try:
        text = Path("/proc/meminfo").read_text(encoding="utf-8")
    except OSError:
        return np.inf
    return 1024.0 * int(re.findall(r"MemAvailable:\s+(\d+)", text)[0])


def memory_used() -> float:
    """Bytes at the peak so far."""
    if stats := jax.devices()[0].memory_stats():
        return float(stats.get("peak_bytes_in_use", np.nan))
    return float(peak_memory() or np.nan)


@dataclass(frozen=True)
class Bench:
    """What is asked for, and when to stop."""

    chosen: argparse.Namespace
    end: float

    def cases(self) -> Iterator[tuple[str, str]]:
        """Models and precisions."""
        for name in self.chosen.models:
            for precision in self.chosen.precision:
                yield name, precision

    def attempt(self, label: str, measure: Callable[..., str], *given: Any) -> bool:
        """Print a line of a table; say why where there is none."""
        if time.monotonic() > self.end:
            say(f"| {label} | not begun: no time left |")
            return False
        try:
            say(f"| {label} | {measure(*given)} |")
        except MemoryError as error:
            say(f"| {label} | {str(error) or 'out of memory'} |")
            return False
        except (Refusal, ValueError, jax.errors.JaxRuntimeError) as error:
            text = " ".join(str(error).split())
            is_short = "RESOURCE_EXHAUSTED" in text or "Out of memory" in text
            say(f"| {label} | {'out of memory' if is_short else text[:150]} |")
            jax.clear_caches()
            return not is_short
        return True


@cache
def compiled(name: str) -> LoweredNetwork:
    """A network, its lattice as large as the name says."""
    if name == "mapk":
        text = (EXAMPLES / "mapk_cascade.crn").read_text(encoding="utf-8")
    else:
        size = name.replace("x", ", ")
        text = (EXAMPLES / "schlogl_grid.crn").read_text(encoding="utf-8")
        text = text.replace("grid(4, 4)", f"grid({size})")
        text = re.sub(r"(?m)^(init|query|observe|set) .*\n", "", text)
    return compile_text(text).lowered


@cache
def network(name: str) -> LoweredNetwork:
    """A network as the engines see it."""
    return TOTALS["auto"](follow_path(compiled(name), "raster")).lowered


def spread_model(name: str, settings: NeuralSettings) -> AbstractAutoregressive:
    """A network whose law is broad."""
    lowered = network(name)
    model = build_model(lowered, settings, jax.random.key(0))
    laws = []
    for cap, law in zip(lowered.space.caps.tolist(), lowered.initial, strict=True):
        broad = np.full(cap + 1, 1 / (cap + 1))
        if name != "mapk":
            broad = poisson.pmf(np.arange(cap + 1), MEAN)
            law = broad
        laws.append(0.5 * law + 0.5 * broad / broad.sum())
    model = model.with_product_law(tuple(laws))
    keys = jax.random.split(jax.random.key(2), len(model.weight_blocks()))
    noise = (
        SPREAD
        / block.shape[1] ** 0.5
        * jax.random.normal(key, block.shape, block.dtype)
        for key, block in zip(keys, model.weight_blocks(), strict=True)
    )
    blocks = zip(model.weight_blocks(), noise, strict=True)
    return model.with_weight_blocks(tuple(block + more for block, more in blocks))


def draw(model: AbstractAutoregressive, batch: int) -> Int[Array, "batch variables"]:
    """States of the law, few at a time."""
    sample = eqx.filter_jit(lambda m, u: over_batch(m.sample, u))
    size = min(batch, 4096)
    uniforms = jax.random.uniform(jax.random.key(1), (batch, len(model.order)))
    parts = [sample(model, uniforms[i : i + size]) for i in range(0, batch, size)]
    return jnp.concatenate(parts)


def fastest(function: Callable[..., Any], *arguments: Any) -> float:
    """Seconds of the fastest of some calls; one where it takes long."""
    best = np.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        best = min(best, time.perf_counter() - start)
        if best > 10:
            break
    return best


@cache
def peak_rate(precision: str) -> float:
    """Operations a second in the product of two large matrices, on one device."""
    size = 8192 if jax.default_backend() != "cpu" else 2048
    left = jax.random.normal(jax.random.key(0), (size, size), np.dtype(precision))
    product = jax.jit(jnp.matmul)
    product(left, left).block_until_ready()
    return 2 * size**3 / fastest(product, left, left)


def kernels(bench: Bench) -> None:
    """Kernel states a second."""
    for precision in bench.chosen.precision:
        rate = peak_rate(precision)
        say(f"peak, {precision}: {rate / 1e12:.3f} TFLOP/s a device")
    say(
        "\n| network | precision | batch | compiling, s | states a second | "
        "microseconds a state | TFLOP/s | share of the peak |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    for name, precision in bench.cases():
        for power in bench.chosen.batches:
            label = f"{name} | {precision} | 2^{power}"
            given = name, precision, 2**power, bench.chosen.devices
            if not bench.attempt(label, kernel_rate, *given):
                break


def kernel_rate(name: str, precision: str, batch: int, devices: int) -> str:
    """The cells of one line."""
    model = spread_model(name, TdvpSettings(precision=precision))
    generator = build_kernel(network(name))
    counts, t = draw(model, batch), jnp.zeros(())
    start = time.perf_counter()
    program = _jitted(rates_of).lower(model, generator, counts, t).compile()
    compiling = time.perf_counter() - start
    if not np.isfinite(np.asarray(program(model, generator, counts, t))).all():
        raise ValueError("a rate is not finite")
    seconds = fastest(program, model, generator, counts, t)
    # of a loop over pieces, XLA counts one round, and of devices one
    own = -(-batch // devices)
    rounds = -(-own // piece_size(model, generator))
    counted = (program.compiled.cost_analysis() or {}).get("flops", np.nan)
    rate = counted * rounds * devices / seconds
    return (
        f"{compiling:.1f} | {batch / seconds:.3g} | {1e6 * seconds / batch:.3g} | "
        f"{rate / 1e12:.3g} | {rate / (peak_rate(precision) * devices):.1%}"
    )


def _tdvp(**options: Any) -> Callable[..., NeuralSettings]:
    """Settings of `tdvp` that accept every step."""

    def settings(
        step: float, samples: int, precision: str, devices: int
    ) -> TdvpSettings:
        common = {"tolerance": 1.0, "opening": 0, "max_steps": STEPS}
        # the first step is a ten-thousandth of the run
        end = {"until": 1e4 * step, "save": (1e4 * step,)}
        given = {"samples": samples, "precision": precision, "devices": devices}
        if options["method"] == "projection":
            given["states"], given["samples"] = samples, samples // 2
        return TdvpSettings(**{**common, **end, **given, **options})

    return settings


def _euler(kind: type, **options: Any) -> Callable[..., NeuralSettings]:
    """Settings of steps towards an Euler step."""

    def settings(step: float, samples: int, precision: str, devices: int) -> Any:
        end = {"until": STEPS * step, "save": (STEPS * step,), "dt": step}
        given = {"samples": samples, "precision": precision, "devices": devices}
        return kind(**{**end, **given, **options})

    return settings


#: Name -> settings of a few steps.
METHODS = {
    "paper": _euler(
        NatgradSettings, samples=2000, epochs=5, learning_rate=0.5, width=16
    ),
    "projection": _tdvp(method="projection"),
    "conditionals": _tdvp(method="conditionals", sampling="sobol"),
    "galerkin": _tdvp(method="galerkin"),
    "natgrad": _euler(NatgradSettings),
    "adam": _euler(AdamSettings),
}


def steps(bench: Bench) -> None:
    """Seconds of one step of each method."""
    say(
        "\n| network | precision | method | batch | compiling, s | a step, s | "
        "weights | memory at the peak so far |\n|---|---|---|---|---|---|---|---|"
    )
    for name, precision in bench.cases():
        for method in bench.chosen.methods:
            is_fixed = method == "paper"
            powers = [0] if is_fixed else bench.chosen.batches
            for batch in (2000 if is_fixed else 2**power for power in powers):
                label = f"{name} | {precision} | {method} | {batch}"
                given = name, precision, method, batch, bench.chosen.devices
                if not bench.attempt(label, step_time, *given):
                    break


def step_time(name: str, precision: str, method: str, batch: int, devices: int) -> str:
    """The cells of one line."""
    settings = METHODS[method](
        STEP.get(name, STEP["lattice"]), batch, precision, devices
    )
    needed, there = batch_memory(compiled(name), settings), memory_there()
    if needed is not None and needed > there:
        raise MemoryError(
            f"needs about {needed / GIB:.0f} GiB, there are {there / GIB:.0f}"
        )
    model = spread_model(name, settings)
    generator = build_kernel(network(name))
    clock, taken = Clock(), []

    def report(info: StepInfo) -> None:
        taken.append((info.seconds, clock.cost().compile_seconds))

    with compilation_counted(clock):
        end = evolve(model, generator, settings, settings.save, report)
    if not taken:
        raise ValueError(f"no step: {end.outcome.word}")
    spent = np.diff([0.0, *(so_far for _, so_far in taken)])
    alone = [seconds - own for (seconds, _), own in zip(taken, spent, strict=True)]
    weights = sum(block.size for block in model.weight_blocks())
    return (
        f"{taken[-1][1]:.1f} | {min(alone[1:] or alone):.3g} | {weights} | "
        f"{memory_used() / GIB:.1f} GiB"
    )


def compiling(bench: Bench) -> None:
    """CPU seconds until single programs are there."""
    say(
        "\n| network | precision | program | tracing and lowering, CPU s | "
        "XLA, CPU s | operations |\n|---|---|---|---|---|---|"
    )
    for name, precision in bench.cases():
        for program in PROGRAMS:
            label = f"{name} | {precision} | {program}"
            bench.attempt(label, compile_time, name, precision, program)


#: What is compiled for 64 states.
PROGRAMS: dict[str, Callable[..., Any]] = {
    "log P": lambda m, g, n, t: over_batch(m.log_prob, n),
    "samples": lambda m, g, n, t: over_batch(m.sample, n.astype(float)),
    "local generator": rates_of,
    "rates of conditionals": lambda m, g, n, t: over_batch(
        eqx.Partial(conditional_rates, m, g, t=t), n
    ),
}


def compile_time(name: str, precision: str, program: str) -> str:
    """The cells of one line."""
    model = spread_model(name, TdvpSettings(precision=precision))
    generator = build_kernel(network(name))
    counts, t = jnp.zeros((64, len(model.order)), int), jnp.zeros(())
    start = time.process_time()
    lowered = _jitted(PROGRAMS[program]).lower(model, generator, counts, t)
    middle = time.process_time()
    lowered.compile()
    spent = time.process_time() - middle
    operations = lowered.lowered.as_text().count(" = ")
    return f"{middle - start:.1f} | {spent:.1f} | {operations}"


_jitted: Any = eqx.filter_jit  # pyright does not see `lower`
PARTS = {"kernel": kernels, "steps": steps, "compile": compiling}


if __name__ == "__main__":
    sys.exit(main())
