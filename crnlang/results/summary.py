"""Weighted states -> the record of a run: marginals, joints, answers to queries.

A `Snapshot` is the law at one time as states with weights: an exact law (weights are
probabilities), trajectories (equal weights) or weighted samples. Standard errors are
those of a ratio of weighted means (delta method), sum w^2 (f - m)^2 / (sum w)^2; for
equal weights, the usual s / sqrt(N) with the variance over N. Where only groups of
states are independent, w (f - m) is added up within each before it is squared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, prod

import numpy as np
from jaxtyping import Float, Int, Integer

from crnlang.ir.evaluate import evaluate
from crnlang.ir.expr import Expr
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import (
    DistQuery,
    ExpectQuery,
    LawQuery,
    LogpQuery,
    PassageQuery,
    ProbQuery,
)
from crnlang.results.record import Pair, QueryAnswer, RunData, RunError

#: The largest table of a joint law, in entries a time.
LARGEST_TABLE = 1_000_000
#: Variances below this are rounding.
ROUNDING = 1e-12
#: Two times this close, relative to the larger, are the same.
TIME_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The law at one time; `is_exact` where the weights are probabilities, not samples.

    `weights` of `None` means equal ones. The weights need not add up to 1. `bound` is
    the largest error of any probability of an exact law, as far as it is known;
    `computed` are answers that the engine itself found, with their errors, by the name
    of the query. `groups` numbers, from 0, the independent groups that the states
    belong to; `None` where every state is independent.
    """

    time: float
    states: Integer[np.ndarray, "states variables"]
    weights: Float[np.ndarray, " states"] | None = None
    is_exact: bool = False
    bound: float = 0.0
    groups: Int[np.ndarray, " states"] | None = None
    computed: Mapping[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )

    def normalised(self) -> Float[np.ndarray, " states"]:
        """The weights, divided by their sum."""
        if self.weights is None:
            return np.full(len(self.states), 1 / len(self.states))
        return self.weights / self.weights.sum()

    def samples(self) -> float:
        """The effective number of samples; inf if exact.

        (sum w)^2 / sum w^2; of groups, how many independent samples would give
        marginals with variances that add up to what is found between the groups.
        """
        if self.is_exact:
            return inf
        weights = self.normalised()
        if self.groups is None:
            return float(1 / (weights**2).sum())
        ideal = found = 0.0
        for column in self.states.T:
            _, levels = np.unique(column, return_inverse=True)
            law = np.bincount(levels, weights)
            ideal += float((law * (1 - law)).sum())
            found += float(self.squares(weights, levels, law).sum())
        is_known = min(ideal, found) > ROUNDING
        return ideal / found if is_known else float(self.groups.max() + 1)

    def squares(
        self,
        shares: Float[np.ndarray, " states"],
        cells: Int[np.ndarray, " states"],
        law: Float[np.ndarray, " cells"],
    ) -> Float[np.ndarray, " cells"]:
        """The variance of the share p of each cell.

        sum w^2 (f - p)^2 with f the indicator: W (1 - p)^2 inside the cell and
        (all - W) p^2 outside, where W adds up the squared shares of the cell.
        """
        size = len(law)
        if self.groups is None:
            squares = np.bincount(cells, shares**2, size)
            return squares * (1 - 2 * law) + (shares**2).sum() * law**2
        number = int(self.groups.max()) + 1
        own = np.bincount(self.groups * size + cells, shares, number * size)
        own = own.reshape(number, size)
        away = own - own.sum(axis=1, keepdims=True) * law
        return (away**2).sum(axis=0) * number / (number - 1)

    def error(
        self, shares: Float[np.ndarray, " states"], away: Float[np.ndarray, " states"]
    ) -> float:
        """The standard error of a mean from what each state is `away` from it."""
        if self.groups is None:
            return float(np.sqrt((shares**2 * away**2).sum()))
        sums = np.bincount(self.groups, shares * away)
        number = len(sums)
        return float(np.sqrt((sums**2).sum() * number / (number - 1)))


def table(
    snapshot: Snapshot,
    variables: Sequence[int],
    caps: Int[np.ndarray, " variables"],
    weights: Float[np.ndarray, " states"],
) -> Float[np.ndarray, "..."]:
    """The weights added up by the counts of some variables; one axis a variable."""
    shape = tuple(int(caps[v]) + 1 for v in variables)
    columns = tuple(snapshot.states[:, v].astype(np.int64) for v in variables)
    flat = np.ravel_multi_index(columns, shape)
    return np.bincount(flat, weights=weights, minlength=prod(shape)).reshape(shape)


