"""The engine `ode`: exact where it says so, and no distribution anywhere."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import crnlang
from crnlang.cli import main
from crnlang.compiler import compile_text
from crnlang.ir.expr import Count, Function, call, number
from crnlang.passes.linear import has_exact_means
from crnlang.pipeline import mean_field
from crnlang.pipeline.mean_field import EXACT, MEANS_ONLY
from crnlang.results.record import NoLawError, RunError
from crnlang.solve.mean_field import Followed, MeanFieldError

#: One structure, so that it is compiled once: rates in time, both kinds of events.
LINEAR = """crn 1
model linear
param k = {k}, d = {d}
species X in 0..18 = {x}
species Y in 0..18
make: 0 -> X @ k*(1 + 0.5*sin(t))
turn: X -> Y @ d
lose: Y -> 0 @ 1
event at 0.5: k = 0.1
event at 1.2: X = 1
query expect(X + Y, at=2)
query expect(X*Y, at=[0.5, 2])
query dist(X, at=2)
query hit(X > 3, by=1)
solve main with ode {{ t = 0..2; save = [0, 0.5, 1, 2] }}
solve check with fsp {{ t = 0..2; save = [0, 0.5, 1, 2] }}
"""
PAIRS = """crn 1
massaction {convention}
param k = {k}
species X in 0..999 = 100
2 X -> 0 @ k
"""


def linear(k=1.0, d=1.0, x=2):
    return compile_text(LINEAR.format(k=k, d=d, x=x))


@given(st.floats(0.2, 2.0), st.floats(0.2, 5.0), st.integers(0, 3))
@settings(max_examples=4)
def test_means_of_linear_networks_are_those_of_fsp(k, d, x):
    """With rates and copy numbers that events change; the caps cut off 1e-9."""
    model = linear(k, d, x)
    means = crnlang.run(model)
    exact = crnlang.run(model, solve="check")
    assert means.notes[0] == EXACT
    assert means.data.means == pytest.approx(exact.data.means, abs=3e-6)
    assert means.times.tolist() == exact.times.tolist()
    asked = means.answers["expect_1"].values
    assert asked == pytest.approx(exact.answers["expect_1"].values, abs=3e-6)


@pytest.mark.parametrize(
    ("convention", "factor"), [("falling", 1), ("power", 1), ("binomial", 0.5)]
)
def test_repeated_reactants_have_the_power_of_large_numbers(
    convention, factor, monkeypatch
):
    """The slope of 2 X -> 0 is -2 k X^2, or half of it."""
    seen = []

    def look(slope, start, span, times, *_):
        seen.append(np.asarray(slope(jnp.asarray(0.0), jnp.asarray(start))))
        return Followed(np.tile(start, (len(times), 1)), start, 1)

    monkeypatch.setattr(mean_field, "follow", look)
    crnlang.run(compile_text(PAIRS.format(convention=convention, k=0.25)), engine="ode")
    assert seen[0] == pytest.approx(-2 * factor * 0.25 * 100**2)


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["kvaerno5", "tsit5"])
def test_pairs_that_vanish_follow_the_closed_form(solver):
    """X' = -2 k X^2: X = 1/(1/100 + 2 k t), from a fast start on."""
    times = np.array([0.001, 0.1, 1.0, 10.0])
    model = compile_text(PAIRS.format(convention="falling", k=0.5))
    result = crnlang.run(model, engine="ode", t=(0, 10), save=times, solver=solver)
    assert result.mean("X") == pytest.approx(1 / (0.01 + times), rel=1e-6)
    assert result.notes[0] == MEANS_ONLY


@pytest.mark.slow
def test_stiff_networks_take_few_implicit_steps():
    """Rates 1e6 and 1: the fast pool is at its quasi-steady state."""
    text = "crn 1\nspecies A in 0..9 = 5\nspecies B, C in 0..9\n"
    text += "A <-> B @ 1e6, 1e6\nB -> C @ 2\n"
    result = crnlang.run(compile_text(text), engine="ode", t=(0, 2), save=[1, 2])
    pool = 5 * np.exp(-result.times)
    assert result.mean("A") == pytest.approx(pool / 2, rel=1e-5)
    assert int(result.data.sentence.split()[-2]) < 500


@pytest.mark.slow
def test_means_that_blow_up_are_refused_with_the_time():
    text = "crn 1\nmassaction falling\nspecies X in 0..99 = 1\n2 X -> 3 X @ 1\n"
    with pytest.raises(MeanFieldError, match=r"after t = 0\.5|used up"):
        crnlang.run(compile_text(text), engine="ode", t=(0, 2), save=[0.5, 2])


@pytest.fixture
def means(monkeypatch):
    """A way to run with given means instead of integrated ones."""

    def run(model, values, **settings_):
        def follow(slope, start, span, times, *_):
            points = np.tile(np.array(values, dtype=float), (len(times), 1))
            return Followed(points, points[-1], 7)

        monkeypatch.setattr(mean_field, "follow", follow)
        return crnlang.run(model, engine="ode", **settings_)

    return run


