"""`logp`, `hit`, `mfpt` and `rate` against what is known in closed form."""

from pathlib import Path

import numpy as np
import pytest
from fake_engine import fake_evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, gamma, poisson

from crnlang.compiler import compile_text
from crnlang.pipeline import Silent, run_compiled, store_run
from crnlang.pipeline.choose import resolve_solve
from crnlang.results.run_directory import read_run

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"
FEW_EXAMPLES = settings(max_examples=10)


def run_text(text, engine="fsp", **overrides):
    compilation = compile_text(text)
    choice = resolve_solve(compilation.network, None, engine, overrides)
    return run_compiled(compilation, choice, Silent())


def answers_of(text, engine="fsp", **overrides):
    run = run_text(text, engine, **overrides)
    assert run.data.notes == ()
    return {query.name: query for query in run.data.queries}


def scalar(answer):
    assert answer.values.shape == answer.errors.shape == (1,)
    assert np.isnan(answer.times).all()
    return float(answer.values[0])


BIRTHS = """crn 1
species X in 0..12
0 -> X @ 3
query hit(X >= 5, by=[0, 0.5, 1, 2])
query mfpt(from=X == 0, to=X >= 5)
query rate(from=X == 0, to=X >= 5)
query logp(X=4, at=1)
solve main with fsp { t = 0..2; save = [2] }
"""


def test_births_arrive_after_a_sum_of_waiting_times():
    """The fifth birth comes after a time with the gamma law of order 5."""
    found = answers_of(BIRTHS)
    hit = found["hit_1"]
    expected = gamma.cdf(hit.times, 5, scale=1 / 3)
    assert np.abs(hit.values - expected).max() <= hit.errors.max() < 1e-9
    assert scalar(found["mfpt_2"]) == pytest.approx(5 / 3, rel=1e-12)
    assert scalar(found["rate_3"]) == pytest.approx(3, rel=1e-9)
    logp = found["logp_X"]
    assert logp.values[0] == pytest.approx(poisson.logpmf(4, 3), abs=1e-9)
    assert 0 < logp.errors[0] < 1e-8


def test_trajectories_hit_as_often_as_the_gamma_law_says():
    found = answers_of(
        BIRTHS.replace("query rate(from=X == 0, to=X >= 5)\n", ""), "ssa", t=(0.0, 12.0)
    )
    hit = found["hit_1"]
    expected = gamma.cdf(hit.times, 5, scale=1 / 3)
    assert (np.abs(hit.values - expected) < 4 * hit.errors)[1:].all()
    assert hit.values[0] == 0
    mean = found["mfpt_2"]
    assert abs(scalar(mean) - 5 / 3) < 4 * float(mean.errors[0])
    assert mean.errors[0] == pytest.approx(np.sqrt(5) / 3 / 100, rel=0.1)
    logp = found["logp_X"]
    assert abs(logp.values[0] - poisson.logpmf(4, 3)) < 4 * logp.errors[0]


SWITCH = """crn 1
param k = 0.7
species Off = 1
species On
Off -> On @ k
query hit(On == 1, from=Off == 1, by=0:5:0.5)
query mfpt(from=Off == 1, to=On == 1)
query rate(from=Off == 1, to=On == 1)
solve main with fsp { t = 0..5; save = [5] }
"""


@FEW_EXAMPLES
@given(st.floats(0.01, 100))
def test_a_switch_flips_at_its_rate(k):
    found = answers_of(SWITCH.replace("k = 0.7", f"k = {k!r}"))
    hit, mean, rate = found.values()
    np.testing.assert_allclose(hit.values, 1 - np.exp(-k * hit.times), atol=1e-9)
    assert scalar(mean) == pytest.approx(1 / k, rel=1e-12)
    assert scalar(rate) == pytest.approx(k, rel=1e-12)


def test_a_queue_empties_after_the_excess_of_service():
    """From n customers, arrivals at rate 1 and service at 3: n / (3 - 1)."""
    text = """crn 1
    species X in 0..100 = 6
    0 -> X @ 1
    X -> 0 @ propensity(3*(X > 0))
    query mfpt(from=X == 6, to=X == 0)
    """
    (mean,) = answers_of(text).values()
    assert scalar(mean) == pytest.approx(3, rel=1e-9)


def test_births_and_deaths_climb_as_the_sum_says():
    """E[n -> n + 1] = (1 + n E[n - 1 -> n]) / 2 for births at rate 2."""
    text = """crn 1
    species X in 0..9
    0 <-> X @ 2, 1
    query mfpt(from=X == 0, to=X == 9)
    """
    step, total = 0.0, 0.0
    for n in range(9):
        step = (1 + n * step) / 2
        total += step
    (mean,) = answers_of(text).values()
    assert abs(scalar(mean) - total) <= mean.errors[0] < 1e-10 * total


EXTINCTION = """crn 1
species X in 0..40 = 3
X -> 2 X @ {birth}
X -> 0 @ {death}
query prob(X == 0, at=[0.5, 1, 2])
query hit(X == 0, by=[0.5, 1, 2])
solve main with fsp {{ t = 0..2 }}
"""


@FEW_EXAMPLES
@given(st.floats(0.1, 3), st.floats(0.1, 3))
def test_what_absorbs_by_itself_is_hit_when_it_is_there(birth, death):
    prob, hit = answers_of(EXTINCTION.format(birth=birth, death=death)).values()
    np.testing.assert_allclose(hit.values, prob.values, atol=1e-9)
    assert (np.diff(hit.values) >= -hit.errors[1:]).all()
    assert ((hit.values >= 0) & (hit.values <= 1)).all()


