"""The law of a network at one time, as states with weights.

Every state where they are few enough, its probability computed: an exact read-out.
Else quasi-random samples; and where a question is about a box, samples that stay in it.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Integer, PRNGKeyArray
from scipy.special import logsumexp

from crnlang.ir.lowered import StateSpace
from crnlang.nn.base import SUMS, AbstractAutoregressive, at_quantile
from crnlang.passes.boxes import Box, allowed_in
from crnlang.passes.totals import Totalled
from crnlang.results.summary import Snapshot
from crnlang.settings import NeuralSettings
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.outcome import EngineError
from crnlang.solve.pieces import log_probs
from crnlang.solve.proposal import within

#: Up to so many states every probability is computed.
MOST_STATES = 500_000
#: Samples of the law where there are more states; a power of 2 suits Sobol points.
SAMPLES = 2**17
#: Samples in one call of the network: bounds its memory.
CHUNK = 2**13
#: Samples that stay in a box, and those that tell how best to draw them.
INSIDE, PILOT = 2**14, 2**12
#: Counts in a box are drawn from these powers of their law there.
POWERS = (1.0, 0.7, 0.4, 0.2)
#: How far from 1 the probabilities may add up, by precision.
DRIFT = {"float64": 1e-9, "float32": 1e-3}


class LawReader:
    """Reads the laws of networks that share a state space; compiled once."""

    def __init__(self, totalled: Totalled, settings: NeuralSettings) -> None:
        self.totalled = totalled
        self.space = space = totalled.network.space
        self.precision = settings.precision
        self.seed = settings.seed
        is_small = space.number_of_states() <= MOST_STATES
        self.states = enumerate_states(space) if is_small else None
        self.extended = None if self.states is None else totalled.extend(self.states)

    def read(self, model: AbstractAutoregressive, time: float, place: int) -> Snapshot:
        """The law at a save time; `place` is its position among them.

        Raises:
            EngineError: the probabilities of all states do not add up to 1.
        """
        if self.states is None or self.extended is None:
            return Snapshot(time, self._sample(model, place))
        weights = np.exp(log_probs(model, self.extended))
        total = float(weights.sum())
        if not abs(total - 1) <= DRIFT[self.precision]:
            raise EngineError(
                f"the probabilities of the network at t = {time:g} add up to {total:g} "
                "instead of 1: its weights are damaged, and nothing was written"
            )
        return Snapshot(time, self.states, weights, is_exact=True)

    def logarithm(
        self,
        model: AbstractAutoregressive,
        variables: tuple[int, ...],
        counts: tuple[int, ...],
    ) -> float | None:
        """log P of some copy numbers, added up over all states that have them.

        `None` where these are more than `MOST_STATES`.
        """
        states = matching_states(self.space, variables, counts)
        if states is None:
            return None
        if not len(states):
            return -math.inf
        extended = self.totalled.extend(states)
        return float(np.logaddexp.reduce(log_probs(model, extended)))

    def chances(
        self, model: AbstractAutoregressive, box: Box, place: int
    ) -> Float[np.ndarray, " samples"]:
        """Independent numbers whose mean is the probability of a box.

        Each is P/Q of a state whose counts are drawn from Q: from what is allowed of
        every conditional, to some power. So none is wasted, however rare the box is (J.
        Liu, Monte Carlo Strategies in Scientific Computing, 2001, section 3.4). The
        power 1 is best where a box is likely. Where it is not, the states that hold
        most of it may be unlikely at their first counts, and smaller powers find them.
        A first batch draws from all powers in turn; as E_R[P/R P/Q] = E_Q[(P/Q)^2]
        whatever R is, it tells of which the numbers vary least: of one, or of all.
        """
        inside = jnp.asarray(allowed_in(box, self.totalled.lowered.space.caps))
        key = jax.random.fold_in(jax.random.key(self.seed), place)
        turns = np.arange(PILOT) % len(POWERS)
        found = self._inside(model, jax.random.fold_in(key, 1), inside, turns)
        every = _mixed(found)
        second = np.asarray(logsumexp(every[:, None] + found, axis=0))
        if logsumexp(2 * every) < second.min():
            turns = np.arange(INSIDE) % len(POWERS)
            return np.exp(_mixed(self._inside(model, key, inside, turns)))
        best = int(second.argmin())
        turns = np.full(INSIDE, best)
        return np.exp(self._inside(model, key, inside, turns)[:, best])

    def _inside(
        self,
        model: AbstractAutoregressive,
        key: PRNGKeyArray,
        inside: Bool[Array, "variables levels"],
        turns: Int[np.ndarray, " samples"],
    ) -> Float[np.ndarray, "samples powers"]:
        """log P/Q for every power, of states drawn from the powers in `turns`."""
        shape = (len(turns), len(model.order))
        uniforms = jax.random.uniform(key, shape, SUMS)
        parts = [
            np.asarray(
                _inside(
                    model,
                    uniforms[start : start + PILOT],
                    jnp.asarray(turns[start : start + PILOT]),
                    inside,
                )
            )
            for start in range(0, len(turns), PILOT)
        ]
        return np.concatenate(parts)

    def draw(
        self, model: AbstractAutoregressive, number: int, seed: int
    ) -> Integer[np.ndarray, "number variables"]:
        """Independent states."""
        shape = (-(-number // CHUNK) * CHUNK, len(model.order))
        key = jax.random.key(seed)
        uniforms = jax.random.uniform(key, shape, SUMS)
        return self._drawn(model, uniforms)[:number]

    def _sample(
        self, model: AbstractAutoregressive, place: int
    ) -> Integer[np.ndarray, "samples variables"]:
        """Quasi-random samples, shifted anew for every save time."""
        variables = len(self.totalled.lowered.space.caps)
        points = sobol_points(SAMPLES, variables, self.seed)
        key = jax.random.fold_in(jax.random.key(self.seed), place)
        return self._drawn(model, quantiles(key, points, SUMS))

    def _drawn(
        self,
        model: AbstractAutoregressive,
        spread: Float[Array, "size more"],
    ) -> Integer[np.ndarray, "size variables"]:
        """The states at the given quantiles; their number is a multiple of `CHUNK`."""
        small = np.min_scalar_type(int(self.space.caps.max()))
        drawn = (
            np.asarray(_samples(model, spread[start : start + CHUNK]))
            for start in range(0, len(spread), CHUNK)
        )
        return np.concatenate([self.totalled.shorten(n).astype(small) for n in drawn])


@eqx.filter_jit
def _inside(
    model: AbstractAutoregressive,
    uniforms: Float[Array, "chunk variables"],
    turns: Int[Array, " chunk"],
    allowed: Bool[Array, "variables levels"],
) -> Float[Array, "chunk powers"]:
    """log P/Q of states that stay where they are allowed; -inf where none can."""

    def one(
        uniforms: Float[Array, " variables"], turn: Int[Array, ""]
    ) -> Float[Array, " powers"]:
        ordered = jnp.zeros(len(model.order), int)
        ratios = jnp.zeros(len(POWERS), SUMS)
        for position, variable in enumerate(model.order):
            values, log_p = model.branches(ordered, position)
            inside = allowed[variable, values]
            log_q = jnp.stack([within(inside, power)(log_p) for power in POWERS])
            place = at_quantile(jnp.exp(log_q[turn]), uniforms[position])
            ratio = log_p[place] - log_q[:, place]
            is_possible = jnp.any(inside & (log_p > -jnp.inf))
            ratios += jnp.where(is_possible, ratio, -jnp.inf)
            ordered = ordered.at[position].set(values[place])
        return ratios

    return jax.vmap(one)(uniforms, turns)


def _mixed(
    ratios: Float[np.ndarray, "samples powers"],
) -> Float[np.ndarray, " samples"]:
    """log P/R, with R the mean of all Q."""
    return np.log(ratios.shape[1]) - logsumexp(-ratios, axis=1)


@eqx.filter_jit
def _samples(
    model: AbstractAutoregressive, spread: Float[Array, "chunk variables"]
) -> Int[Array, "chunk variables"]:
    return jax.vmap(model.sample)(spread)


def matching_states(
    space: StateSpace, variables: tuple[int, ...], counts: tuple[int, ...]
) -> Integer[np.ndarray, "states variables"] | None:
    """Every state with some copy numbers; `None` for more than `MOST_STATES`."""
    fixed = list(variables)
    kept = [v for v in range(len(space.caps)) if v not in fixed]
    totals = space.totals - space.laws[:, fixed] @ np.array(counts, dtype=np.int64)
    rest = StateSpace(
        names=tuple(space.names[v] for v in kept),
        caps=space.caps[kept],
        laws=space.laws[:, kept],
        totals=totals,
        order=np.argsort([space.order.tolist().index(v) for v in kept]),
    )
    if kept and rest.number_of_states() > MOST_STATES:
        return None
    nothing_left = np.zeros((int((totals == 0).all()), 0), dtype=np.int64)
    others = enumerate_states(rest) if kept else nothing_left
    found = np.zeros((len(others), len(space.caps)), dtype=np.int64)
    found[:, kept], found[:, fixed] = others, counts
    return found


def enumerate_states(space: StateSpace) -> Integer[np.ndarray, "states variables"]:
    """Every state of the box that obeys the laws, in lexicographic order.

    Prefixes are extended one variable at a time; those whose remainders of the laws
    lie outside what the variables to come can take are dropped.
    """
    caps, laws = space.caps, space.laws
    least = np.cumsum(np.minimum(laws * caps, 0)[:, ::-1], axis=1)[:, ::-1]
    most = np.cumsum(np.maximum(laws * caps, 0)[:, ::-1], axis=1)[:, ::-1]
    nothing = np.zeros((len(laws), 1), dtype=np.int64)
    least, most = np.hstack([least, nothing]), np.hstack([most, nothing])
    rows = np.zeros((1, 0), dtype=np.min_scalar_type(int(caps.max())))
    rest = space.totals[None, :]
    for variable, cap in enumerate(caps.tolist()):
        counts = np.arange(cap + 1)
        column = np.tile(counts, len(rows))
        rest = np.repeat(rest, cap + 1, axis=0) - column[:, None] * laws[:, variable]
        after = variable + 1
        is_open = ((rest >= least[:, after]) & (rest <= most[:, after])).all(axis=1)
        grown = np.repeat(rows, cap + 1, axis=0)
        rows = np.hstack([grown, column[:, None].astype(rows.dtype)])[is_open]
        rest = rest[is_open]
    return rows