def summarise(
    lowered: LoweredNetwork,
    snapshots: Sequence[Snapshot],
    *,
    engine: str,
    seed: int,
    leak: Float[np.ndarray, " times"] | None = None,
    joints: Iterable[Pair] = (),
    passages: Mapping[str, QueryAnswer] | None = None,
    own: Mapping[str, Sequence[Snapshot]] | None = None,
    wall_seconds: float = 0.0,
) -> RunData:
    """The record of a run from its law at every save time, the queries answered.

    `joints` asks for pairs beyond those that `dist` queries name; `passages` are the
    answers to the queries about first passages, by name: what they lack stays
    unanswered. A query with laws of its `own`, by name, is answered from these.

    Raises:
        RunError: a query asks for a time that has no snapshot, or for a table that
            is too large.
    """
    caps, names = lowered.space.caps, lowered.space.names
    top = int(caps.max()) + 1
    marginals = np.zeros((len(snapshots), len(names), top))
    for k, snapshot in enumerate(snapshots):
        weights = snapshot.normalised()
        for v, cap in enumerate(caps.tolist()):
            marginals[k, v, : cap + 1] = table(snapshot, (v,), caps, weights)
    counts = np.arange(top)
    means = marginals @ counts
    # time by time: of many species with large caps, the marginals fill the memory once
    variances = np.zeros_like(means)
    for k, (law, mean) in enumerate(zip(marginals, means, strict=True)):
        variances[k] = (law * (counts - mean[:, None]) ** 2).sum(axis=1)
    asked = [*joints, *_pairs_of_queries(lowered)] if snapshots else []
    pairs = dict.fromkeys(asked)
    return RunData(
        engine=engine,
        model=lowered.network.name,
        seed=seed,
        names=names,
        caps=caps,
        times=np.array([snapshot.time for snapshot in snapshots], dtype=float),
        samples=np.array([snapshot.samples() for snapshot in snapshots]),
        marginals=marginals,
        means=means,
        sds=np.sqrt(variances),
        joints={pair: _joint(lowered, snapshots, pair) for pair in pairs},
        queries=_answers(lowered, snapshots, passages or {}, own or {}),
        leak=leak,
        wall_seconds=wall_seconds,
    )


def times_of(lowered: LoweredNetwork, save: Iterable[float]) -> tuple[float, ...]:
    """The save times together with every time that a query asks for, ascending."""
    asked = [time for query in lowered.network.queries for time in query.times]
    found: list[float] = []
    for time in sorted({*map(float, save), *map(float, asked)}):
        if not found or time - found[-1] > TIME_TOLERANCE * time:
            found.append(time)
    return tuple(found)


def _answers(
    lowered: LoweredNetwork,
    snapshots: Sequence[Snapshot],
    passages: Mapping[str, QueryAnswer],
    own: Mapping[str, Sequence[Snapshot]],
) -> tuple[QueryAnswer, ...]:
    """The answers in the order of the queries; those of first passages are given."""
    found: list[QueryAnswer] = []
    for query in lowered.network.queries:
        if not isinstance(query, PassageQuery):
            found.append(answer(lowered, query, own.get(query.name, snapshots)))
        elif query.name in passages:
            found.append(passages[query.name])
    return tuple(found)


def answer(
    lowered: LoweredNetwork, query: LawQuery, snapshots: Sequence[Snapshot]
) -> QueryAnswer:
    """The answer to one query at the times it asks for, or at all if it names none."""
    chosen = [_at(snapshots, t, query.name) for t in query.times] or list(snapshots)
    variables = query.variables if isinstance(query, DistQuery) else ()
    names = tuple(lowered.space.names[v] for v in variables)
    size = prod(int(lowered.space.caps[v]) + 1 for v in variables)
    if size > LARGEST_TABLE:
        raise RunError(
            f"query `{query.name}` asks for a table of {size:,} entries a time, more "
            f"than {LARGEST_TABLE:,}; ask for fewer species or lower their caps"
        )
    pairs = [_answer_at(lowered, query, snapshot) for snapshot in chosen]
    return QueryAnswer(
        name=query.name,
        kind=_kind(query),
        species=names,
        times=np.array([snapshot.time for snapshot in chosen], dtype=float),
        values=np.stack([value for value, _ in pairs]),
        errors=np.stack([error for _, error in pairs]),
    )


def _kind(query: LawQuery) -> str:
    match query:
        case DistQuery():
            return "dist"
        case ProbQuery():
            return "prob"
        case ExpectQuery():
            return "expect"
        case LogpQuery():
            return "logp"


def _at(snapshots: Sequence[Snapshot], time: float, name: str) -> Snapshot:
    """The snapshot at a time.

    Raises:
        RunError: there is none.
    """
    for snapshot in snapshots:
        if abs(snapshot.time - time) <= TIME_TOLERANCE * max(abs(time), 1e-300):
            return snapshot
    raise RunError(
        f"query `{name}` asks for t = {time:g}, which the run did not save; add it to "
        "`save`, or make the run long enough"
    )


