"""The time loop: opening on a set of states, then variational steps to the end."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, UInt
from threadpoolctl import threadpool_limits

from crnlang.nn.base import SUMS, AbstractAutoregressive, Blocks
from crnlang.nn.conditional import ConditionalNetworks
from crnlang.settings import (
    EulerSettings,
    NatgradSettings,
    NeuralSettings,
    TdvpSettings,
)
from crnlang.solve.batch import draw_distinct, draw_mixture, sobol_points
from crnlang.solve.control import StepControl
from crnlang.solve.estimate import Estimate, add, scaled
from crnlang.solve.euler import euler_step, first_state
from crnlang.solve.explicit import bogacki_step
from crnlang.solve.independent import follow_independent
from crnlang.solve.linear import AbstractProducts
from crnlang.solve.opening import propagate_set
from crnlang.solve.problem import Generator
from crnlang.solve.projection import fit_law
from crnlang.solve.recorder import Recorder
from crnlang.solve.rosenbrock import rosenbrock_step
from crnlang.solve.solution import Outcome, Solution, StepInfo
from crnlang.solve.state import Checkpoint, Keeper, NoKeeper, State
from crnlang.solve.stepper import Stepper
from crnlang.solve.systems import choose_solver
from crnlang.solve.tableaus import ROS2, ROS34PW2
from crnlang.solve.trial import Trial

#: One step of each integrator.
INTEGRATORS = {
    "rosenbrock": partial(rosenbrock_step, tableau=ROS2),
    "rosenbrock3": partial(rosenbrock_step, tableau=ROS34PW2),
    "bogacki": bogacki_step,
}
#: Steps are refused below this share of the whole run.
SMALLEST_STEP = 1e-12
#: The same for projection steps, each of which costs as much as a long one.
SMALLEST_PROJECTION = 1e-7
#: First step after counts that were followed by themselves, as a share of the time.
FIRST = 0.1
#: A batch that is worth less than this share of its states has collapsed.
SMALLEST_SHARE = 0.01


def evolve(
    model: AbstractAutoregressive,
    generator: Generator,
    settings: NeuralSettings,
    save: tuple[float, ...],
    report: Callable[[StepInfo], None],
    boxes: Bool[np.ndarray, "boxes variables levels"] | None = None,
    begun: Checkpoint | None = None,
    keeper: Keeper | None = None,
) -> Solution:
    """Follow the master equation from the model's law to the last save time.

    `boxes` are what questions allow, where prefixes shall be drawn from there. A run
    goes on from `begun`, where that is given, as if it had never been away; `keeper`
    writes such checkpoints.

    Never raises for numerical trouble: see `Outcome`. Matrices are small, so BLAS runs
    on one thread a call (many threads cost more than they gain, a hundredfold where
    cores are few).
    """
    begun = begun or Checkpoint(State(model))
    recorder = Recorder(begun, save, report, keeper or NoKeeper())
    with threadpool_limits(1, user_api="blas"):
        try:
            outcome = _drive(generator, settings, recorder, boxes)
        except KeyboardInterrupt:
            outcome = Outcome.INTERRUPTED
        return recorder.finish(outcome)


def _drive(
    generator: Generator,
    settings: NeuralSettings,
    recorder: Recorder,
    boxes: Bool[np.ndarray, "boxes variables levels"] | None,
) -> Outcome:
    """All steps from where the recorder stands."""
    if isinstance(settings, EulerSettings):
        return _follow_euler(generator, settings, recorder)
    assert isinstance(settings, TdvpSettings)
    if not recorder.state.has_opened:
        recorder.state = _open(generator, settings, recorder)
    if settings.method != "galerkin" and settings.ansatz == "conditional":
        stepper = Stepper(generator, settings, boxes)
        return _follow_fitted(stepper, settings, recorder)
    return _follow(generator, settings, recorder)


def _open(generator: Generator, settings: TdvpSettings, recorder: Recorder) -> State:
    """Propagate on a set while it holds the law; fit the network where needed.

    Where that is not far, and counts still know little of each other, each is followed
    by itself instead.
    """
    state = recorder.state
    if not settings.opening:
        return replace(state, has_opened=True)
    laws = propagate_set(
        state.model,
        generator,
        recorder.next_stop,
        settings.opening,
        settings.seed,
        state.opening,
    )
    for law in laws:
        model, t, distance = state.model, state.t, 0.0
        if law.t in recorder.save:
            model, distance = fit_law(model, law.states, law.law)
            t = law.t
        dt = law.t - state.reached
        bound = law.lost + math.sqrt(2) * distance
        state = State(model, t, dt, bound, opening=law)
        health = {"error": law.lost, "residual": distance, "bound": bound}
        recorder.step("set", state, dt, **health)
    ahead = follow_independent(
        state.model,
        generator,
        state.t,
        state.reached,
        recorder.next_stop(state.reached),
        settings,
    )
    if ahead is not None:
        dt, bound = ahead.t - state.reached, math.sqrt(2) * ahead.distance
        state = State(ahead.model, ahead.t, dt, bound)
        health = {"error": bound, "residual": ahead.distance, "bound": bound}
        recorder.step("independent", state, dt, **health)
        return replace(state, dt=FIRST * ahead.t, has_opened=True)
    last = state.opening
    if last is not None and last.t > state.t:
        model, distance = fit_law(state.model, last.states, last.law)
        bound = last.lost + math.sqrt(2) * distance
        state = State(model, last.t, state.dt, bound)
    return replace(state, opening=None, has_opened=True)


def _follow_fitted(
    stepper: Stepper, settings: TdvpSettings, recorder: Recorder
) -> Outcome:
    """Projection steps, or steps of conditionals, to the last save time."""
    state, end = recorder.state, recorder.save[-1]
    stepper.projects &= state.projects
    stepper.looked_at = state.looked_at
    control = StepControl(state.dt or 1e-4 * end, settings.tolerance)
    key = jax.random.key(settings.seed)
    rejections = 0
    while math.isfinite(stop := recorder.next_stop(state.t)):
        number = len(recorder.infos)
        if number >= settings.max_steps:
            return Outcome.OUT_OF_STEPS
        t, model = state.t, state.model
        wanted = min(control.dt, stop - t)
        assert isinstance(model, ConditionalNetworks)
        draw = jax.random.fold_in(key, number)
        step = stepper.step(model, draw, t, wanted, stop - t)
        rejections += step.rejections
        is_too_short = step.dt < min(SMALLEST_PROJECTION * end, wanted)
        if is_too_short or not step.worst < settings.tolerance:
            control.rejected(step.dt)
            if step.dt < SMALLEST_PROJECTION * end:
                return _failure(step.worst)
            continue
        control.accepted(step.dt, wanted, step.worst)
        state = replace(
            state,
            model=step.model,
            t=_arrive(t, step.dt, stop),
            dt=control.dt,
            bound=state.bound + step.error + step.strayed,
            projects=stepper.projects,
            looked_at=stepper.looked_at,
        )
        recorder.step(
            "projection" if stepper.projects else "conditionals",
            state,
            step.dt,
            error=step.error,
            residual=step.residual,
            effective_size=stepper.effective_size,
            rejections=rejections,
            bound=state.bound,
        )
        rejections = 0
    return Outcome.SUCCESSFUL


def _follow(
    generator: Generator, settings: TdvpSettings, recorder: Recorder
) -> Outcome:
    """Adaptive variational steps until the last save time."""
    state, end = recorder.state, recorder.save[-1]
    model = state.model
    control = StepControl(state.dt or 1e-4 * end, settings.tolerance)
    points = sobol_points(settings.samples, len(model.order), settings.seed)
    key = jax.random.key(settings.seed)
    velocity = _remembered(scaled(model.weight_blocks(), 0.0), state)
    rejections = 0
    for number in range(state.draws, settings.max_steps):
        t, model = state.t, state.model
        stop = recorder.next_stop(t)
        if math.isinf(stop):
            return Outcome.SUCCESSFUL
        wanted = min(control.dt, stop - t)
        candidate, trial, size, condition = _attempt(
            model,
            generator,
            points,
            jax.random.fold_in(key, number),
            (jnp.asarray(t, SUMS), jnp.asarray(wanted, SUMS)),
            scaled(velocity, settings.recall),
            settings,
        )
        taken, error = float(trial.dt), float(trial.error)
        rejections += int(trial.trials) - 1
        if not error < settings.tolerance:
            rejections += 1
            control.rejected(taken)
            if taken < SMALLEST_STEP * end:
                return _failure(error)
            continue
        if float(size) < SMALLEST_SHARE * settings.samples:
            return Outcome.COLLAPSED
        velocity = scaled(trial.change, 1 / taken)
        control.accepted(taken, wanted, error)
        state = replace(
            state,
            model=candidate,
            t=_arrive(t, taken, stop),
            dt=control.dt,
            bound=state.bound + error / math.sqrt(2) + float(trial.missed.strayed),
            draws=number + 1,
            memory=tuple(jax.tree.leaves(velocity)),
        )
        recorder.step(
            "tdvp",
            state,
            taken,
            error=error,
            residual=float(trial.missed.residual),
            effective_size=float(size),
            diag_shift=settings.diag_shift,
            condition=float(condition),
            rejections=rejections,
            bound=state.bound,
        )
        rejections = 0
    return Outcome.OUT_OF_STEPS


def _remembered(first: Any, state: State) -> Any:
    """What an integrator remembers in this state, in the form of what it does first."""
    if not state.memory:
        return first
    return jax.tree.unflatten(jax.tree.structure(first), state.memory)


@eqx.filter_jit
def _attempt(
    model: AbstractAutoregressive,
    generator: Generator,
    points: UInt[Array, "batch variables"],
    key: PRNGKeyArray,
    times: tuple[Float[Array, ""], Float[Array, ""]],
    last: Blocks,
    settings: TdvpSettings,
) -> tuple[AbstractAutoregressive, Trial, Float[Array, ""], Float[Array, ""]]:
    """Draw a batch and take one step: model, trial, effective size, condition.

    `times` are the time and the length of the step.
    """
    t, dt = times
    if settings.sampling == "distinct":
        size = settings.samples
        draws = draw_distinct(model, generator, size, key, t, settings.influx)
    else:
        draws = draw_mixture(model, generator, points, key, t, settings.influx)
    trial, batch, now = INTEGRATORS[settings.integrator](
        model,
        generator,
        draws,
        t,
        dt,
        last,
        tolerance=settings.tolerance,
        diag_shift=settings.diag_shift,
        krylov=settings.krylov,
        solver=choose_solver(settings.solver, model, settings.samples, is_whole=False),
    )
    moved = model.with_weight_blocks(add(model.weight_blocks(), trial.change))
    return moved, trial, batch.effective_size, _condition(now, settings.diag_shift)


def _condition(now: Estimate, diag_shift: float) -> Float[Array, ""]:
    """Bound on the condition number of the damped Fisher matrix: (trace + s) / s.

    1 where no scores are stored.
    """
    if isinstance(now.scores, AbstractProducts):
        return jnp.ones(())
    traces = [
        jnp.einsum("b,bpw->p", now.weights.astype(o.dtype), o**2) for o in now.scores
    ]
    largest = jnp.max(jnp.concatenate(traces))
    return (largest + diag_shift) / max(diag_shift, 1e-300)


def _failure(error: float) -> Outcome:
    """Why no step was short enough."""
    return Outcome.STEP_TOO_SMALL if math.isfinite(error) else Outcome.NOT_FINITE


def _follow_euler(
    generator: Generator, settings: EulerSettings, recorder: Recorder
) -> Outcome:
    """Steps of one length, each towards its Euler step, until the last save time."""
    state = recorder.state
    key = jax.random.key(settings.seed)
    memory = _remembered(first_state(state.model, settings), state)
    is_natural = isinstance(settings, NatgradSettings)
    while math.isfinite(stop := recorder.next_stop(state.t)):
        dt = min(settings.dt, stop - state.t)
        number = state.draws + 1
        step = euler_step(
            state.model,
            generator,
            jax.random.fold_in(key, number),
            jnp.asarray(state.t, SUMS),
            jnp.asarray(dt, SUMS),
            memory,
            settings,
        )
        if not math.isfinite(float(step.spread)):
            return Outcome.NOT_FINITE
        memory = step.state
        state = State(
            model=step.model,
            t=_arrive(state.t, dt, stop),
            draws=number,
            memory=tuple(jax.tree.leaves(memory)),
        )
        recorder.step(
            "natgrad" if is_natural else "adam",
            state,
            dt,
            error=float(step.spread),
            residual=float(step.lost),
            effective_size=float(step.size),
            diag_shift=settings.diag_shift if is_natural else 0.0,
            pareto_k=float(step.shape),
        )
    return Outcome.SUCCESSFUL


def _arrive(t: float, dt: float, stop: float) -> float:
    """The time after a step: `stop` itself where rounding alone separates them."""
    return stop if dt >= (stop - t) * (1 - 1e-6) else t + dt
