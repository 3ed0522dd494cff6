r"""The law under propensities that depend on time: power series in short steps.

Within a step of length h the propensities are polynomials in s = (t - start) / h, so
with W(s) = sum_j W_j s^j and L at least every out-rate at the start, the law is

    P(s) = exp(-L h s) sum_k u_k s^k,   (k + 1) u_{k+1} = h (L u_k + sum_j W_j u_{k-j}).

This is uniformisation where the rates are constant. What is cut off and what the
recurrence may round are bounded as the step goes; what the polynomials miss of the
propensities is measured between the nodes that they agree at. So the error is a bound
as far as no propensity does anything between these times that none of them shows: it is
sampled at 17 times a step, and a step is at most 1/20 of the time between two jumps.

Propensities jump where a comparison of `t` with a constant changes (pulses, switches):
a step ends there and another starts, so that no pulse is stepped over.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.polynomial import Chebyshev, Polynomial, chebyshev
from scipy import sparse

from crnlang.exponential import EPS, evolve
from crnlang.ir.evaluate import evaluate
from crnlang.ir.expr import Call, Expr, Function, Time, depends_on_time, slots_of, walk
from crnlang.ir.lowered import LoweredNetwork
from crnlang.reference.equation import MasterEquation, radius
from crnlang.reference.refusals import ToleranceError

#: The functions whose value jumps where the two arguments are equal.
COMPARISONS = frozenset(
    {Function.LT, Function.LE, Function.GT, Function.GE, Function.EQ, Function.NE}
)
#: At least so many steps between two jumps: a smooth pulse cannot hide between steps.
LEAST_STEPS = 20
#: Largest degree of the polynomials; they agree with the propensities at the nodes.
DEGREE = 8
NODES = (1 - np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)) / 2
#: There, and in between, they are compared.
CHECKS = np.sort(np.concatenate([NODES, (NODES[1:] + NODES[:-1]) / 2]))
TO_CHEBYSHEV = np.linalg.inv(chebyshev.chebvander(2 * NODES - 1, DEGREE))
#: Column j: the polynomial T_j(2 s - 1) in powers of s.
TO_POWERS: Float[np.ndarray, "powers waves"] = np.column_stack(
    [
        np.pad(one, (0, DEGREE + 1 - len(one)))
        for j in range(DEGREE + 1)
        for one in [Chebyshev.basis(j, domain=[0, 1]).convert(kind=Polynomial).coef]
    ]
)
AT_CHECKS = np.vander(CHECKS, DEGREE + 1, increasing=True)
#: Rounding of a propensity and of its polynomial, in units of the last place.
ROUNDED = 16
#: Longest step under changing rates: times L, and times the bound of their change,
#: since the exponential of that is what rounding may grow by.
LONGEST, MOST_CHANGE = 64.0, 1.0
#: Share of the remaining tolerance that any step may use: jumps that no comparison
#: with a constant shows are passed in ever shorter steps.
ANY_STEP = 0.01

Law = Float[np.ndarray, " augmented"]


def jumps(lowered: LoweredNetwork) -> tuple[float, ...]:
    """The times at which some propensity compares `t` itself with a constant."""
    found: set[float] = set()
    for family in lowered.families:
        for node in walk(family.propensity):
            if isinstance(node, Call) and node.function in COMPARISONS:
                left, right = node.arguments
                for one, other in ((left, right), (right, left)):
                    if isinstance(one, Time) and _is_constant(other):
                        constants = lowered.constants(family)
                        values = evaluate(other, (), constants, 0.0, np)
                        found.update(np.atleast_1d(values).astype(float).tolist())
    return tuple(sorted(found))


def _is_constant(expr: Expr) -> bool:
    return not slots_of(expr) and not depends_on_time(expr)


@dataclass(frozen=True, eq=False)
class Piece:
    """The equation between two jumps; `t` never touches the jumps themselves."""

    equation: MasterEquation
    start: float
    end: float

    def inside(self, t: float) -> float:
        """`t`, moved off the ends by the smallest steps that matter."""
        margin = 1e-12 * (self.end - self.start)
        return float(np.clip(t, self.start + margin, self.end - margin))

    def sampled(
        self, start: float, length: float, shares: Float[np.ndarray, " times"]
    ) -> Float[np.ndarray, "times varying"]:
        """The propensities that read `t`, at some times of a step."""
        times = [self.inside(start + length * share) for share in shares.tolist()]
        return np.stack([self.equation.varying_flux(t) for t in times])


@dataclass(frozen=True, eq=False)
class Polynomials:
    """The propensities of a step as polynomials in s, from 0 to 1.

    `matrices[j]` is W_j, augmented, and `sizes[j]` a bound of its 1-norm; for j = 0, L
    stands there. `missed` bounds the 1-norm of what the polynomials leave out.
    """

    matrices: list[Any]
    sizes: list[float]
    missed: float


@dataclass
class Pace:
    """How far the tolerance is used up, and the length of step to try next."""

    tolerance: float
    end: float
    spent: float = 0.0
    length: float = np.inf

    def even(self, now: float, length: float) -> float:
        """What a step may cost in error if the rest is spread evenly over the time."""
        return (self.tolerance - self.spent) / 2 * length / (self.end - now)

    def at_most(self, now: float, length: float) -> float:
        """What a step may miss of the propensities."""
        return max(self.even(now, length), (self.tolerance - self.spent) * ANY_STEP)


def evolve_varying(
    equation: MasterEquation,
    law: Law,
    start: float,
    times: tuple[float, ...],
    until: float,
    tolerance: float,
) -> tuple[Float[np.ndarray, "times augmented"], Float[np.ndarray, " times"]]:
    """The augmented law at each time, and the error at each in the 1-norm.

    The law at `start` is given, the times ascend from there, and the whole run ends
    at `until`. What the errors leave out is said above; the leak has none.

    Raises:
        ToleranceError: a step became too short for the clock.
    """
    found, errors = np.empty((len(times), len(law))), np.zeros(len(times))
    found[np.array(times) == start] = law
    pace, now = Pace(tolerance, times[-1]), start
    inner = [t for t in jumps(equation.lowered) if 0 < t < until]
    clock = [0.0, *inner, max(until, times[-1])]
    while now < times[-1]:
        edge = bisect_right(clock, now)
        piece = Piece(equation, clock[edge - 1], clock[edge])
        end = min(piece.end, times[-1])
        while now < end:
            stop, laws = _advanced(piece, law, now, end, times, pace)
            passed = [k for k, t in enumerate(times) if now < t <= stop]
            for place, one in zip(passed, laws, strict=False):
                found[place], errors[place] = one, pace.spent
            now, law = stop, laws[-1]
    return found, errors


def _advanced(
    piece: Piece,
    law: Law,
    now: float,
    end: float,
    times: tuple[float, ...],
    pace: Pace,
) -> tuple[float, list[Law]]:
    """Where the next step ends, and the laws at the times it passes and at its end.

    Raises:
        ToleranceError: a step became too short for the clock, or rounding too much.
    """
    length = min(pace.length, (piece.end - piece.start) / LEAST_STEPS, end - now)
    stop, tries = end if length == end - now else now + length, 0
    while True:
        shares = [min((t - now) / length, 1.0) for t in times if now < t <= stop]
        found = _step(piece, law, now, length, (*shares, 1.0), pace)
        if found is not None:
            break
        length, tries = length / 2, tries + 1
        stop = now + length
        if now + length / 64 <= now:
            raise ToleranceError(
                pace.tolerance, f"the propensities change too fast near t = {now:.9g}"
            )
    laws, error = found
    pace.spent += error
    if pace.spent > pace.tolerance:
        raise ToleranceError(
            pace.tolerance, f"rounding alone costs more up to t = {stop:.9g}"
        )
    pace.length = length * 1.25 if tries else max(2 * length, pace.length)
    return stop, laws


def _step(
    piece: Piece,
    law: Law,
    start: float,
    length: float,
    shares: tuple[float, ...],
    pace: Pace,
) -> tuple[list[Law], float] | None:
    """The laws after shares of a step, and their error; `None` if it is not allowed."""
    even = pace.even(start, length)
    series = _polynomials(piece, start, length, even / 8 / length)
    missed = length * series.missed
    if missed > pace.at_most(start, length):
        return None
    first, *others = series.sizes
    if not others:
        spans = tuple(length * share for share in shares)
        laws, errors = evolve(series.matrices[0], first, law, spans, even / 8)
        return list(laws), float(errors[-1]) + missed
    if length * first > LONGEST or length * sum(others) > MOST_CHANGE:
        return None
    laws, cut = _series(series, law, length, shares, even / 8)
    return laws, cut + missed


def _polynomials(piece: Piece, start: float, length: float, drop: float) -> Polynomials:
    """The polynomials of a step, of the lowest degree that is good enough.

    It is good enough where the Chebyshev coefficients left out have 1-norms that add
    up to at most `drop` above rounding.
    """
    equation = piece.equation
    sampled = piece.sampled(start, length, CHECKS)
    waves = TO_CHEBYSHEV @ sampled[::2]
    norms = _norms(equation, waves)
    noise = ROUNDED * EPS * _norms(equation, sampled).max()
    rest = np.cumsum(norms[:0:-1])[::-1]
    degree = int(np.count_nonzero(rest > drop + noise))
    powers = TO_POWERS[: degree + 1, : degree + 1] @ waves[: degree + 1]
    powers[0] = np.maximum(powers[0], 0.0)
    missed = np.abs(AT_CHECKS[:, : degree + 1] @ powers - sampled).max(axis=0)
    rounding = ROUNDED * EPS * sampled.max(axis=0)
    fluxes = equation.steady_flux.copy()
    fluxes[equation.varying] = powers[0]
    first = equation.matrix(fluxes)
    return Polynomials(
        [first, *(equation.matrix(row, equation.varying) for row in powers[1:])],
        [radius(first), *_norms(equation, powers[1:]).tolist()],
        float(_norms(equation, np.maximum(missed - rounding, 0.0)[None])[0]),
    )


def _norms(
    equation: MasterEquation, fluxes: Float[np.ndarray, "rows varying"]
) -> Float[np.ndarray, " rows"]:
    """Bounds of the 1-norms of the generators of propensities that read `t`."""
    varying = equation.varying
    found = [2 * equation.out_rates(np.abs(row), varying).max() for row in fluxes]
    return np.array(found, dtype=float)


def _series(
    series: Polynomials,
    law: Law,
    length: float,
    shares: tuple[float, ...],
    allowed: float,
) -> tuple[list[Law], float]:
    """The laws after shares of a step, and what cutting and rounding cost each.

    `bounds` hold bounds of the 1-norms of the last terms: after a term beyond the
    whole z of the rates, every block of them is at most z / k times the one before.
    """
    sizes, degree = series.sizes, len(series.matrices) - 1
    whole = length * sum(sizes)
    joined = sparse.hstack(series.matrices, format="csr")
    terms = np.zeros((degree + 1, len(law)))
    terms[0] = law * np.exp(-length * sizes[0])
    bounds = [float(np.abs(terms[0, :-1]).sum())]
    weights = np.exp(length * sizes[0] * (1 - np.array(shares)))
    laws = [weight * terms[0] for weight in weights]
    total, rest, k = bounds[0], np.inf, 0
    while rest > allowed / 2:
        new = joined @ terms.reshape(-1)
        new += sizes[0] * terms[0]
        new *= length / (k + 1)
        bound = sum(a * b for a, b in zip(sizes, bounds, strict=False))
        bounds = [bound * length / (k + 1), *bounds[:degree]]
        terms[1:] = terms[:-1]
        terms[0] = new
        weights *= shares
        for weight, one in zip(weights, laws, strict=True):
            one += weight * new
        total += bounds[0]
        k += 1
        ratio = whole / (k + 1)
        if ratio < 1:
            rest = (degree + 1) * max(bounds) * ratio / (1 - ratio)
    return laws, rest + EPS * (whole + 1) * total
