"""The engine `ode`: rate equations -> the means at the save times, and their record."""

import jax
import numpy as np
from jaxtyping import Float

from crnlang.codegen.rates import build_rates
from crnlang.diagnostics import listing
from crnlang.ir.evaluate import evaluate
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import ExpectQuery, PassageQuery
from crnlang.passes.linear import has_exact_means, is_affine
from crnlang.pipeline.cost import Clock
from crnlang.pipeline.neural import compilation_counted
from crnlang.pipeline.passages import answer_passages
from crnlang.pipeline.programs import keep_programs
from crnlang.reference.jumps import stretches
from crnlang.reference.varying import jumps
from crnlang.results.record import QueryAnswer, RunData
from crnlang.settings import OdeSettings
from crnlang.solve.mean_field import Followed, MeanFieldError, follow

#: A mean this far below zero, in copies and as a share of the largest, is no rounding.
BELOW, SHARE_BELOW = 1e-4, 1e-6
MEANS_ONLY = (
    "the rate equations give means only, not a distribution: they leave out what "
    "fluctuations do to the means"
)
EXACT = (
    "every channel fires in proportion to one copy number that it uses up, or at a "
    "rate that is linear, so that these are the exact means, but for the caps"
)


def run_ode(lowered: LoweredNetwork, settings: OdeSettings, clock: Clock) -> RunData:
    """The means at the save times, with the questions that means can answer.

    Raises:
        MeanFieldError: the equations cannot be followed, or lead below zero.
    """
    if lowered.network.triggers:
        raise MeanFieldError(
            "the rate equations cannot follow an event that waits for a condition: it "
            "is met by copy numbers, not by their means; use `fsp` or `ssa`"
        )
    with compilation_counted(clock):
        keep_programs()
        jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - JAX's signature
        means, steps = _means(lowered, settings)
    _refuse_negative(lowered, settings.save, means)
    answers, notes = _answers(lowered, settings.save, means)
    passages = answer_passages(lowered, "ode", settings)
    shape = means.shape
    is_exact = has_exact_means(lowered)
    return RunData(
        engine="ode",
        model=lowered.network.name,
        seed=settings.seed,
        names=lowered.space.names,
        caps=lowered.space.caps,
        times=np.array(settings.save, dtype=float),
        samples=np.full(shape[0], np.nan),
        marginals=np.zeros((*shape, 0)),
        means=means,
        sds=np.full(shape, np.nan),
        joints={},
        queries=answers,
        leak=None,
        sentence=f"The run reached its end in {steps} steps.",
        notes=(
            EXACT if is_exact else MEANS_ONLY,
            *_above_caps(lowered, settings.save, means),
            *notes,
            *passages.notes,
        ),
    )


def _means(
    lowered: LoweredNetwork, settings: OdeSettings
) -> tuple[Float[np.ndarray, "times variables"], int]:
    """The means at the save times, events followed, and the steps taken."""
    rates, breaks = build_rates(lowered), jumps(lowered)
    point = np.array([np.arange(len(law)) @ law for law in lowered.initial])
    point = point.reshape(len(lowered.space.caps)).astype(float)
    save = np.array(settings.save, dtype=float)
    means, steps = np.zeros((len(save), len(point))), 0
    for piece in stretches(lowered, settings.save, settings.until):
        if piece.start > 0:
            point = _jumped(lowered, piece.start, point)
        places, span = list(piece.save), (piece.start, piece.end)
        # of one length for all pieces, so that only one program is compiled
        times = np.full(len(save), piece.end)
        times[: len(places)] = save[places]
        found = (
            follow(rates, point, span, times, breaks, settings)
            if piece.end > piece.start
            else Followed(np.tile(point, (len(save), 1)), point, 0)
        )
        means[places] = found.points[: len(places)]
        point, steps = found.end, steps + found.steps
    return means, steps


def _jumped(
    lowered: LoweredNetwork, time: float, means: Float[np.ndarray, " variables"]
) -> Float[np.ndarray, " variables"]:
    """The means after the events at a time: their expressions, of the means before."""
    found = means.copy()
    for jump in lowered.jumps:
        if jump.time == time:
            counts = [means[column] for column in jump.variables.T]
            constants = lowered.constants(jump)
            value = evaluate(jump.value, counts, constants, time, np)
            found[jump.targets] = value
    return found


def _refuse_negative(
    lowered: LoweredNetwork,
    times: tuple[float, ...],
    means: Float[np.ndarray, "times variables"],
) -> None:
    """Raise `MeanFieldError` where a mean is below zero."""
    limit = -max(BELOW, SHARE_BELOW * float(np.abs(means).max(initial=0.0)))
    if not (means < limit).any():
        return
    place, variable = np.unravel_index(int(np.argmax(means < limit)), means.shape)
    raise MeanFieldError(
        f"the rate equations take {lowered.space.names[variable]} below zero "
        f"({means[place, variable]:.3g} at t = {times[place]:g}): some channel goes on "
        "where no copies are left, which the other engines stop; give it a propensity "
        "that vanishes there, as `mm(X, v, K)`, or use `fsp` or `ssa`"
    )


def _above_caps(
    lowered: LoweredNetwork,
    times: tuple[float, ...],
    means: Float[np.ndarray, "times variables"],
) -> list[str]:
    """A note on each species whose mean is above its cap."""
    caps = lowered.space.caps
    found: list[str] = []
    for variable in np.flatnonzero((means > caps * (1 + 1e-6)).any(axis=0)).tolist():
        place = int(np.argmax(means[:, variable] > caps[variable] * (1 + 1e-6)))
        name = lowered.space.names[variable]
        found.append(
            f"the mean of {name} is above its cap {caps[variable]} from t = "
            f"{times[place]:g} on; the other engines stop there: raise the cap for them"
        )
    return found


def _answers(
    lowered: LoweredNetwork,
    times: tuple[float, ...],
    means: Float[np.ndarray, "times variables"],
) -> tuple[tuple[QueryAnswer, ...], list[str]]:
    """The answers that means give, and notes on the questions that they do not."""
    found: list[QueryAnswer] = []
    others: list[str] = []
    notes: list[str] = []
    for query in lowered.network.queries:
        if isinstance(query, PassageQuery):
            continue
        if not isinstance(query, ExpectQuery) or query.given is not None:
            others.append(f"`{query.name}`")
            continue
        found.append(_expectation(lowered, query, times, means))
        if not is_affine(query.value):
            notes.append(
                f"`{query.name}` is the value at the means, not the mean of the values"
            )
    if others:
        notes.append(
            f"not answered, for `ode` knows no distribution: {listing(others)}; use "
            "`fsp`, `ssa` or `tdvp`"
        )
    return tuple(found), notes


def _expectation(
    lowered: LoweredNetwork,
    query: ExpectQuery,
    times: tuple[float, ...],
    means: Float[np.ndarray, "times variables"],
) -> QueryAnswer:
    """The expression at the means, at the times asked for or at all; no error known."""
    asked = np.array(query.times or times, dtype=float)
    places = [int(np.abs(np.array(times) - one).argmin()) for one in asked]
    values = []
    for place in places:
        counts = list(means[place])
        value = evaluate(query.value, counts, lowered.parameters, times[place], np)
        values.append(float(value))
    errors = np.full(len(values), np.inf)
    return QueryAnswer(query.name, "expect", (), asked, np.array(values), errors)
