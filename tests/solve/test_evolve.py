"""The time loop: right laws, equal runs from equal seeds, and every way to end."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from engine_cases import (
    PAIR,
    SWITCHES,
    birth_death,
    exact_law,
    hellinger,
    kernel_of,
    law_of,
    lower,
    model_of,
)
from scipy.integrate import solve_ivp

from crnlang.codegen.kernel import build_kernel
from crnlang.reference.fsp import generator
from crnlang.settings import NatgradSettings, TdvpSettings
from crnlang.solve import evolve as module
from crnlang.solve.evolve import evolve
from crnlang.solve.solution import Outcome

SAVE = (0.0, 0.3, 1.0)
#: The third shows what the others do, with other draws.
SEEDS = [0, 1, pytest.param(2, marks=pytest.mark.slow)]
OPTIONS: dict[str, Any] = {"width": 4, "basis": 4}
SMALL: dict[str, Any] = {
    "samples": 256,
    "opening": 0,
    "krylov": 2,
    "method": "galerkin",
    **OPTIONS,
}


def ignore(info):
    """A report that nobody reads."""


def run(lowered, settings, save=SAVE, report=ignore):
    """Evolve a network from its initial law."""
    model = model_of(lowered, width=settings.width, basis=settings.basis)
    return evolve(model, kernel_of(lowered), settings, save, report)


def distance(lowered, solution, place):
    """Hellinger distance from FSP at a save time."""
    states, exact = exact_law(lowered, solution.times[place])
    return hellinger(law_of(solution.models[place], jnp.asarray(states)), exact)


def assert_bounded(lowered, solution):
    """The law is no further from the exact one than the run says."""
    for time, model in zip(solution.times, solution.models, strict=True):
        states, exact = exact_law(lowered, time)
        found = law_of(model, jnp.asarray(states))
        said = [info.bound for info in solution.infos if info.t <= time]
        assert 0.5 * np.abs(found - exact).sum() <= max(said, default=1e-9)


@pytest.mark.parametrize("integrator", ["rosenbrock", "rosenbrock3", "bogacki"])
@pytest.mark.parametrize(
    "lowered",
    [birth_death(5), lower(SWITCHES, on="0.8")],
    ids=["birth-death", "switch"],
)
def test_a_complete_network_follows_the_exact_law(lowered, integrator):
    solution = run(lowered, TdvpSettings(**SMALL, integrator=integrator))
    assert solution.outcome is Outcome.SUCCESSFUL
    assert solution.times == SAVE
    for place in range(3):
        assert distance(lowered, solution, place) < 0.01
    assert_bounded(lowered, solution)


def test_equal_seeds_give_equal_weights_and_one_compilation(monkeypatch):
    compiled = []
    step = module.INTEGRATORS["rosenbrock"]

    def counted(*args, **kwargs):
        compiled.append(1)
        return step(*args, **kwargs)

    monkeypatch.setitem(module.INTEGRATORS, "rosenbrock", counted)
    lowered = birth_death(40)
    # fewer samples than states, and a batch size that no other test has compiled
    runs = [
        run(lowered, TdvpSettings(**{**SMALL, "samples": 24}, seed=seed))
        for seed in (3, 3)
    ]
    assert len(runs[0].infos) > 5
    assert len(compiled) == 1
    first, second = (solution.models[-1] for solution in runs)
    assert eqx.tree_equal(first, second)
    other = run(lowered, TdvpSettings(**{**SMALL, "samples": 24}, seed=4))
    assert not eqx.tree_equal(first, other.models[-1])


def test_an_interrupt_hands_back_what_was_reached():
    def stop(info):
        if info.t >= SAVE[1]:
            raise KeyboardInterrupt

    solution = run(birth_death(4), TdvpSettings(**SMALL), report=stop)
    assert solution.outcome is Outcome.INTERRUPTED
    assert solution.times == SAVE[:2]
    assert len(solution.models) == 2


def test_too_few_steps_end_the_run_at_the_time_reached():
    solution = run(birth_death(4), TdvpSettings(**SMALL, max_steps=3))
    assert solution.outcome is Outcome.OUT_OF_STEPS
    assert len(solution.infos) == 3
    assert solution.times[-1] == solution.infos[-1].t
    assert 0 < solution.times[-1] < SAVE[-1]


def test_steps_end_on_save_times_and_add_up():
    save = (0.0, 0.1, 1 / 3, 0.5)
    seen = []
    settings = TdvpSettings(**SMALL)
    solution = run(birth_death(4), settings, save, seen.append)
    assert solution.times == save
    assert tuple(seen) == solution.infos
    ends = [info.t for info in seen]
    assert set(save[1:]) <= set(ends)
    assert np.cumsum([info.dt for info in seen]) == pytest.approx(ends, rel=1e-9)
    assert [info.step for info in seen] == list(range(1, len(seen) + 1))
    assert all(info.effective_size > 0 for info in seen)
    assert all(info.condition >= 1 and info.error < 0.04 for info in seen)


def test_single_precision_runs_in_every_integrator():
    lowered = birth_death(4)
    for integrator in ("rosenbrock", "rosenbrock3", "bogacki"):
        settings = TdvpSettings(
            **{**SMALL, "samples": 64}, precision="float32", integrator=integrator
        )
        model = model_of(lowered, precision="float32", **OPTIONS)
        kernel = build_kernel(lowered)
        solution = evolve(model, kernel, settings, (0.0, 0.1), ignore)
        assert solution.outcome is Outcome.SUCCESSFUL
        assert solution.models[-1].dtype == jnp.dtype("float32")


def test_natural_gradient_stays_near_the_exact_law():
    lowered = birth_death(5)
    settings = NatgradSettings(samples=512, dt=0.02, diag_shift=1e-3, **OPTIONS)
    solution = run(lowered, settings, (0.0, 0.4))
    assert solution.outcome is Outcome.SUCCESSFUL
    assert len(solution.infos) == 20
    assert distance(lowered, solution, -1) < 0.03


PROJECTED: dict[str, Any] = {**SMALL, "method": "projection", "tolerance": 0.05}
DRIVEN = """crn 1
model driven
species X in 0..5 ~ binomial(5, 0.3)
birth: 0 -> X @ 2 + sin(t)
death: X -> 0 @ 1
"""


@pytest.mark.parametrize(
    "lowered",
    [birth_death(30, birth=8.0), lower(SWITCHES, on="0.8")],
    ids=["birth-death", "switch"],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_projection_steps_follow_the_exact_law(lowered, seed):
    settings = TdvpSettings(**{**PROJECTED, "samples": 16}, states=16, seed=seed)
    solution = run(lowered, settings)
    assert solution.outcome is Outcome.SUCCESSFUL
    assert solution.times == SAVE
    assert {info.stage for info in solution.infos} == {"projection"}
    assert all(info.error < 0.05 for info in solution.infos)
    for place in range(3):
        assert distance(lowered, solution, place) < 0.02
    assert_bounded(lowered, solution)


def test_equal_seeds_give_equal_weights_by_projection_steps():
    lowered = birth_death(40)
    settings = [TdvpSettings(**PROJECTED, states=16, seed=seed) for seed in (3, 3)]
    first, second = (run(lowered, one).models[-1] for one in settings)
    assert eqx.tree_equal(first, second)


def test_steps_of_conditionals_take_over_where_the_states_hold_too_little():
    lowered = birth_death(90, birth=40.0, start="~ uniform(0, 90)")
    narrow = {**PROJECTED, "method": "auto", "samples": 24}
    stages = [i.stage for i in run(lowered, TdvpSettings(**narrow, states=16)).infos]
    assert set(stages) <= {"projection", "conditionals"}
    assert stages[-1] == "conditionals"
    assert stages == sorted(stages, reverse=True)
    wider = TdvpSettings(**{**PROJECTED, "method": "auto"}, states=128)
    stages = [info.stage for info in run(lowered, wider, (0.0, 0.2)).infos]
    assert set(stages) == {"projection"}


def test_rates_that_change_with_the_time_are_followed_by_steps_of_conditionals():
    lowered = lower(DRIVEN)
    settings = TdvpSettings(**{**PROJECTED, "method": "auto"})
    solution = run(lowered, settings)
    assert {info.stage for info in solution.infos} == {"conditionals"}
    states, _ = generator(lowered)
    start = law_of(solution.models[0], jnp.asarray(states))

    def flow(t, law):
        return generator(lowered, t)[1] @ law

    exact = solve_ivp(flow, (0, SAVE[-1]), start, rtol=1e-9, atol=1e-12, t_eval=SAVE)
    for model, law in zip(solution.models, exact.y.T, strict=True):
        assert hellinger(law_of(model, jnp.asarray(states)), law) < 0.005


CONDITIONALS: dict[str, Any] = {**SMALL, "method": "conditionals", "tolerance": 0.05}


@pytest.mark.parametrize(
    "lowered",
    [birth_death(30, birth=8.0), lower(SWITCHES, on="0.8"), lower(PAIR)],
    ids=["birth-death", "switch", "pair-from-one-state"],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_steps_of_conditionals_follow_the_exact_law(lowered, seed):
    wide = {**CONDITIONALS, "width": 8, "basis": 8}
    settings = TdvpSettings(**wide, seed=seed)
    solution = run(lowered, settings)
    assert solution.outcome is Outcome.SUCCESSFUL
    assert solution.times == SAVE
    assert {info.stage for info in solution.infos} <= {"set", "conditionals"}
    assert all(info.error < 0.05 for info in solution.infos)
    for place in range(3):
        assert distance(lowered, solution, place) < 0.01
    assert_bounded(lowered, solution)


@pytest.mark.parametrize("sampling", ["distinct", "sobol"])
def test_equal_seeds_give_equal_weights_by_steps_of_conditionals(sampling):
    few = {**CONDITIONALS, "samples": 64, "sampling": sampling}
    settings = [TdvpSettings(**few, seed=seed) for seed in (3, 3)]
    first, second = (run(lower(PAIR), one, (0.0, 0.2)).models[-1] for one in settings)
    assert eqx.tree_equal(first, second)


def test_projection_steps_that_cannot_be_short_enough_end_the_run():
    lowered = birth_death(60, birth=30.0, start="~ poisson(20)")
    hard = {**PROJECTED, "samples": 16, "tolerance": 1e-12}
    solution = run(lowered, TdvpSettings(**hard, states=16), (0.0, 0.2))
    assert solution.outcome is Outcome.STEP_TOO_SMALL
    assert len(solution.models) == len(solution.times) == 2 or solution.times == (0.0,)
