"""The time loop: opening on a set of states, then variational steps to the end."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, UInt
from threadpoolctl import threadpool_limits

from crnlang.nn.base import AbstractAutoregressive, Blocks
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
from crnlang.solve.linear import AbstractProducts
from crnlang.solve.opening import propagate_set
from crnlang.solve.problem import Generator
from crnlang.solve.projection import fit_law
from crnlang.solve.rosenbrock import rosenbrock_step
from crnlang.solve.solution import Outcome, Solution, StepInfo
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
#: A batch that is worth less than this share of its states has collapsed.
SMALLEST_SHARE = 0.01


@dataclass
class Recorder:
    """Collects models at the save times and the health of every step."""

    save: tuple[float, ...]
    report: Callable[[StepInfo], None]
    times: list[float] = field(default_factory=list)
    models: list[AbstractAutoregressive] = field(default_factory=list)
    infos: list[StepInfo] = field(default_factory=list)
    clock: float = field(default_factory=time.perf_counter)

    def next_stop(self, t: float) -> float:
        """The first save time after t; infinity after the last."""
        return next((s for s in self.save if s > t * (1 + 1e-12)), math.inf)

    def keep(self, t: float, model: AbstractAutoregressive) -> None:
        """Keep the model if t is a save time."""
        if t in self.save:
            self.times.append(t)
            self.models.append(model)

    def step(self, stage: str, t: float, dt: float, **health: float) -> None:
        """Record one accepted step."""
        now = time.perf_counter()
        blank = {
            "error": 0.0,
            "residual": 0.0,
            "effective_size": math.inf,
            "diag_shift": 0.0,
            "condition": 1.0,
            "bound": math.nan,
        }
        rejections = int(health.pop("rejections", 0))
        info = StepInfo(
            step=len(self.infos) + 1,
            stage=stage,
            t=t,
            dt=dt,
            rejections=rejections,
            seconds=now - self.clock,
            **{**blank, **health},
        )
        self.clock = now
        self.infos.append(info)
        self.report(info)

    def finish(
        self, outcome: Outcome, t: float, model: AbstractAutoregressive
    ) -> Solution:
        """The solution; an unsuccessful one ends with the last good model."""
        if outcome is not Outcome.SUCCESSFUL and (not self.times or self.times[-1] < t):
            self.times.append(t)
            self.models.append(model)
        return Solution(
            tuple(self.times), tuple(self.models), tuple(self.infos), outcome
        )


@dataclass(frozen=True)
class Moment:
    """Where a run stands: the time, the model, the next step to try, the bound."""

    t: float
    model: AbstractAutoregressive
    dt: float
    bound: float = 0.0


def evolve(
    model: AbstractAutoregressive,
    generator: Generator,
    settings: NeuralSettings,
    save: tuple[float, ...],
    report: Callable[[StepInfo], None],
    boxes: Bool[np.ndarray, "boxes variables levels"] | None = None,
) -> Solution:
    """Follow the master equation from the model's law to the last save time.

    `boxes` are what questions allow, where prefixes shall be drawn from there.

    Never raises for numerical trouble: see `Outcome`. Matrices are small, so BLAS runs
    on one thread a call (many threads cost more than they gain, a hundredfold where
    cores are few).
    """
    recorder = Recorder(save, report)
    recorder.keep(0.0, model)
    moment = Moment(0.0, model, 0.0)
    with threadpool_limits(1, user_api="blas"):
        try:
            if isinstance(settings, EulerSettings):
                return _follow_euler(moment, generator, settings, recorder)
            assert isinstance(settings, TdvpSettings)
            moment = _open(moment, generator, settings, recorder)
            if settings.method != "galerkin" and settings.ansatz == "conditional":
                stepper = Stepper(generator, settings, boxes)
                return _follow_fitted(moment, stepper, settings, recorder)
            return _follow(moment, generator, settings, recorder)
        except KeyboardInterrupt:
            last = recorder.times[-1] if recorder.times else 0.0
            model = recorder.models[-1] if recorder.models else model
            return recorder.finish(Outcome.INTERRUPTED, last, model)


def _open(
    moment: Moment, generator: Generator, settings: TdvpSettings, recorder: Recorder
) -> Moment:
    """Propagate on a set while it holds the law; fit the network where needed."""
    if not settings.opening:
        return moment
    model, last, dt, fitted, bound = moment.model, None, 0.0, 0.0, 0.0
    laws = propagate_set(
        model, generator, recorder.next_stop, settings.opening, settings.seed
    )
    for law in laws:
        dt = law.t - (last.t if last else 0.0)
        last, distance = law, 0.0
        if law.t in recorder.save:
            model, distance = fit_law(model, law.states, law.law)
            recorder.keep(law.t, model)
            fitted = law.t
        bound = law.lost + math.sqrt(2) * distance
        recorder.step("set", law.t, dt, error=law.lost, residual=distance, bound=bound)
    if last is None:
        return moment
    if last.t > fitted:
        model, distance = fit_law(model, last.states, last.law)
        bound = last.lost + math.sqrt(2) * distance
    return Moment(last.t, model, dt, bound)


def _follow_fitted(
    moment: Moment, stepper: Stepper, settings: TdvpSettings, recorder: Recorder
) -> Solution:
    """Projection steps, or steps of conditionals, to the last save time."""
    t, model, bound = moment.t, moment.model, moment.bound
    end = recorder.save[-1]
    control = StepControl(moment.dt or 1e-4 * end, settings.tolerance)
    key = jax.random.key(settings.seed)
    rejections = 0
    while math.isfinite(stop := recorder.next_stop(t)):
        number = len(recorder.infos)
        if number >= settings.max_steps:
            return recorder.finish(Outcome.OUT_OF_STEPS, t, model)
        wanted = min(control.dt, stop - t)
        assert isinstance(model, ConditionalNetworks)
        draw = jax.random.fold_in(key, number)
        step = stepper.step(model, draw, t, wanted, stop - t)
        rejections += step.rejections
        is_too_short = step.dt < min(SMALLEST_PROJECTION * end, wanted)
        if is_too_short or not step.error < settings.tolerance:
            control.rejected(step.dt)
            if step.dt < SMALLEST_PROJECTION * end:
                return recorder.finish(_failure(step.error), t, model)
            continue
        t, model = _arrive(t, step.dt, stop), step.model
        control.accepted(step.dt, wanted, step.error)
        bound += step.error + step.strayed
        recorder.keep(t, model)
        recorder.step(
            "projection" if stepper.projects else "conditionals",
            t,
            step.dt,
            error=step.error,
            residual=step.residual,
            effective_size=stepper.effective_size,
            rejections=rejections,
            bound=bound,
        )
        rejections = 0
    return recorder.finish(Outcome.SUCCESSFUL, t, model)


def _follow(
    moment: Moment, generator: Generator, settings: TdvpSettings, recorder: Recorder
) -> Solution:
    """Adaptive variational steps until the last save time."""
    t, model, bound = moment.t, moment.model, moment.bound
    end = recorder.save[-1]
    control = StepControl(moment.dt or 1e-4 * end, settings.tolerance)
    points = sobol_points(settings.samples, len(model.order), settings.seed)
    key = jax.random.key(settings.seed)
    velocity = scaled(model.weight_blocks(), 0.0)
    rejections = 0
    for number in range(settings.max_steps):
        stop = recorder.next_stop(t)
        if math.isinf(stop):
            return recorder.finish(Outcome.SUCCESSFUL, t, model)
        wanted = min(control.dt, stop - t)
        candidate, trial, size, condition = _attempt(
            model,
            generator,
            points,
            jax.random.fold_in(key, number),
            _scalar(t, model),
            _scalar(wanted, model),
            scaled(velocity, settings.recall),
            settings,
        )
        taken, error = float(trial.dt), float(trial.error)
        rejections += int(trial.trials) - 1
        if not error < settings.tolerance:
            rejections += 1
            control.rejected(taken)
            if taken < SMALLEST_STEP * end:
                return recorder.finish(_failure(error), t, model)
            continue
        if float(size) < SMALLEST_SHARE * settings.samples:
            return recorder.finish(Outcome.COLLAPSED, t, model)
        t, model = _arrive(t, taken, stop), candidate
        velocity = scaled(trial.change, 1 / taken)
        control.accepted(taken, float(_scalar(wanted, model)), error)
        bound += error / math.sqrt(2) + float(trial.missed.strayed)
        recorder.keep(t, model)
        recorder.step(
            "tdvp",
            t,
            taken,
            error=error,
            residual=float(trial.missed.residual),
            effective_size=float(size),
            diag_shift=settings.diag_shift,
            condition=float(condition),
            rejections=rejections,
            bound=bound,
        )
        rejections = 0
    return recorder.finish(Outcome.OUT_OF_STEPS, t, model)


@eqx.filter_jit
def _attempt(
    model: AbstractAutoregressive,
    generator: Generator,
    points: UInt[Array, "batch variables"],
    key: PRNGKeyArray,
    t: Float[Array, ""],
    dt: Float[Array, ""],
    last: Blocks,
    settings: TdvpSettings,
) -> tuple[AbstractAutoregressive, Trial, Float[Array, ""], Float[Array, ""]]:
    """Draw a batch and take one step: model, trial, effective size, condition."""
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
    traces = [jnp.einsum("b,bpw->p", now.weights, o**2) for o in now.scores]
    largest = jnp.max(jnp.concatenate(traces))
    return (largest + diag_shift) / max(diag_shift, 1e-300)


def _failure(error: float) -> Outcome:
    """Why no step was short enough."""
    return Outcome.STEP_TOO_SMALL if math.isfinite(error) else Outcome.NOT_FINITE


def _follow_euler(
    moment: Moment, generator: Generator, settings: EulerSettings, recorder: Recorder
) -> Solution:
    """Steps of one length, each towards its Euler step, until the last save time."""
    t, model, number = moment.t, moment.model, 0
    key = jax.random.key(settings.seed)
    state = first_state(model, settings)
    is_natural = isinstance(settings, NatgradSettings)
    while math.isfinite(stop := recorder.next_stop(t)):
        dt = min(settings.dt, stop - t)
        number += 1
        step = euler_step(
            model,
            generator,
            jax.random.fold_in(key, number),
            _scalar(t, model),
            _scalar(dt, model),
            state,
            settings,
        )
        if not math.isfinite(float(step.spread)):
            return recorder.finish(Outcome.NOT_FINITE, t, model)
        t, model, state = _arrive(t, dt, stop), step.model, step.state
        recorder.keep(t, model)
        recorder.step(
            "natgrad" if is_natural else "adam",
            t,
            dt,
            error=float(step.spread),
            residual=float(step.lost),
            effective_size=float(step.size),
            diag_shift=settings.diag_shift if is_natural else 0.0,
            pareto_k=float(step.shape),
        )
    return recorder.finish(Outcome.SUCCESSFUL, t, model)


def _arrive(t: float, dt: float, stop: float) -> float:
    """The time after a step: `stop` itself where rounding alone separates them."""
    return stop if dt >= (stop - t) * (1 - 1e-6) else t + dt


def _scalar(value: float, model: AbstractAutoregressive) -> Float[Array, ""]:
    return jnp.asarray(value, model.dtype)
