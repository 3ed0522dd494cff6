"""How much more memory a process takes for a large batch than for a small one.

    python memory_case.py natgrad samples=65536 solver=cholesky

Prints the bytes of the estimate and those measured.
"""

import dataclasses
import sys
from pathlib import Path

import jax
from engine_cases import kernel_of, model_of, with_positive_start

from crnlang.compiler import compile_file
from crnlang.pipeline.cost import peak_memory
from crnlang.pipeline.memory import batch_memory
from crnlang.pipeline.overrides import parse_overrides
from crnlang.settings import NeuralSettings, resolve_settings
from crnlang.solve.evolve import evolve

TOGGLE = Path(__file__).parents[2] / "examples" / "toggle_switch.crn"
SHORT = {
    "tdvp": ["until=1e-3", "method=galerkin", "opening=0", "max_steps=1"],
    "natgrad": ["until=1e-3", "dt=1e-3", "epochs=1"],
    "adam": ["until=1e-3", "dt=1e-3", "epochs=1"],
}


def main():
    """Take one step with 256 samples, then one with as many as are asked for."""
    engine, *given = sys.argv[1:]
    jax.config.update("jax_enable_x64", True)
    lowered = with_positive_start(compile_file(TOGGLE).lowered)
    settings = resolve_settings(engine, parse_overrides([*SHORT[engine], *given]))
    assert isinstance(settings, NeuralSettings)
    sizes = {"width": 16, "basis": 12, "precision": settings.precision}
    model, generator = model_of(lowered, noise=0.1, **sizes), kernel_of(lowered)
    peaks = []
    for samples in (256, settings.samples):
        chosen = dataclasses.replace(settings, samples=samples)
        evolve(model, generator, chosen, chosen.save, lambda info: None)
        peaks.append(peak_memory())
    sys.stdout.write(f"{batch_memory(lowered, settings)} {peaks[1] - peaks[0]}\n")


if __name__ == "__main__":
    main()
