"""A file run from end to end by every engine, and what is stored of it."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from fake_engine import STEPS, fake_evolve

from crnlang.compiler import compile_text
from crnlang.pipeline import Silent, run_compiled, run_file, store_run
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.kernel import show_kernel
from crnlang.pipeline.weights import load_model
from crnlang.results.record import RunError
from crnlang.results.run_directory import read_files, read_run
from crnlang.solve.outcome import Outcome

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXT = """crn 1
model decay
species X in 0..6 ~ binomial(6, 0.5)
X -> 0 @ 1
query expect(X, at=[0.5, 2])
solve main with tdvp { t = 0..2; save = [1, 2]; width = 3; basis = 2 }
"""


def run_text(text=TEXT, **choice):
    compilation = compile_text(text)
    chosen = resolve_solve(compilation.network, **choice)
    return run_compiled(compilation, chosen, Silent())


def use_fake_engine(monkeypatch, outcome=Outcome.SUCCESSFUL):
    monkeypatch.setattr("crnlang.pipeline.neural.evolve", fake_evolve(outcome))


def test_both_witnesses_give_the_known_mean():
    for engine, tolerance in (("fsp", 1e-8), ("ssa", 0.1)):
        run = run_file(EXAMPLES / "birth_death.crn", engine=engine)
        expected = 10 - 9 * np.exp(-run.data.times / 100)
        np.testing.assert_allclose(run.data.means[:, 0], expected, atol=tolerance)
        assert run.data.status == "complete"
        assert run.cost.run_seconds > 0
        assert run.data.health == {}


def test_the_seed_and_the_overrides_reach_the_engine():
    runs = [
        run_text(engine="ssa", overrides={"trajectories": 50.0}, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert runs[0].data.samples[0] == pytest.approx(50)
    np.testing.assert_array_equal(runs[0].data.means, runs[1].data.means)
    assert (runs[0].data.means != runs[2].data.means).any()


def test_a_neural_run_reports_its_steps_and_answers_the_questions(monkeypatch):
    use_fake_engine(monkeypatch)
    run = run_text(TEXT.replace("width = 3", "width = 7"))  # compiled nowhere else
    assert run.data.times.tolist() == [0.5, 1.0, 2.0]
    np.testing.assert_allclose(run.data.means, 3)
    assert np.isinf(run.data.samples).all()
    assert len(run.data.health["residual"]) == STEPS
    assert run.data.health["stage"].tolist() == [2.0] * STEPS
    assert run.data.notes == ()
    assert run.cost.compile_seconds > 0


def test_a_run_that_stops_early_keeps_its_last_good_time(monkeypatch):
    use_fake_engine(monkeypatch, Outcome.NOT_FINITE)
    data = run_text().data
    assert data.status == "stopped"
    assert data.sentence.startswith(Outcome.NOT_FINITE.sentence)
    assert "last good time is t = 1" in data.sentence
    assert data.queries[0].times.tolist() == [0.5]


def test_a_stored_network_comes_back(monkeypatch, tmp_path):
    use_fake_engine(monkeypatch)
    run = run_text()
    directory = store_run(run, tmp_path / "run")
    assert read_run(directory).health["t"][-1] == 2
    assert read_files(directory).settings["width"] == 3
    cost = json.loads((directory / "cost.json").read_text())
    assert set(cost) == {"compile_seconds", "run_seconds", "peak_memory_bytes"}
    model = load_model(directory, 2)
    probability = float(jnp.exp(model.log_prob(jnp.array([3]))))
    assert probability == pytest.approx(run.data.marginal("X")[2, 3], rel=1e-12)
    with pytest.raises(RunError, match="no weights for save time number 3"):
        load_model(directory, 3)


def test_a_witness_stores_no_network(tmp_path):
    directory = store_run(run_text(engine="fsp"), tmp_path / "run")
    with pytest.raises(RunError, match="holds no network"):
        load_model(directory, 0)


def test_the_kernel_is_shown_as_a_jaxpr():
    text = show_kernel(compile_text(TEXT).lowered)
    assert text.startswith("# local generator of decay")
    assert "# n: copy numbers of X" in text
    assert "lambda" in text