def test_it_is_no_distribution_and_says_so(means):
    result = means(linear(), [2.0, 3.0])
    assert not result.data.has_law
    for ask in (
        lambda: result.marginal("X"),
        lambda: result.sd("X", 2),
        lambda: result.joint("X", "Y", 2),
        lambda: result.log_prob([0, 0], 2),
        lambda: result.sample(2, 1),
        lambda: result.query("prob(X > 1)"),
        lambda: result.compare(result),
    ):
        with pytest.raises(NoLawError, match="follows the means only"):
            ask()


def test_questions_are_answered_at_the_means_or_not_at_all(means):
    result = means(linear(), [2.0, 3.0])
    assert list(result.answers) == ["expect_1", "expect_2"]
    assert result.answers["expect_1"].values.tolist() == [5.0]
    assert result.answers["expect_2"].values.tolist() == [6.0, 6.0]
    assert np.isinf(result.answers["expect_2"].errors).all()
    notes = " ".join(result.notes)
    assert "`expect_2` is the value at the means" in notes
    assert "`expect_1` is the value" not in notes
    assert "not answered, for `ode` knows no distribution: `dist_X`" in notes
    assert "`ode` cannot answer `hit`" in notes


def test_means_above_a_cap_are_told(means):
    notes = " ".join(means(linear(), [2.0, 30.0]).notes)
    assert "the mean of Y is above its cap 18 from t = 0 on" in notes


def test_means_below_zero_are_refused(means):
    with pytest.raises(MeanFieldError, match="take Y below zero"):
        means(linear(), [2.0, -0.1])
    assert means(linear(), [2.0, -1e-9]).mean("Y", 2) == -1e-9


def test_events_that_wait_for_a_condition_are_refused():
    text = (
        "crn 1\nmodel m\nspecies X in 0..9 = 0\n0 -> X @ 1\nevent when X > 5: X = 0\n"
    )
    with pytest.raises(MeanFieldError, match="waits for a condition"):
        crnlang.run(compile_text(text), engine="ode", t=(0, 2), save=[2])


def test_a_run_is_kept_plotted_and_not_compared(means, tmp_path):
    pytest.importorskip("matplotlib")
    result = means(linear(), [2.0, 3.0])
    directory = result.save(tmp_path / "run")
    again = crnlang.open_run(directory)
    assert again.data.means.tolist() == result.data.means.tolist()
    assert (again.notes, again.species) == (result.notes, ("X", "Y"))
    assert again.dataset["mean"].sel(species="Y", time=2).item() == 3.0
    again.plot(tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 1000
    with pytest.raises(RunError, match="follows the means only"):
        again.query("expect(X)")


def test_the_command_line_tells_means_without_deviations(means, tmp_path, monkeypatch):
    means(linear(), [2.0, 3.0])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.crn").write_text(LINEAR.format(k=1, d=1, x=2))
    found = CliRunner().invoke(main, ["run", "m.crn", "-o", "a"])
    assert found.exit_code == 0, found.output
    assert "means only, no distribution" in found.stdout
    assert "nan" not in found.stdout
    assert "crnc compare" not in found.stdout
    told = CliRunner().invoke(main, ["run", "m.crn", "-o", "b", "--json", "--quiet"])
    plain = json.loads(told.stdout)
    assert plain["means"]["X"][-1] == 2.0
    assert plain["sds"]["X"] == [None] * 4
    compared = CliRunner().invoke(main, ["compare", "a", "b"])
    assert compared.exit_code == 2
    assert "no distribution that could be compared" in compared.output


@pytest.mark.parametrize(
    ("reactions", "is_exact"),
    [
        ("X -> Y @ 2", True),
        ("0 -> X @ propensity(1 + 2*Y)", True),
        ("X -> 2 X @ propensity(X*(1 + sin(t)))", True),
        ("X -> Y @ propensity(X/2 + 3*X)", True),
        ("X -> Y @ propensity(X + 1)", False),
        ("X -> 0 @ propensity(Y)", False),
        ("X + Y -> 0 @ 1", False),
        ("2 X -> 0 @ propensity(X)", False),
        ("0 -> X @ propensity(hill(Y, 1, 2, 2))", False),
        ("X -> Y @ propensity(X*(Y + 1)/(Y + 1))", False),
        ("0 -> X @ 1\nevent at 1: X = min(X + 1, 9)", False),
        ("0 -> X @ 1\nevent at 1: X = Y", True),
    ],
)
def test_exact_means_are_claimed_of_linear_channels_only(reactions, is_exact):
    lowered = compile_text(f"crn 1\nspecies X, Y in 0..9 = 3\n{reactions}\n").lowered
    assert has_exact_means(lowered) == is_exact


def test_powers_stand_for_falling_factorials_inside_expressions():
    from crnlang.codegen.rates import with_powers

    count = Count(0)
    falling = call(Function.FALLING, count, number(3))
    power = call(Function.POW, count, number(3))
    inside = call(Function.ADD, number(1), falling)
    assert with_powers(inside) == call(Function.ADD, number(1), power)
    binomial = call(Function.BINOMIAL, count, number(3))
    assert with_powers(binomial) == call(Function.DIV, power, number(6))
