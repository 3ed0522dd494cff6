"""The Python interface: the numbers of `crnc run`, and the law of six molecules.

Each of six molecules starts in A with probability 1/2, else nowhere, and goes
A -> B -> nowhere at rates 1 and 2 by itself; so states are multinomial.
"""

from math import exp, factorial

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import crnlang
from crnlang.cli import main
from crnlang.pipeline.interface import open_run, run
from crnlang.pipeline.result import DoubtfulAnswerWarning
from crnlang.results import law_file
from crnlang.results.record import RunError
from crnlang.settings import SettingError

TEXT = """crn 1
model six
species A in 0..6 ~ binomial(6, 0.5)
species B in 0..6 = 0
A -> B @ 1
B -> 0 @ 2
query dist(A, B, at=1)
solve main with tdvp { t = 0..1; save = [0.5, 1]; width = 4; basis = 4 }
solve check with fsp { t = 0..1; save = [0.5, 1] }
solve drawn with ssa { t = 0..1; save = [0.5, 1]; trajectories = 2000 }
solve split with we { t = 0..1; save = [0.5, 1]; walkers = 20; repeats = 4 }
"""
MODEL = crnlang.compile_text(TEXT)
BLOCKS = ("main", "check", "drawn", "split")
#: How far probabilities of each block may lie from the closed form.
AWAY = {"main": 2e-3, "check": 1e-7, "drawn": 5 * (0.25 / 2000) ** 0.5}


def chance(a, b, t):
    """P(A = a, B = b) at t."""
    in_a, in_b = exp(-t) / 2, (exp(-t) - exp(-2 * t)) / 2
    gone = 6 - a - b
    if gone < 0:
        return 0.0
    ways = factorial(6) / (factorial(a) * factorial(b) * factorial(gone))
    return ways * in_a**a * in_b**b * (1 - in_a - in_b) ** gone


def table(t):
    return np.array([[chance(a, b, t) for b in range(7)] for a in range(7)])


@pytest.fixture(scope="module")
def results():
    return {block: run(MODEL, solve=block, seed=3) for block in BLOCKS}


