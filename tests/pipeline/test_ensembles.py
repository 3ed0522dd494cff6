"""`--engine we` against the exact engine, and what it refuses."""

import numpy as np
import pytest

from crnlang.compiler import compile_text
from crnlang.pipeline import run_compiled
from crnlang.pipeline.choose import resolve_solve
from crnlang.pipeline.found import Silent
from crnlang.settings import SettingError

MODEL = """crn 1
species X in 0..30 = 12
species Y in 0..10 = 0
birth: 0 -> X @ 8
death: X -> 0 @ 1
turn:  X <-> Y @ 0.1, 1
observe n = X + Y
set high = X >= 8
set low = X <= 2
query rare = prob(low, at=[0.5, 1])
query usual = prob(high, at=[0.5, 1])
query share = prob(Y == 0, given=low, at=1)
query mean = expect(n, given=low, at=1)
query point = logp(X=1, Y=1, at=1)
query law = dist(Y, at=1)
query arrived = hit(low, by=[0.5, 2])
query time = mfpt(from=high, to=low)
query speed = rate(from=high, to=low)
"""
SETTINGS = {"t": (0.0, 6.0), "save": (1.0,), "bins": 20.0}


def run(text, engine, **changes):
    compilation = compile_text(text)
    wanted = {"t": (0.0, 6.0), "save": (1.0,)}
    wanted = {**SETTINGS, **changes} if engine == "we" else wanted
    choice = resolve_solve(compilation.network, None, engine, wanted)
    return run_compiled(compilation, choice, Silent())


@pytest.fixture(scope="module")
def exact():
    return run(MODEL, "fsp")


@pytest.fixture(scope="module")
def ensembles():
    return run(MODEL, "we")


def answers(found):
    return {query.name: query for query in found.data.queries}


def test_every_answer_is_within_its_errors_of_the_exact_one(exact, ensembles):
    """Student's t with 9 degrees of freedom passes 5.5 in one of 2600 draws."""
    right, found = answers(exact), answers(ensembles)
    assert found.keys() == right.keys()
    assert ensembles.data.notes == ()
    for name, query in found.items():
        away = np.abs(query.values - right[name].values)
        seen = query.values != 0
        assert (away <= 5.5 * query.errors)[seen].all(), name
        if query.kind != "dist":
            assert (query.errors > 0).all(), name
            assert (query.errors < 0.2 * np.abs(query.values)).all(), name


def test_the_record_knows_how_many_samples_it_is_worth(ensembles):
    data = ensembles.data
    assert (data.samples < 1e6).all()
    assert data.samples[-1] > 100
    assert data.leak is not None
    np.testing.assert_allclose(data.marginals.sum(axis=2), 1)


def test_walkers_follow_events_that_wait_for_a_condition():
    text = (
        "crn 1\nspecies X in 0..20 = 2\nspecies Y in 0..12\n0 -> X @ 3\nX -> 0 @ 0.6\n"
        "Y -> 0 @ 0.2\nevent when X >= 8: X = 1, Y = min(Y + 4, 12)\n"
        "event when Y > 7: Y = 1\nset high = Y >= 7\nquery p = prob(high, at=[2, 4])\n"
        "query m = expect(X, at=[2, 4])\nquery h = hit(high, by=4)\n"
    )
    wanted, found = answers(run(text, "fsp")), answers(run(text, "we", repeats=20))
    for name in ("p", "m", "h"):
        away = np.abs(found[name].values - wanted[name].values)
        assert (away < 4 * found[name].errors + 1e-9).all(), name
        assert (found[name].values > 0).all()


def test_along_an_observable(exact):
    found = answers(run(MODEL, "we", along="n"))
    right = answers(exact)
    for name in ("rare", "usual", "arrived", "time"):
        away = np.abs(found[name].values - right[name].values)
        assert (away <= 5.5 * found[name].errors).all(), name


def test_without_a_question_the_law_is_shown():
    text = "\n".join(MODEL.splitlines()[:6]) + "\n"
    data = run(text, "we").data
    assert data.means[-1, 0] == pytest.approx(8, abs=0.6)


def test_an_unknown_observable_is_refused_with_the_known_ones():
    with pytest.raises(SettingError, match=r"no observable `m`; known: auto, n"):
        run(MODEL, "we", along="m")


def test_a_rate_that_has_not_settled_is_not_answered():
    found = run(MODEL, "we", t=(0.0, 0.2), save=(0.2,))
    assert {"time", "speed"}.isdisjoint(answers(found))
    assert sum("is not answered" in note for note in found.data.notes) >= 2