def _answer_at(
    lowered: LoweredNetwork, query: LawQuery, snapshot: Snapshot
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """The answer and its standard error at one time."""
    if query.name in snapshot.computed:
        value, error = snapshot.computed[query.name]
        return np.array(value), np.array(error)
    weights = snapshot.normalised()
    if query.given is not None:
        weights = weights * (_values(lowered, query.given, snapshot) != 0)
    total = weights.sum()
    shares = weights / total if total > 0 else np.full_like(weights, np.nan)
    match query:
        case DistQuery(variables=variables):
            return _law(snapshot, variables, lowered.space.caps, shares)
        case ProbQuery(condition=condition):
            values = 1.0 * (_values(lowered, condition, snapshot) != 0)
        case ExpectQuery(value=value):
            values = _values(lowered, value, snapshot)
        case LogpQuery(variables=variables, counts=counts):
            is_there = snapshot.states[:, list(variables)] == np.array(counts)
            values = 1.0 * is_there.all(axis=1)
    used = weights > 0
    mean = (shares[used] * values[used]).sum() if total > 0 else np.nan
    error = snapshot.error(shares, np.where(used, values - mean, 0.0))
    if isinstance(query, LogpQuery):
        return _logarithm(snapshot, float(mean), float(error), float(total))
    return np.array(mean), np.array(_exactly(snapshot, error, total))


def _logarithm(
    snapshot: Snapshot, chance: float, error: float, total: float
) -> tuple[Float[np.ndarray, ""], Float[np.ndarray, ""]]:
    """The logarithm of a probability, given what has the probability `total`.

    Its error is that of the probability over the probability, to first order; under an
    exact law a bound. Where nothing was seen, the logarithm is -inf and the error inf.
    """
    if np.isnan(chance):
        return np.array(np.nan), np.array(np.nan)
    if snapshot.is_exact:
        is_given = total < 1
        error = snapshot.bound / total * (1 + chance * is_given)
    with np.errstate(divide="ignore"):
        value = np.log(chance)
    return np.array(value), np.array(error / chance if chance else inf)


def _law(
    snapshot: Snapshot,
    variables: Sequence[int],
    caps: Int[np.ndarray, " variables"],
    shares: Float[np.ndarray, " states"],
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """A table of probabilities and their errors."""
    law = table(snapshot, variables, caps, shares)
    columns = tuple(snapshot.states[:, v].astype(np.int64) for v in variables)
    cells = np.ravel_multi_index(columns, law.shape)
    variance = snapshot.squares(shares, cells, law.ravel()).reshape(law.shape)
    errors = np.sqrt(np.maximum(variance, 0))
    return law, np.asarray(_exactly(snapshot, errors, shares.sum()))


def _exactly(snapshot: Snapshot, errors: object, total: float) -> object:
    """Standard errors; 0 for an exact law, nan where nothing was averaged."""
    if not total > 0:
        return np.full_like(np.asarray(errors), np.nan)
    return np.zeros_like(np.asarray(errors)) if snapshot.is_exact else errors


def _values(
    lowered: LoweredNetwork, expr: Expr, snapshot: Snapshot
) -> Float[np.ndarray, " states"]:
    """An expression over the variables, at each state of a snapshot."""
    counts = [column.astype(float) for column in snapshot.states.T]
    with np.errstate(all="ignore"):
        found = evaluate(expr, counts, lowered.parameters, snapshot.time, np)
    return np.broadcast_to(np.asarray(found, dtype=float), len(snapshot.states))


def _pairs_of_queries(lowered: LoweredNetwork) -> list[Pair]:
    """The pairs of species whose joint law some unconditional query asks for."""
    names = lowered.space.names
    return [
        (names[query.variables[0]], names[query.variables[1]])
        for query in lowered.network.queries
        if isinstance(query, DistQuery)
        and len(query.variables) == 2
        and not query.given
    ]


def _joint(
    lowered: LoweredNetwork, snapshots: Sequence[Snapshot], pair: Pair
) -> Float[np.ndarray, "times count_a count_b"]:
    """The joint law of two species at every time."""
    variables = lowered.variables_of(pair)
    size = prod(int(lowered.space.caps[v]) + 1 for v in variables)
    if size > LARGEST_TABLE:
        raise RunError(
            f"the joint law of {pair[0]} and {pair[1]} has {size:,} entries a time, "
            f"more than {LARGEST_TABLE:,}; lower their caps or do not ask for it"
        )
    return np.stack(
        [
            table(snapshot, variables, lowered.space.caps, snapshot.normalised())
            for snapshot in snapshots
        ]
    )
