"""Which block, engine and settings a run takes."""

import pytest

from crnlang.compiler import compile_text
from crnlang.pipeline.choose import answerable, resolve_solve, save_times
from crnlang.settings import FspSettings, SettingError, SsaSettings, TdvpSettings

MODEL = """crn 1
model pair
species X in 0..3 = 0
r: 0 <-> X @ 1, 1
query prob(X > 1, at=[1, 4, 9])
query expect(X, at=1)
"""
BLOCKS = """
solve first with ssa { t = 0..4; save = [1, 4]; trajectories = 7; seed = 3 }
solve main with tdvp { t = 0..5; save = [1, 4]; samples = 64 }
solve exact with fsp { t = 0..6 }
"""
LOWERED = compile_text(MODEL + BLOCKS).lowered
NETWORK = LOWERED.network


def test_main_is_the_usual_block():
    choice = resolve_solve(NETWORK)
    assert choice.engine == "tdvp"
    assert choice.settings == TdvpSettings(until=5, save=(1, 4), samples=64)


def test_the_first_block_stands_in_for_main():
    network = compile_text(MODEL + BLOCKS.replace("main", "other")).network
    assert resolve_solve(network).block.name == "first"


def test_without_a_block_the_defaults_hold():
    choice = resolve_solve(compile_text(MODEL).network)
    assert choice.block is None
    assert choice.settings == TdvpSettings()


def test_a_block_is_chosen_by_name_or_by_engine():
    assert resolve_solve(NETWORK, solve="first").settings.seed == 3
    assert resolve_solve(NETWORK, engine="fsp").settings == FspSettings(until=6)
    assert resolve_solve(NETWORK, engine="ssa").settings.trajectories == 7


def test_another_engine_takes_the_question_but_not_the_method():
    choice = resolve_solve(NETWORK, solve="main", engine="ssa")
    assert choice.settings == SsaSettings(until=5, save=(1, 4))
    assert resolve_solve(NETWORK, engine="natgrad").settings.samples == 4096


def test_overrides_win_over_the_block_and_the_seed_over_all():
    values = {"samples": 128.0, "seed": 1.0}
    settings = resolve_solve(NETWORK, overrides=values, seed=9).settings
    assert (settings.samples, settings.seed, settings.until) == (128, 9, 5)


@pytest.mark.parametrize("end", [{"t": (0.0, 2.0)}, {"until": 2.0}])
def test_an_earlier_end_leaves_out_later_save_times_and_says_so(end):
    choice = resolve_solve(NETWORK, overrides=end)
    assert choice.settings.save == (1, 2)
    assert "after t = 2" in choice.notes[0]


def test_an_earlier_end_than_every_save_time_saves_at_the_usual_ones():
    settings = resolve_solve(NETWORK, overrides={"t": (0.0, 0.5)}).settings
    assert len(settings.save) == 21


@pytest.mark.parametrize(
    ("arguments", "key", "words"),
    [
        ({"solve": "mian"}, "solve", "did you mean `main`?"),
        ({"engine": "tdpv"}, "engine", "did you mean `tdvp`?"),
        ({"overrides": {"smaples": 1.0}}, "smaples", "did you mean `samples`?"),
        ({"overrides": {"save": (9.0,)}}, "save", "0..5"),
        ({"seed": -1}, "seed", "at least 0"),
        ({"overrides": {"layers": 2.0}}, "layers", "take `gru` or `transformer`"),
        (
            {"overrides": {"ansatz": "transformer", "heads": 3.0}},
            "heads",
            "must divide `width`",
        ),
        (
            {"overrides": {"ansatz": "gru", "method": "projection"}},
            "method",
            "take `method = galerkin`",
        ),
        (
            {"overrides": {"solver": "kernel", "diag_shift": 0.0}},
            "diag_shift",
            "needs a `diag_shift` above 0",
        ),
    ],
)
def test_what_cannot_be_chosen_is_said_with_near_names(arguments, key, words):
    with pytest.raises(SettingError) as caught:
        resolve_solve(NETWORK, **arguments)
    assert caught.value.key == key
    assert words in str(caught.value)


def test_save_times_hold_the_questions_inside_the_run():
    assert save_times(LOWERED, TdvpSettings(until=5, save=(2,))) == (1, 2, 4, 5)


def test_questions_about_times_not_reached_are_left_out_and_named():
    lowered, notes = answerable(LOWERED, (1.0, 3.0))
    assert [query.times for query in lowered.network.queries] == [(1.0,), (1.0,)]
    assert "ends at t = 3" in notes[0]
    assert "`prob_1`" in notes[0]
    assert answerable(LOWERED, (0.5,))[0].network.queries == ()
    assert answerable(LOWERED, (1.0, 4.0, 9.0))[1] == ()
