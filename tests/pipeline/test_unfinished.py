"""Runs that have not ended: what their last checkpoint holds, or why nothing."""

import os
from dataclasses import replace

import jax
import numpy as np
import pytest
from fake_engine import step_info

from crnlang.codegen.ansatz import build_model
from crnlang.compiler import compile_text
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.reporting import report_run
from crnlang.pipeline.resume import begin_run
from crnlang.pipeline.unfinished import open_any
from crnlang.results import checkpoint
from crnlang.results.record import RunError
from crnlang.results.run_directory import write_run
from crnlang.results.summary import Snapshot, summarise
from crnlang.settings import NeuralSettings
from crnlang.solve.state import Checkpoint, State, pack

TEXT = """crn 1
model decay
species X in 0..6 = 6
X -> 0 @ 1
query prob(X > 2, at=[0.5, 2])
solve main with natgrad { t = 0..2; save = [0.5, 2]; width = 3; basis = 2 }
solve exact with fsp { t = 0..2; save = [1, 2] }
"""


def begun(directory, solve):
    compilation = compile_text(TEXT, str(directory / "decay.crn"))
    choice = resolve_solve(compilation.network, solve)
    directory.mkdir(exist_ok=True)
    begin_run(directory, compilation, choice)
    return compilation, choice


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The directory of a natgrad run at t = 1 of 2, and its network there."""
    directory = tmp_path_factory.mktemp("unfinished") / "run"
    compilation, choice = begun(directory, "main")
    jax.config.update("jax_enable_x64", True)
    assert isinstance(choice.settings, NeuralSettings)
    model = build_model(compilation.lowered, choice.settings, jax.random.key(0))
    infos = tuple(step_info(k, 2.0, "natgrad") for k in (1, 2, 3, 4))
    held = Checkpoint(State(model, t=1.0), (0.5,), (model,), infos)
    checkpoint.replace_file(checkpoint.state_file(directory), pack(held))
    return directory


def test_the_last_checkpoint_is_a_result(run):
    opened = open_any(run)
    assert opened.status == "unfinished"
    data = opened.result.data
    assert data.times.tolist() == [0.5, 1.0]
    np.testing.assert_allclose(data.marginal("X").sum(axis=1), 1.0)
    assert data.health["t"].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert "t = 1 of 2" in data.sentence
    assert data.queries[0].times.tolist() == [0.5]  # 2 is still to come


def test_it_has_a_page(run):
    opened = open_any(run)
    page = report_run(opened.result, opened.versions, status=opened.status)
    assert 'class="unfinished"' in page
    assert "The run has not ended" in page


def test_without_a_checkpoint_it_says_what_to_do(tmp_path):
    begun(tmp_path / "neural", "main")
    with pytest.raises(RunError, match="has no checkpoint so far"):
        open_any(tmp_path / "neural")
    begun(tmp_path / "exact", "exact")
    with pytest.raises(RunError, match="has no law before its end"):
        open_any(tmp_path / "exact")


def test_a_result_counts_until_a_newer_checkpoint(tmp_path, run):
    lowered = compile_text(TEXT).lowered
    laws = [Snapshot(t, np.array([[6]]), is_exact=True) for t in (0.5, 2.0)]
    data = replace(summarise(lowered, laws, engine="natgrad", seed=0), status="stopped")
    directory = write_run(tmp_path / "run", data, TEXT, {})
    begun(directory, "main")
    (directory / "settings.json").unlink()  # of no interest here
    (directory / "manifest.json").write_text("{}")
    state = checkpoint.state_file(directory)
    state.write_bytes(checkpoint.state_file(run).read_bytes())
    result = (directory / "manifest.json").stat().st_mtime
    os.utime(state, (result + 10, result + 10))
    assert open_any(directory).status == "unfinished"