def test_a_set_that_follows_the_law_hits_as_the_box_does():
    text = """crn 1
    species X in 0..300 = 20
    0 -> X @ 30*(1 + 0.5*sin(t))
    X -> 0 @ 1
    query hit(X >= 45, from=X == 20, by=[1, 3])
    solve main with fsp { t = 0..3; save = [3] }
    """
    (box,) = answers_of(text, states="box").values()
    (moving,) = answers_of(text, states="adaptive", truncation=1e-6).values()
    assert (np.abs(box.values - moving.values) <= moving.errors).all()
    assert 1e-9 < moving.errors[-1] <= 1e-6
    assert box.values[-1] > 0.01


SCHLOEGL = """crn 1
massaction falling
lattice chain(2)
species X in 0..84 per site = {start}
2 X <-> 3 X @ 2.676, 0.040
0 <-> X @ 108.102, 37.881
diffuse X @ 8.2207
query mfpt(from=all(X >= 25), to=all(X <= 15))
{more}
solve main with fsp {{ t = 0..0.1; save = [0.1] }}
"""
MORE = """query mfpt(from=all(X <= 15), to=all(X >= 25))
query rate(from=all(X >= 25), to=all(X <= 15))
query hit(all(X <= 15), from=all(X >= 25), by=0.1)
"""


def reference(name):
    path = REFERENCE / name
    if not path.is_file():
        pytest.skip(f"the reference values {name} are not beside the repository")
    return np.load(path)


def test_two_sites_of_schloegl_pass_as_the_reference_says():
    """Started in the high set, the mean is that from there; else that of its law."""
    stored = reference("schlogl_1_2_sites.npz")
    down, up, from_50 = stored["S2_falling_mfpt_AB_BA_from50"]
    high = answers_of(SCHLOEGL.format(start=50, more=MORE))
    between = answers_of(SCHLOEGL.format(start=20, more=""))
    assert scalar(high["mfpt_1"]) == pytest.approx(from_50, rel=1e-8)
    assert scalar(high["mfpt_2"]) == pytest.approx(up, rel=1e-8)
    assert scalar(between["mfpt_1"]) == pytest.approx(down, rel=1e-8)
    rate = scalar(high["rate_3"])
    assert 1 / from_50 < rate < 1 / (from_50 - 0.2)
    assert 0 < high["hit_4"].values[0] < 0.1 * rate


def test_a_neural_run_answers_the_rest_and_says_what_it_cannot(monkeypatch, tmp_path):
    """The start is binomial, and the stand-in learns nothing: its law stays that."""
    text = """crn 1
    species X in 0..6 ~ binomial(6, 0.5)
    species Y in 0..3 = 1
    X -> Y @ 1
    query logp(X=2, Y=1, at=1)
    query logp(X=2, at=1)
    query logp(Y=0, at=1)
    query hit(Y == 3, by=1)
    query rate(from=X > 0, to=X == 0)
    solve main with tdvp { t = 0..1; save = [1]; width = 3; basis = 2 }
    """
    monkeypatch.setattr("crnlang.pipeline.neural.evolve", fake_evolve())
    run = run_text(text, "tdvp")
    whole, part, never = run.data.queries
    assert whole.values[0] == pytest.approx(binom.logpmf(2, 6, 0.5), abs=1e-6)
    assert part.values[0] == pytest.approx(binom.logpmf(2, 6, 0.5), abs=1e-6)
    assert never.values[0] < -20
    assert (whole.errors == 0).all()
    assert run.data.notes == (
        "query `hit_4` is not answered: `tdvp` cannot answer `hit`; engines that can: "
        "`fsp`, `ssa`, `we`",
        "query `rate_5` is not answered: `tdvp` cannot answer `rate`; engines that "
        "can: `fsp`, `we`",
    )


def test_refusals_are_notes_and_spare_the_other_answers():
    text = """crn 1
    species X in 0..9
    0 -> X @ 1 + sin(t)
    X -> 0 @ 1
    query mfpt(from=X == 0, to=X == 9)
    query rate(from=X == 0, to=X == 9)
    query hit(X == 9, by=[1, 30])
    solve main with fsp { t = 0..2; save = [2] }
    """
    exact = run_text(text)
    assert [query.name for query in exact.data.queries] == ["hit_3"]
    assert exact.data.queries[0].times.tolist() == [1.0]
    assert [note.split(":")[0] for note in exact.data.notes] == [
        "the run ends at t = 2; what queries ask of later times is not answered",
        "query `mfpt_1` is not answered",
        "query `rate_2` is not answered",
    ]
    assert "the rate of `r1` reads `t`" in exact.data.notes[1]
    drawn = run_text(text, "ssa", trajectories=100.0)
    assert "100 of 100 trajectories have not arrived" in drawn.data.notes[1]
    assert "`ssa` cannot answer `rate`; engines that can: `fsp`" in drawn.data.notes[2]


def test_answers_without_a_time_come_back_from_the_run_directory(tmp_path):
    run = run_text(SWITCH)
    stored = read_run(store_run(run, tmp_path / "run"))
    for mine, read in zip(run.data.queries, stored.queries, strict=True):
        assert (mine.name, mine.kind) == (read.name, read.kind)
        np.testing.assert_array_equal(mine.times, read.times)
        np.testing.assert_array_equal(mine.values, read.values)
        np.testing.assert_array_equal(mine.errors, read.errors)
