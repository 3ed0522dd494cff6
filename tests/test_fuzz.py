"""Mutated files, down to their bytes: a model or errors, nothing else, and soon."""

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
    summary = capsys.readouterr().out.splitlines()[-1]
    kept = len(list(tmp_path.iterdir()))
    assert kept > 0
    assert f": {kept} failures, 0 models, " in summary