@pytest.fixture(scope="module")
def opened(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {block: open_run(results[block].save(folder / block)) for block in BLOCKS}


@pytest.mark.parametrize("block", BLOCKS)
def test_the_command_line_gives_the_same_numbers(block, results, tmp_path):
    file = tmp_path / "six.crn"
    file.write_text(TEXT, encoding="utf-8")
    words = ["--solve", block, "--seed", "3", "--out", tmp_path / "run", "--quiet"]
    found = CliRunner().invoke(main, ["run", str(file), *map(str, words)])
    assert found.exit_code == 0, found.output
    theirs, ours = open_run(tmp_path / "run"), results[block]
    assert set(ours.dataset.variables) == set(theirs.dataset.variables)
    for name in set(ours.dataset.variables) - {"health_seconds"}:
        assert ours.dataset[name].equals(theirs.dataset[name]), name
    assert {**ours.settings, "save": [0.5, 1.0]} == theirs.settings
    assert (ours.model, ours.notes) == (theirs.model, theirs.notes)


@pytest.mark.parametrize("block", AWAY)
@pytest.mark.parametrize("t", [0.5, 1.0])
def test_laws_are_those_of_the_closed_form(block, t, results):
    result, exact, away = results[block], table(t), AWAY[block]
    np.testing.assert_allclose(result.marginal("A", t), exact.sum(1), atol=away)
    np.testing.assert_allclose(result.marginal("B", t), exact.sum(0), atol=away)
    np.testing.assert_allclose(result.joint("A", "B", t), exact, atol=away)
    np.testing.assert_allclose(result.joint("B", "A", t), exact.T, atol=away)
    mean = 3 * exp(-t)
    assert result.mean("A", t) == pytest.approx(mean, abs=20 * away)
    spread = (mean * (1 - mean / 6)) ** 0.5
    assert result.sd("A", t) == pytest.approx(spread, abs=20 * away)
    found = result.query(f"prob(A > 2 and B == 0, at={t})")
    assert found.values[0] == pytest.approx(exact[3:, 0].sum(), abs=away)


@pytest.mark.parametrize("block", ["main", "check"])
@given(st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=15)
def test_log_probabilities_are_those_of_the_closed_form(block, results, a, b):
    exact = chance(a, b, 1.0)
    found = results[block].log_prob({"B": b, "A": a}, 1)
    assert np.exp(found) == pytest.approx(exact, abs=AWAY[block])
    rows = results[block].log_prob(np.array([[a, b], [a, 9], [-1, b], [300, 0]]), 1)
    assert rows[0] == found
    assert (rows[1:] == -np.inf).all()


@pytest.mark.parametrize("block", AWAY)
def test_samples_follow_the_law(block, results):
    drawn = results[block].sample(1, 2000, seed=1)
    counts = np.zeros((7, 7))
    np.add.at(counts, tuple(drawn.T), 1 / 2000)
    away = 5 * (0.25 / 2000) ** 0.5 + AWAY[block]
    np.testing.assert_allclose(counts, table(1.0), atol=away)
    again = results[block].sample(1, 2000, seed=1)
    np.testing.assert_array_equal(drawn, again)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_saved_run_opens_as_the_same_object(block, results, opened):
    mine, theirs = results[block], opened[block]
    assert repr(mine) == repr(theirs)
    assert mine.dataset.drop_attrs().equals(theirs.dataset.drop_attrs())
    for t in (0.5, 1.0):
        np.testing.assert_array_equal(
            mine.joint("B", "A", t), theirs.joint("B", "A", t)
        )
        np.testing.assert_allclose(
            mine.laws.snapshot(0).normalised(), theirs.laws.snapshot(0).normalised()
        )
    question = "dist(B, given=A > 1)"
    assert mine.query(question).values == pytest.approx(theirs.query(question).values)
    assert mine.query(question).errors == pytest.approx(theirs.query(question).errors)
    if block in AWAY:
        np.testing.assert_array_equal(mine.sample(1, 9), theirs.sample(1, 9))
    if block in ("main", "check"):
        assert mine.log_prob([1, 2], 1) == theirs.log_prob([1, 2], 1)
    assert mine.compare(theirs).max_hellinger == 0


@pytest.mark.parametrize(
    ("block", "ask", "words"),
    [
        ("check", lambda r: r.marginal("a", 1), "did you mean `A`?"),
        ("check", lambda r: r.mean("A", 0.7), "not saved t = 0.7; it has 0.5, 1"),
        ("check", lambda r: r.joint("A", "A", 1), "two different species"),
        ("check", lambda r: r.log_prob({"A": 1}, 1), "missing: B"),
        ("check", lambda r: r.log_prob([1, 2, 3], 1), "in the order A, B"),
        ("check", lambda r: r.log_prob(np.array([1.5, 2]), 1), "whole numbers"),
        ("check", lambda r: r.query("hit(A > 2, by=1)"), "ask it in the file"),
        ("check", lambda r: r.plot("a.gif"), "must end in"),
        ("drawn", lambda r: r.log_prob([1, 2], 1), "ask `fsp` or a neural engine"),
        ("drawn", lambda r: r.sample(1, 2001), "`trajectories = 2001`"),
        ("split", lambda r: r.sample(1, 5), "take samples from `ssa`"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_cannot_be_answered_is_said_with_what_can(results, block, ask, words):
    with pytest.raises((RunError, TypeError), match=words):
        ask(results[block])


def test_a_law_that_is_too_large_is_not_kept(results, monkeypatch, tmp_path):
    monkeypatch.setattr(law_file, "MOST_BYTES", 100)
    result = open_run(results["check"].save(tmp_path / "run"))
    assert result.joint("A", "B", 1).shape == (7, 7)
    for ask in (lambda: result.log_prob([0, 0], 1), lambda: result.query("prob(A>1)")):
        with pytest.raises(RunError, match="write the question into the file"):
            ask()
    with pytest.raises(RunError, match="copy that"):
        result.save()


def test_a_damaged_law_is_said(results, tmp_path):
    path = results["check"].save(tmp_path / "run")
    (path / law_file.LAW).write_bytes(b"PK")
    with pytest.raises(RunError, match=r"law.npz was changed"):
        open_run(path)
    with pytest.raises(RunError, match=r"law.npz cannot be read"):
        law_file.read_laws(path, np.array([0.5, 1]))


@pytest.mark.parametrize("save", [[0.2, 1], (0.2, 1), np.array([0.2, 1]), "[0.2, 1]"])
def test_settings_are_taken_in_every_spelling(save):
    result = run(MODEL, engine="fsp", t="0..1", save=save, tolerance=np.float64(1e-8))
    assert result.times.tolist() == [0.2, 1.0]
    assert result.settings["tolerance"] == 1e-8


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"engine": "fps"}, "did you mean `fsp`"),
        ({"engine": "fsp", "samples": 3}, "no setting `samples`"),
        ({"engine": "fsp", "t": "0..x"}, "`t` cannot be"),
        ({"solve": "mian"}, "did you mean `main`"),
    ],
)
def test_wrong_settings_are_named(settings, words):
    with pytest.raises(SettingError, match=words):
        run(MODEL, **settings)


def test_a_doubtful_answer_is_warned_of(results, monkeypatch):
    laws = results["main"].laws
    monkeypatch.setattr(laws, "answering", lambda _, k: (laws.snapshot(k), ["doubt"]))
    with pytest.warns(DoubtfulAnswerWarning, match="doubt"):
        results["main"].query("prob(A > 1, at=1)")


def test_a_picture_is_drawn(results, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "six.png"
    figure = results["check"].plot(out, species=["B"], joint=("B", "A"), times=[1])
    assert out.read_bytes().startswith(b"\x89PNG")
    assert len(figure.subfigs) == 2
    assert results["check"].plot() is not None


def test_what_is_compiled_and_run_has_a_short_name(results):
    assert repr(MODEL) == "<model six: 2 copy numbers, 2 reactions>"
    assert repr(results["check"]) == (
        "<run of six by fsp: 2 species, 2 times to t = 1, complete>"
    )
    assert results["check"].answers["dist_A_B"].values.shape == (1, 7, 7)
    assert {"run", "open_run", "Result"} <= set(dir(crnlang))
    assert crnlang.run is run
    with pytest.raises(AttributeError, match="no attribute `solver`"):
        _ = crnlang.solver
