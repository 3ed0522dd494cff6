"""Mutated files, down to their bytes: a model or errors, nothing else, and soon."""

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.fuzz import LIMIT, examine, main, mutate, time_limit
from hypothesis import given
from hypothesis import strategies as st


@given(st.randoms(use_true_random=False))
def test_a_mutated_file_is_a_model_or_has_errors(random):
    with time_limit(LIMIT):
        examine(mutate(random))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_model_or_have_errors(content):
    with time_limit(LIMIT):
        examine(content)


def test_what_takes_too_long_is_found():
    with pytest.raises(TimeoutError), time_limit(0.01):
        sum(1 for _ in range(10**9))


def test_the_script_sums_up_what_it_finds(monkeypatch, capsys, tmp_path):
    """Mutants that fail are counted and kept; here all that are models."""

    def refuse_models(content):
        found = examine(content)
        assert any(d.severity == "error" for d in found)
        return found

    monkeypatch.setattr("benchmarks.fuzz.examine", refuse_models)
    monkeypatch.setattr("sys.argv", ["fuzz", "--count", "40", "--keep", str(tmp_path)])
    assert main() == 1
    summary = capsys.readouterr().out.splitlines()
    kept = [path.stem for path in tmp_path.iterdir()]
    assert kept
    refused = f"models 0, refused {40 - len(kept)}, failures {len(kept)}"
    assert refused in summary
    for number in kept:
        start = f"mutant {number}: AssertionError assert"
        assert any(line.startswith(start) for line in summary)


#: Runs the script where nothing that the compiler half does without can be imported.
ALONE = """
import sys, runpy
for name in ("jax", "equinox", "optax", "numba", "xarray", "rich", "matplotlib"):
    sys.modules[name] = None
sys.argv = ["fuzz", *sys.argv[1:]]
runpy.run_path({script!r}, run_name="__main__")
"""


def test_any_number_of_processes_finds_the_same_without_jax(tmp_path):
    script = str(Path(__file__).parent / "benchmarks" / "fuzz.py")
    texts = []
    for processes in ("1", "2"):
        log = tmp_path / processes
        options = ["--count", "30", "--processes", processes, "--log", str(log)]
        code = ALONE.format(script=script)
        subprocess.run([sys.executable, "-c", code, *options], check=True)
        head, *rest = log.read_text().splitlines()
        assert f", {processes} processes, " in head
        texts.append([line for line in rest if not line.startswith("slowest")])
    assert texts[0] == texts[1]
    assert texts[0][0] == "mutants: 30, numbers 0..29 of seed 0"
