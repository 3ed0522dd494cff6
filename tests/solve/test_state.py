"""A run that goes on from its record takes the steps of one that was never away."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import PAIR, birth_death, kernel_of, lower, model_of

from crnlang.settings import AdamSettings, NatgradSettings, TdvpSettings
from crnlang.solve import evolve as driver
from crnlang.solve.evolve import evolve
from crnlang.solve.solution import Outcome
from crnlang.solve.state import Checkpoint, State, pack, unpack
from crnlang.solve.stepper import Stepper

SAVE = (0.0, 0.1, 0.2)
SMALL: dict[str, Any] = {"samples": 64, "width": 4, "basis": 4}
PROJECTED: dict[str, Any] = {**SMALL, "opening": 0, "tolerance": 0.05, "states": 16}
WIDE = birth_death(90, birth=40.0, start="~ uniform(0, 90)")
#: Name: network, settings.
CASES = {
    "set": (birth_death(40, start="= 20"), TdvpSettings(**SMALL)),
    "projection": (birth_death(40), TdvpSettings(**PROJECTED, method="projection")),
    "auto": (WIDE, TdvpSettings(**{**PROJECTED, "samples": 24})),
    "conditionals": (lower(PAIR), TdvpSettings(**PROJECTED, method="conditionals")),
    "sobol": (
        lower(PAIR),
        TdvpSettings(**PROJECTED, method="conditionals", sampling="sobol"),
    ),
    "galerkin": (birth_death(40), TdvpSettings(**PROJECTED, method="galerkin")),
    "gru": (birth_death(5), TdvpSettings(**{**PROJECTED, "basis": 12}, ansatz="gru")),
    "natgrad": (birth_death(5), NatgradSettings(**SMALL, dt=0.02)),
    "adam": (birth_death(5), AdamSettings(**SMALL, dt=0.02)),
}


class Every:
    """Keeps every checkpoint, packed."""

    def __init__(self):
        self.kept = []

    def is_due(self, *, is_saved):
        return True

    def keep(self, checkpoint):
        self.kept.append(pack(checkpoint))


def same_steps(one, other):
    """Whether the records of two runs differ in nothing but their seconds."""
    pairs = zip(one, other, strict=True)
    return all(
        repr(replace(a, seconds=0)) == repr(replace(b, seconds=0)) for a, b in pairs
    )


@pytest.mark.parametrize("name", CASES)
def test_a_run_goes_on_to_the_same_weights_from_every_step(name):
    lowered, settings = CASES[name]
    options = {key: getattr(settings, key) for key in ("width", "basis", "ansatz")}
    blank, kernel = model_of(lowered, **options), kernel_of(lowered)
    keeper = Every()
    whole = evolve(blank, kernel, settings, SAVE, lambda info: None, None, None, keeper)
    assert whole.outcome is Outcome.SUCCESSFUL
    assert len(keeper.kept) == len(whole.infos) > 2
    for place in {0, len(keeper.kept) // 2, len(keeper.kept) - 2}:
        begun = unpack(keeper.kept[place], blank)
        assert len(begun.infos) == place + 1
        new = evolve(blank, kernel, settings, SAVE, lambda info: None, None, begun)
        assert new.times == whole.times
        assert eqx.tree_equal(new.models, whole.models)
        assert same_steps(new.infos, whole.infos)


def test_a_record_is_read_as_it_was_written():
    blank = model_of(birth_death(5))
    blocks = blank.weight_blocks()
    memory = (np.arange(3.0), jnp.asarray(2), *blocks)
    state = State(blank, 0.1, 1 / 3, 1e-300, 7, memory, projects=False)
    again = unpack(pack(Checkpoint(state)), blank).state
    assert [type(one) for one in again.memory] == [type(one) for one in memory]
    assert eqx.tree_equal(again.memory, memory)
    assert (again.t, again.dt, again.bound, again.draws) == (0.1, 1 / 3, 1e-300, 7)
    assert (again.projects, again.has_opened, again.looked_at) == (False, False, np.inf)


@pytest.mark.parametrize("place", [500, 900, -10])
def test_a_damaged_record_is_noticed(place):
    blank = model_of(birth_death(5))
    content = bytearray(pack(Checkpoint(State(blank), (0.0,), (blank,))))
    content[place] ^= 255
    with pytest.raises(ValueError, match=r"."):
        unpack(bytes(content), blank)
    with pytest.raises(ValueError, match=r"."):
        unpack(bytes(content[:300]), blank)


def test_a_record_of_another_network_is_noticed():
    content = pack(Checkpoint(State(model_of(birth_death(5)))))
    with pytest.raises(ValueError, match="another kind of network"):
        unpack(content, model_of(birth_death(6)))


def not_a_number(monkeypatch, after):
    """From this time on no step has a finite error."""
    fitted, attempt, euler = Stepper.step, driver._attempt, driver.euler_step

    def bad(t, dt):
        return t + dt > after

    def fitted_step(self, model, key, t, wanted, most):
        step = fitted(self, model, key, t, wanted, most)
        return replace(step, error=np.nan) if bad(t, step.dt) else step

    def attempted(model, generator, points, key, times, last, settings):
        found = attempt(model, generator, points, key, times, last, settings)
        if not bad(float(times[0]), float(found[1].dt)):
            return found
        nan = jnp.asarray(np.nan)
        return found[0], eqx.tree_at(lambda x: x.error, found[1], nan), *found[2:]

    def euler_step(model, generator, key, t, dt, state, settings):
        found = euler(model, generator, key, t, dt, state, settings)
        nan = jnp.asarray(np.nan)
        is_bad = bad(float(t), float(dt))
        return eqx.tree_at(lambda x: x.spread, found, nan) if is_bad else found

    monkeypatch.setattr(Stepper, "step", fitted_step)
    monkeypatch.setattr(driver, "_attempt", attempted)
    monkeypatch.setattr(driver, "euler_step", euler_step)


@pytest.mark.parametrize("name", ["conditionals", "galerkin", "natgrad"])
def test_errors_that_are_no_numbers_end_the_run_with_the_last_good_state(
    name, monkeypatch
):
    not_a_number(monkeypatch, after=0.05)
    lowered, settings = CASES[name]
    keeper = Every()
    blank, kernel = model_of(lowered, width=4, basis=4), kernel_of(lowered)
    found = evolve(blank, kernel, settings, SAVE, lambda info: None, None, None, keeper)
    assert found.outcome is Outcome.NOT_FINITE
    assert 0 < found.times[-1] <= 0.05
    assert found.infos[-1].t == found.times[-1]
    last = unpack(keeper.kept[-1], blank).state.model
    assert eqx.tree_equal(last, found.models[-1])
    assert all(np.isfinite(block).all() for block in last.weight_blocks())


def test_a_batch_that_has_collapsed_ends_the_run_with_the_last_good_state(monkeypatch):
    monkeypatch.setattr(driver, "SMALLEST_SHARE", 1e300)
    lowered = CASES["galerkin"][0]
    few = {**PROJECTED, "samples": 16}
    blank = model_of(lowered, width=4, basis=4)
    settings = TdvpSettings(**few, method="galerkin")
    found = evolve(blank, kernel_of(lowered), settings, SAVE, lambda info: None)
    assert found.outcome is Outcome.COLLAPSED
    assert "Raise `samples`" in found.outcome.sentence
    assert found.times == (0.0,)
    assert eqx.tree_equal(found.models[0], blank)
