"""Samplings whose models numba compiles once."""

from contextlib import contextmanager

import pytest

from crnlang.ir.printer import print_lowered
from crnlang.reference.ssa import build_simulator


@contextmanager
def compiled_once():
    """Engines of this process share the simulator of a model; others do not."""
    built = {}

    def build(lowered, targets):
        key = print_lowered(lowered), tuple(map(repr, targets))
        if key not in built:
            built[key] = build_simulator(lowered, targets)
        return built[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crnlang.pipeline.witnesses.build_simulator", build)
        patch.setattr("crnlang.pipeline.ensembles.build_simulator", build)
        yield
