"""Programs are compiled once for all runs, where the user lets them be kept."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import jax
import jax.numpy as jnp
from crnlang.pipeline.programs import keep_programs

hits = []
jax.monitoring.register_event_listener(
    lambda event, **_: hits.append(event) if event.endswith("/cache_hits") else None
)
keep_programs()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((3, 3)))
print(len(hits))
"""


def hits(**environment):
    """How many programs a new process finds kept."""
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "true", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    return int(ran.stdout)


def test_a_second_run_finds_the_programs_of_the_first(tmp_path):
    assert hits(XDG_CACHE_HOME=str(tmp_path)) == 0
    assert hits(XDG_CACHE_HOME=str(tmp_path)) > 0
    (directory,) = (tmp_path / "crnlang").iterdir()
    assert any(directory.iterdir())


@pytest.mark.parametrize(
    "environment",
    [{"JAX_ENABLE_COMPILATION_CACHE": "false"}, {"XDG_CACHE_HOME": "/dev/null"}],
    ids=["not wanted", "no place"],
)
def test_nothing_is_kept_where_it_is_not_wanted_or_there_is_no_place(
    tmp_path, environment
):
    assert hits(**{"XDG_CACHE_HOME": str(tmp_path), **environment}) == 0
    assert not any(tmp_path.iterdir())
