"""The law of a network at one time, as states with weights.

Every state where they are few enough, its probability computed: an exact read-out.
Else quasi-random samples; and where a question is about a box, samples that stay in it.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Integer

from crnlang.ir.lowered import StateSpace
from crnlang.nn.base import SUMS, AbstractAutoregressive
from crnlang.passes.boxes import Box, allowed_in
from crnlang.passes.totals import Totalled
from crnlang.results.summary import Snapshot
from crnlang.settings import NeuralSettings
from crnlang.solve.batch import quantiles, sobol_points
from crnlang.solve.outcome import EngineError
from crnlang.solve.pieces import log_probs

#: Up to so many states every probability is computed.
MOST_STATES = 500_000
#: Samples of the law where there are more states; a power of 2 suits Sobol points.
SAMPLES = 2**17
#: Samples in one call of the network: bounds its memory.
CHUNK = 2**13
#: Samples that stay in a box.
INSIDE = 2**14
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

        Each is the product of P(allowed | counts before) along a state whose counts are
        drawn from what is allowed: so none is wasted, however rare the box is (J. Liu,
        Monte Carlo Strategies in Scientific Computing, 2001, section 3.4).
        """
        inside = jnp.asarray(allowed_in(box, self.totalled.lowered.space.caps))
        key = jax.random.fold_in(jax.random.key(self.seed), place)
        shape = (INSIDE, len(model.order))
        uniforms = jax.random.uniform(key, shape, SUMS)
        parts = [
            np.asarray(_chances(model, uniforms[start : start + CHUNK], inside))
            for start in range(0, INSIDE, CHUNK)
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
def _chances(
    model: AbstractAutoregressive,
    uniforms: Float[Array, "chunk variables"],
    allowed: Bool[Array, "variables levels"],
) -> Float[Array, " chunk"]:
    """The product of P(allowed | counts before) along states that stay there."""

    def one(uniforms: Float[Array, " variables"]) -> Float[Array, ""]:
        ordered = jnp.zeros(len(model.order), int)
        chance = jnp.zeros((), SUMS)
        for position, variable in enumerate(model.order):
            values, log_p = model.branches(ordered, position)
            inside = jnp.where(allowed[variable, values], log_p, -jnp.inf)
            most = jnp.max(inside)
            shares = jnp.exp(inside - jnp.where(most > -jnp.inf, most, 0.0))
            cdf = jnp.cumsum(shares)
            chance += jnp.log(cdf[-1]) + most
            below = cdf <= uniforms[position] * cdf[-1]
            value = values[jnp.minimum(jnp.sum(below), len(cdf) - 1)]
            ordered = ordered.at[position].set(value)
        return jnp.exp(chance)

    return jax.vmap(one)(uniforms)


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
