"""`--engine auto`: every branch of the rule, and that what it picks does run."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

import crnlang
from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError
from crnlang.pipeline import pick, run_compiled
from crnlang.pipeline.auto import choose
from crnlang.pipeline.found import Silent
from crnlang.pipeline.occupancy import states_needed
from crnlang.pipeline.pick import count_reachable, pick_engine
from crnlang.pipeline.pilot import Pilot, draw_pilot, with_caps
from crnlang.reference.fsp import generator
from crnlang.reference.refusals import UnboundedPropensityError
from crnlang.reference.ssa import build_simulator
from crnlang.settings import FspSettings, SettingError, SsaSettings, TdvpSettings
from crnlang.testing import lowered_networks

SMALL = {"t": (0.0, 1.0), "save": (1.0,)}
PAIR = """crn 1
model pair
species X, Y in 0..{cap} = {start}
0 -> X @ {rate}
0 -> Y @ {rate}
X -> 0 @ 1
Y -> 0 @ 1
"""
CANDIDATES = {
    "fsp": FspSettings(),
    "ssa": SsaSettings(trajectories=1000),
    "tdvp": TdvpSettings(),
}


def pair(more="", cap=400, rate=5, start=0):
    return compile_text(PAIR.format(cap=cap, rate=rate, start=start) + more)


@pytest.fixture(scope="module")
def simulator():
    """The compiled trajectories of `pair`: compiling takes seconds, so only once."""
    return build_simulator(pair().lowered)


def poisson_pilot(scale=1):
    """Trajectories of `pair` as they are at each time, drawn from the closed form."""
    rng = np.random.default_rng(0)
    times = np.array([0.25, 0.5, 1.0])
    means = 5 * (1 - np.exp(-times))
    counts = scale * rng.poisson(means[:, None], (256, 3, 2))
    return Pilot(times, counts, np.zeros((256, 3), np.int64), 1e-6)


@pytest.fixture
def with_pilot(monkeypatch):
    """A way to pick an engine by given trajectories."""

    def picked(model, pilot=None, candidates=CANDIDATES):
        found = poisson_pilot() if pilot is None else pilot
        monkeypatch.setattr(pick, "MOST_WORK", 1000)
        monkeypatch.setattr(pick, "build_simulator", lambda _: None)
        monkeypatch.setattr(pick, "draw_pilot", lambda *_, **__: found)
        return pick_engine(model.lowered, candidates)

    return picked


#: The same trajectories with counts that spread over very many states.
WIDE = poisson_pilot(scale=100)


def test_few_states_go_to_fsp_on_the_box():
    choice = choose(pair(cap=20), engine="auto", overrides=SMALL)
    assert (choice.engine, choice.settings.states) == ("fsp", "box")
    assert choice.notes == (
        "engine fsp: the exact law, on all 441 states that can be reached",
    )


def test_conservation_laws_cut_the_product_of_the_caps():
    text = "crn 1\nspecies A, B, C in 0..999 = {}\nA -> B @ 1\nB -> C @ 1\n"
    model = compile_text(text.format(100))
    assert model.lowered.space.box_size() == 10**9
    states = count_reachable(model.lowered, 100_000)
    assert states == 301 * 302 // 2
    assert choose(model, engine="auto", overrides=SMALL).engine == "fsp"


def test_states_that_no_reaction_reaches_do_not_count():
    """Y never leaves 7, though no conservation law with a fixed total says so."""
    text = "crn 1\nspecies X, Y in 0..999 = 7\nX -> 0 @ 1\nY -> 2 Y @ 0*k\n"
    model = compile_text(text.replace("species", "param k = 1\nspecies", 1))
    assert model.lowered.space.number_of_states() == 10**6
    assert count_reachable(model.lowered, 100_000) == 8


def test_a_law_on_few_of_many_states_goes_to_fsp_on_a_moving_set(with_pilot):
    found = with_pilot(pair())
    assert (found.engine, dict(found.settings)) == ("fsp", {"states": "adaptive"})
    assert "of 160801 states hold all but 1e-05" in found.reason


def test_many_states_go_to_trajectories(with_pilot):
    found = with_pilot(pair(), WIDE)
    assert found.engine == "ssa"
    assert found.reason.endswith("trajectories show all that is asked")


@pytest.mark.parametrize(
    ("query", "engine"),
    [
        ("query expect(X, at=1)", "ssa"),
        ("query prob(X > 1, at=1)", "ssa"),
        ("query prob(X > 399, at=[0.5, 1])", "ssa"),
        ("query prob(X == 399, at=1)", "tdvp"),
        ("query logp(X=399, at=1)", "tdvp"),
        ("query logp(X=0, Y=0, at=0.5)", "ssa"),
        ("query hit(X == 399, by=1)", "ssa"),
    ],
)
def test_the_questions_decide_where_states_are_many(with_pilot, query, engine):
    assert with_pilot(pair(query + "\n"), WIDE).engine == engine


def test_trajectories_that_would_take_hours_give_way_to_tdvp(with_pilot):
    slow = dataclasses.replace(WIDE, cost=10.0)
    found = with_pilot(pair(), slow)
    assert found.engine == "tdvp"
    assert "2.8 h" in found.reason


def test_a_pilot_that_was_cut_short_says_nothing_of_the_set(with_pilot):
    whole = poisson_pilot()
    early = dataclasses.replace(whole, times=whole.times / 8, cost=10.0)
    assert with_pilot(pair(), early).engine == "tdvp"


def test_events_that_change_counts_go_to_trajectories(with_pilot):
    for event in ("event at 0.5: X = 0\n", "event when X > 20: X = 0\n"):
        assert with_pilot(pair(event)).engine == "ssa"


def test_rates_without_a_bound_in_time_are_no_work_for_trajectories(monkeypatch):
    def fail(*_, **__):
        raise UnboundedPropensityError("r1", 0.1)

    monkeypatch.setattr(pick, "MOST_WORK", 1000)
    monkeypatch.setattr(pick, "build_simulator", lambda _: None)
    monkeypatch.setattr(pick, "draw_pilot", fail)
    found = pick_engine(pair().lowered, CANDIDATES)
    assert found.engine == "tdvp"
    also = pick_engine(pair("event at 0.5: X = 0\n").lowered, CANDIDATES)
    assert also.engine == "fsp"  # neither trajectories nor a network can follow


def test_laws_too_entangled_for_a_network_go_to_trajectories(with_pilot, monkeypatch):
    text = PAIR.replace("Y -> 0", "X <-> Y").format(cap=400, rate=1, start=200)
    text = text.replace("0 -> X @ 1\n0 -> Y @ 1\nX -> 0 @ 1\n", "")
    model = compile_text(
        text.replace("@ 1\n", "@ 1, 1\n") + "query logp(X=399, at=1)\n"
    )
    assert len(model.lowered.space.laws) == 1
    monkeypatch.setattr(pick, "BOX_STATES", 0)
    monkeypatch.setattr(pick, "SET_STATES", 0)
    assert with_pilot(model, WIDE).engine == "tdvp"
    monkeypatch.setattr("crnlang.nn.mask.MAX_TABLE", 10)
    found = with_pilot(model, WIDE)
    assert found.engine == "ssa"
    assert "no network obeys conservation laws" in found.reason
    monkeypatch.setattr("crnlang.pipeline.memory.MOST_WEIGHTS", 10)
    found = with_pilot(model, WIDE)
    assert found.engine == "ssa"
    assert "too large" in found.reason


def test_settings_that_one_engine_has_choose_it():
    model = pair(cap=20)
    choice = choose(model, engine="auto", overrides={**SMALL, "trajectories": 50.0})
    assert choice.engine == "ssa"
    assert choice.settings.trajectories == 50
    with pytest.raises(SettingError, match="no setting `trajectory`"):
        choose(model, engine="auto", overrides={"trajectory": 50.0})


def test_settings_of_the_block_count_where_it_is_of_the_engine():
    blocks = "solve main with tdvp { t = 0..3; save = [2] }\n"
    model = pair(blocks, cap=20)
    choice = choose(model, engine="auto")
    assert (choice.engine, choice.settings.until) == ("fsp", 3)
    assert choice.settings.save == (2.0, 3.0)
    exact = "solve exact with fsp { t = 0..4; max_states = 1000 }\n"
    small = choose(pair(exact, cap=20), solve="exact", engine="auto")
    assert (small.settings.max_states, small.settings.until) == (1000, 4)


def test_a_block_asks_for_it():
    block = "solve pick with auto { t = 0..3; save = [2]; seed = 7 }\n"
    model = pair("solve main with ssa { t = 0..9 }\n" + block, cap=20)
    for choice in (choose(model, "pick"), choose(model, engine="auto")):
        assert choice.engine == "fsp"
        assert choice.block
        assert choice.block.name == "pick"
        assert choice.settings == FspSettings(
            until=3.0, save=(2.0,), seed=7, states="box"
        )
        assert any("can be reached" in note for note in choice.notes)
    many = {"trajectories": 50.0}
    assert choose(model, solve="pick", overrides=many).engine == "ssa"
    assert choose(model, solve="pick", engine="ssa").settings.seed == 7
    assert choose(model).engine == "ssa"
    with pytest.raises(CrnError, match="`auto` has no setting `trajectories`"):
        pair("solve a with auto { trajectories = 5 }\n")
    hit = "query hit(X == 9, from=X == 0, by=[1])\n"
    assert pair(hit + block, cap=20).warnings == ()


def test_python_picks_the_same():
    model = pair(cap=20)
    result = crnlang.run(model, engine="auto", t=(0, 1))
    assert result.data.engine == "fsp"
    assert result.notes == choose(model, engine="auto", overrides=SMALL).notes


@given(lowered_networks())
@settings(max_examples=15)
def test_the_count_is_never_below_what_can_be_reached(lowered):
    states = len(generator(lowered)[0])
    bound = count_reachable(lowered, 10**6)
    assert bound is not None
    assert states <= bound
    assert count_reachable(lowered, states) == states


def runs(lowered, box, most):
    """What is picked for a network, where so many states are called few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pick, "BOX_STATES", box)
        patch.setattr(pick, "SET_STATES", most)
        few = {**CANDIDATES, "ssa": SsaSettings(trajectories=20)}
        found = pick_engine(lowered, few)
    model = dataclasses.replace(pair(), network=lowered.network, lowered=lowered)
    more = {"trajectories": 20.0} if found.engine == "ssa" else {}
    wanted = {**SMALL, **more, **dict(found.settings)}
    choice = choose(model, engine=found.engine, overrides=wanted)
    assert found.engine in ("fsp", "ssa")
    assert run_compiled(model, choice, Silent()).outcome.word == "successful"


