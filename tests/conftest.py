"""Options and profiles of the whole test suite."""

import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

#: The programs of tests run for milliseconds, and were most of the time of the suite to
#: compile: this takes a fifth of it. What `-m slow` runs is compiled as for users, and
#: so are the runs of `.ci/run` from the wheel.
QUICK_TO_COMPILE = (
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_use_fusion_emitters=false",
    "--xla_cpu_parallel_codegen_split_count=1",
)
#: Compiled programs are dropped once a process has more memory mappings than this.
MOST_MAPPINGS = 20_000

if find_spec("jax") is not None:
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    os.environ.setdefault("JAX_NUMPY_DTYPE_PROMOTION", "strict")
    os.environ.setdefault("JAX_ENABLE_COMPILATION_CACHE", "false")

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci", max_examples=50, deadline=None, derandomize=True, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_configure(config):
    """Choose how programs are compiled, before JAX is first used."""
    if "not slow" in config.option.markexpr:
        os.environ.setdefault("XLA_FLAGS", " ".join(QUICK_TO_COMPILE))


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write golden files from what the code prints now; review the diff",
    )


@pytest.fixture(autouse=True)
def _compiled_programs_dropped():
    """Forget what JAX compiled for a test: random networks share nothing.

    Each program holds memory mappings, of which Linux allows a process 65 530; the
    compiler crashes when there are no more.
    """
    yield
    jax = sys.modules.get("jax")
    if jax is not None and mappings() > MOST_MAPPINGS:
        jax.clear_caches()
        gc.collect()


def mappings():
    """Memory mappings of this process; 0 where the system does not tell."""
    try:
        return len(Path("/proc/self/maps").read_bytes().splitlines())
    except OSError:
        return 0


@pytest.fixture
def golden(request):
    """A function that compares a text with a file, or writes the file on request."""

    def compare(text, path):
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing: run pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return compare
