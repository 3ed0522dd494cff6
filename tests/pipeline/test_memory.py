"""The memory of a batch, told before a run: against networks, and whole processes."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest
from engine_cases import ENZYME, PAIR, conserving_networks, lower, model_of
from hypothesis import given

from crnlang.codegen.ansatz import build_model
from crnlang.pipeline import memory
from crnlang.pipeline.cost import Clock
from crnlang.pipeline.found import Silent
from crnlang.pipeline.memory import batch_memory, count_weights, told_memory
from crnlang.pipeline.neural import run_neural
from crnlang.settings import AdamSettings, NatgradSettings, TdvpSettings
from crnlang.solve.outcome import EngineError

HERE = Path(__file__).parent


@given(conserving_networks())
def test_the_weights_are_counted(lowered):
    blocks = model_of(lowered, width=3, basis=2).weight_blocks()
    settings = TdvpSettings(width=3, basis=2)
    assert count_weights(lowered, settings) == sum(b.size for b in blocks)


def test_those_of_a_receptive_field_are_counted():
    text = """crn 1
model hops
lattice grid(3, 4)
species X in 0..5 per site = 1
diffuse X @ 1
X -> 0 @ 1
"""
    sizes = []
    for reach in (0, 1, 2):
        settings = TdvpSettings(receptive_field=reach)
        model = build_model(lower(text), settings, jax.random.key(0))
        sizes.append(count_weights(lower(text), settings))
        assert sizes[-1] == sum(b.size for b in model.weight_blocks())
    assert sizes[1] < sizes[2] < sizes[0]


def test_devices_share_the_batch():
    lowered = lower(PAIR)
    one, two = (
        batch_memory(lowered, AdamSettings(samples=2**14, devices=devices))
        for devices in (1, 2)
    )
    assert one is not None
    assert two == one / 2


def test_a_float32_network_takes_half():
    lowered = lower(ENZYME)
    wide, narrow = (
        batch_memory(lowered, TdvpSettings(method="galerkin", precision=precision))
        for precision in ("float64", "float32")
    )
    assert wide is not None
    assert narrow == wide / 2


def test_what_is_not_known_is_not_told():
    lowered = lower(PAIR)
    assert batch_memory(lowered, TdvpSettings()) is None
    assert batch_memory(lowered, NatgradSettings(ansatz="nade")) is None


def test_networks_too_large_to_build_are_refused(monkeypatch):
    lowered = lower(PAIR)
    weights = count_weights(lowered, TdvpSettings())
    monkeypatch.setattr(memory, "MOST_WEIGHTS", weights - 1)
    with pytest.raises(EngineError, match="use `ssa`"):
        run_neural(lowered, TdvpSettings(), Silent(), Clock())
    memory.check_weights(lowered, TdvpSettings(ansatz="gru"))
    monkeypatch.setattr(memory, "MOST_WEIGHTS", weights)
    memory.check_weights(lowered, TdvpSettings())


def test_memory_in_words():
    assert told_memory(3 * 2**30) == "memory of the batch: about 3 GiB a device"
    assert told_memory(64.2 * 2**20) == "memory of the batch: about 64 MiB a device"


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        "natgrad samples=32768 solver=cholesky",
        "natgrad samples=65536 solver=cholesky",
        "adam samples=131072",
        "tdvp samples=16384 sampling=sobol",
    ],
)
def test_it_is_within_a_fifth_of_what_a_process_takes(case):
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), *sys.path]),
    }
    found = subprocess.run(
        [sys.executable, str(HERE / "memory_case.py"), *case.split()],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    told, measured = map(float, found.stdout.split())
    assert told == pytest.approx(measured, rel=0.2)