@given(lowered_networks())
@settings(max_examples=10)
def test_what_is_picked_runs(lowered):
    runs(lowered, box=10**6, most=0)


@pytest.mark.slow
@given(lowered_networks(), st.sampled_from([0, 10]), st.sampled_from([0, 5, 10**6]))
@settings(max_examples=30)
def test_what_is_picked_runs_whatever_is_few(lowered, box, most):
    """On the box, on a moving set, or by trajectories; numba compiles each network."""
    runs(lowered, box, most)


@given(st.floats(2, 60), st.floats(2, 60))
@settings(max_examples=20)
def test_the_estimate_is_near_the_smallest_set(a, b):
    """Two independent Poisson laws: sorted, how many states hold all but 1e-5?"""
    rng = np.random.default_rng(0)
    samples = np.column_stack([rng.poisson(one, 256) for one in (a, b)])
    tables = [poisson.pmf(np.arange(200), one) for one in (a, b)]
    law = np.sort(np.outer(*tables).ravel())[::-1]
    exact = int(np.searchsorted(np.cumsum(law), 1 - 1e-5)) + 1
    assert 0.5 * exact < states_needed(samples, 1e-5) < 2 * exact


def test_switches_are_counted_and_conserved_copies_not():
    rng = np.random.default_rng(1)
    on = rng.integers(0, 2, 500)
    bound = rng.integers(0, 3, 500)
    assert states_needed(np.column_stack([on, 1 - on, bound]), 1e-5) == 6
    x = rng.poisson(20, 500)
    both = states_needed(np.column_stack([x, 50 - x]), 1e-5)
    assert both == pytest.approx(states_needed(x[:, None], 1e-5))
    assert states_needed(np.full((5, 2), 30), 1e-5) == 1


def test_a_pilot_is_cut_where_it_takes_long(simulator, monkeypatch):
    whole = draw_pilot(simulator, 1.0, also=(0.5,), size=16)
    assert whole.times[-1] == 1.0
    assert 0.5 in whole.times
    assert whole.counts.shape == (16, len(whole.times), 2)
    monkeypatch.setattr("crnlang.pipeline.pilot.PATIENCE", 0.0)
    assert draw_pilot(simulator, 1.0, size=16).times[-1] == 1 / 1024


def test_other_caps_need_no_other_program(simulator):
    low = draw_pilot(with_caps(simulator, np.array([3, 400])), 1.0)
    assert low.counts[:, :, 0].max() == 3
    assert low.leak[:, -1].max() > 0
