"""Options and profiles of the whole test suite."""

import os
from importlib.util import find_spec

import pytest
from hypothesis import settings

if find_spec("jax") is not None:
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    os.environ.setdefault("JAX_NUMPY_DTYPE_PROMOTION", "strict")

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write golden files from what the code prints now; review the diff",
    )


@pytest.fixture
def golden(request):
    """A function that compares a text with a file, or writes the file on request."""

    def compare(text, path):
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"{path} is missing: run pytest --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return compare
