"""The local generator: the fused form against plain ones, and the peak of the machine.

    python tests/benchmarks/kernel.py examples/schlogl_grid.crn --batch 2048

For each network, a batch of its own samples (weights drawn, so that the law is broad):
microseconds a state of

- `unmerged`: log P anew for every neighbour, one neighbour a reaction and direction;
- `plain`: the same after channels of equal net change have become one;
- `fused`: what the engines use: conditionals before the first changed position left
  out, the others once for each distinct change of their prefix, their first layer by
  adding up what single changes do;
- `pieces`: the same, a few states at a time as the engines do (`solve.pieces`).

All give the same numbers, which is checked. Then the arithmetic that XLA counts, a
second, over that of a product of two 2048 x 2048 matrices (the peak). Medians of seven.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.codegen.ansatz import build_model
from crnlang.codegen.kernel import LocalGenerator, LogRatios, build_kernel
from crnlang.compiler import compile_file
from crnlang.diagnostics import Report
from crnlang.nn.base import AbstractAutoregressive, plain_log_ratios
from crnlang.passes.expand import expand_channels
from crnlang.settings import TdvpSettings
from crnlang.solve.estimate import rates_of

#: Standard deviation of the drawn weights.
SPREAD = 0.3
REPEATS = 7
Kernel = Callable[[Int[Array, "batch variables"]], Float[Array, " batch"]]


def main() -> None:
    """Run what the command line names and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--precision", default="float64")
    chosen = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    dtype = np.dtype(chosen.precision)
    peak = peak_rate(dtype)
    print(f"{jax.devices()[0].device_kind}, {dtype}: peak {peak / 1e9:.0f} GFLOP/s")
    for path in chosen.models:
        for line in compare(path, chosen.batch, dtype, peak):
            print(line, flush=True)


def compare(path: Path, batch: int, dtype: np.dtype, peak: float) -> list[str]:
    """The lines of one network."""
    lowered = compile_file(path).lowered
    network = lowered.network
    apart = replace(lowered, families=tuple(expand_channels(network, Report())))
    model = build_model(lowered, TdvpSettings(precision=str(dtype)), jax.random.key(0))
    model = spread_out(model)
    points = jax.random.uniform(jax.random.key(1), (batch, len(lowered.space.caps)))
    counts = jax.jit(jax.vmap(model.sample))(points)
    merged, unmerged = (build_kernel(each) for each in (lowered, apart))
    kernels = {
        "unmerged": kernel_of(model, unmerged, plain_ratios(model)),
        "plain": kernel_of(model, merged, plain_ratios(model)),
        "fused": kernel_of(model, merged, model.log_ratios),
        "pieces": in_pieces(model, merged),
    }
    lines = [
        f"{network.name}: {len(lowered.space.caps)} variables, {unmerged.channels} "
        f"channels, {merged.channels} after merging, batch {batch}"
    ]
    expected: Float[np.ndarray, " batch"] | None = None
    slowest = work = 0.0
    for name, kernel in kernels.items():
        compiled = jax.jit(kernel).lower(counts).compile()
        found, seconds = measure(compiled, counts)
        expected = found if expected is None else expected
        np.testing.assert_allclose(found, expected, rtol=np.finfo(dtype).eps ** 0.5)
        slowest = slowest or seconds
        if name != "pieces":  # of a loop, XLA counts one round
            work = (compiled.cost_analysis() or {}).get("flops", 0.0)
        rate = work / seconds
        lines.append(
            f"  {name:9} {1e6 * seconds / batch:8.2f} us a state, "
            f"{slowest / seconds:5.1f} times as fast, {rate / 1e9:5.1f} GFLOP/s "
            f"({rate / peak:.0%} of the peak)"
        )
    return lines


def kernel_of(
    model: AbstractAutoregressive, generator: LocalGenerator, log_ratios: LogRatios
) -> Kernel:
    """The local generator of a batch."""
    time = jnp.zeros(())
    return jax.vmap(lambda n: generator(log_ratios, n, time))


def in_pieces(model: AbstractAutoregressive, generator: LocalGenerator) -> Kernel:
    """The local generator of a batch as the engines work through it."""
    time = jnp.zeros(())
    return lambda counts: rates_of(model, generator, counts, time)


def plain_ratios(model: AbstractAutoregressive) -> LogRatios:
    """Log ratios by a new log P for every neighbour."""

    def ratios(
        counts: Int[Array, " variables"],
        changes: Int[np.ndarray, "channels variables"],
        inside: Bool[Array, " channels"],
    ) -> Float[Array, " channels"]:
        return plain_log_ratios(model.log_prob, counts, changes, inside)

    return ratios


def spread_out(model: AbstractAutoregressive) -> AbstractAutoregressive:
    """The same network with weights drawn at random."""
    keys = jax.random.split(jax.random.key(2), len(model.weight_blocks()))
    blocks = [
        SPREAD * jax.random.normal(key, block.shape, block.dtype)
        for key, block in zip(keys, model.weight_blocks(), strict=True)
    ]
    return model.with_weight_blocks(tuple(blocks))


def measure(
    kernel: Kernel, counts: Int[Array, "batch variables"]
) -> tuple[Float[np.ndarray, " batch"], float]:
    """The result, and the median of the seconds it takes."""
    found = np.asarray(kernel(counts))
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(kernel(counts))
        taken.append(time.perf_counter() - start)
    return found, float(np.median(taken))


def peak_rate(dtype: np.dtype) -> float:
    """Operations a second in the product of two large matrices."""
    size = 2048
    left = jax.random.normal(jax.random.key(0), (size, size), dtype)
    product = jax.jit(jnp.matmul)
    return 2 * size**3 / measure(lambda a: product(a, a), left)[1]


if __name__ == "__main__":
    main()
