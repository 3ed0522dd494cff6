"""Several devices share a batch: the same numbers as on one, up to rounding."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from crnlang.solve.mesh import devices_apart, shared_by, workers
from crnlang.solve.outcome import EngineError

HERE = Path(__file__).parent
QUICK = ("sums",)
SLOW = (
    "averages",
    "averages_by_products",
    "averages_under_laws",
    "projection",
    "conditionals",
    "galerkin",
    "galerkin_sobol",
    "natgrad",
    "natgrad_kernel",
    "natgrad_cg",
    "natgrad_shared",
    "natgrad_proposal",
    "adam",
)


def compute(out, cases):
    """What `device_cases.py` finds with 1, 2 and 4 virtual devices, in a process."""
    environment = {
        **os.environ,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4",
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), *sys.path]),
    }
    script = str(HERE / "device_cases.py")
    subprocess.run(
        [sys.executable, script, str(out), *cases], env=environment, check=True
    )
    return np.load(out)


def differences(found, case):
    """How far the numbers of 2 and of 4 devices are from those of one."""
    ones = [name for name in found.files if name.startswith(f"{case}/1/")]
    assert ones
    for name in ones:
        for devices in (2, 4):
            other = found[name.replace("/1/", f"/{devices}/", 1)]
            yield found[name], other


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return compute(tmp_path_factory.mktemp("devices") / "quick.npz", QUICK)


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    return compute(tmp_path_factory.mktemp("devices") / "slow.npz", SLOW)


@pytest.mark.parametrize("case", QUICK)
def test_one_two_and_four_devices_agree(quick, case):
    for one, other in differences(quick, case):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("case", SLOW)
def test_all_methods_agree_on_any_number_of_devices(slow, case):
    for one, other in differences(slow, case):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6)


def test_one_device_needs_no_mesh():
    with shared_by(1):
        assert workers() == 1
        assert devices_apart() == [None]


def test_more_devices_than_there_are_is_an_error():
    number = len(jax.devices()) + 1
    sentence = f"`devices = {number}`, but JAX finds"
    with pytest.raises(EngineError, match=sentence), shared_by(number):
        pass
