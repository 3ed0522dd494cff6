"""States that stand for a law: the likeliest one by one, a sample of all others.

The likeliest are those with the largest P(n) + dt (flow into n), so the states that the
law is about to need are among them. They weigh P(n). The others come from a race of
distinct states (`solve.race`) and weigh P(n) over the probability that they are in it,
so sums over the selection are unbiased, and exact where it holds every state.
"""

from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from crnlang.nn.base import AbstractAutoregressive
from crnlang.solve.mesh import readable
from crnlang.solve.pieces import in_pieces, log_probs, over_batch, piece_size
from crnlang.solve.problem import Generator
from crnlang.solve.race import race
from crnlang.solve.surroundings import CHUNK, Surroundings

#: How many times the states that just became likely are fired on to find more.
ROUNDS = 3
#: States that will hold less than this are not worth a place.
NEGLIGIBLE = 1e-15
#: States that were less likely to be drawn than this do not stand for others: what
#: flows into one of them would count for more than there is.
RARELY = 1e-4


@dataclass(frozen=True, eq=False)
class Selection:
    """States with P(n), and the channels around them.

    A state stands for `stands_for` states of its probability, so it weighs
    P(n) stands_for(n), and the weights add up to 1. `rates` are a_k(n); `source` is the
    flow into each state from states that are not selected. `covered` is P of the states
    that are followed one by one, and `effective_size` how many independent draws from P
    would be as exact.
    """

    states: Int[np.ndarray, "states variables"]
    law: Float[np.ndarray, " states"]
    stands_for: Float[np.ndarray, " states"]
    rates: Float[np.ndarray, "states channels"]
    source: Float[np.ndarray, " states"]
    covered: float
    effective_size: float

    @property
    def weights(self) -> Float[np.ndarray, " states"]:
        """The share of the law that each state stands for; the sum is 1."""
        return self.law * self.stands_for


class Selector:
    """Selects again and again under changing models with the same programs."""

    def __init__(self, generator: Generator, most: int, samples: int) -> None:
        self.around = Surroundings(generator)
        self.generator = generator
        self.most = most
        self.samples = samples

    def select(
        self, model: AbstractAutoregressive, key: PRNGKeyArray, t: float, dt: float
    ) -> Selection:
        """The states to follow in a step of about `dt` from time t."""
        drawn = _race(model, self.most + self.samples, key)
        raced = np.asarray(drawn.counts)[np.asarray(drawn.arrived)]
        law = np.exp(log_probs(model, raced))
        states, gain = self._next_states(raced, law, t, dt)
        if len(states) > len(raced):
            law = np.append(law, np.exp(log_probs(model, states[len(raced) :])))
        score = law + gain
        is_likely = np.ones(len(states), bool)
        if len(states) > self.most:
            is_likely = score >= np.partition(score, -self.most)[-self.most]
        seen = -np.expm1(-np.minimum(float(drawn.limit) * law, 700.0))
        is_sampled = (np.arange(len(states)) < len(raced)) & (seen > RARELY)
        is_kept = (is_likely | is_sampled) & (law > 0)
        states, law, is_likely = states[is_kept], law[is_kept], is_likely[is_kept]
        share = np.where(is_likely, 1.0, seen[is_kept])
        stands_for = 1 / share
        stands_for /= law @ stands_for
        noise = np.sum((law * stands_for) ** 2 * (1 - share))
        return Selection(
            states,
            law,
            stands_for,
            self.around.propensities(states, t),
            self._from_outside(model, states, law, t),
            float(law[is_likely].sum()),
            1.0 / noise if noise > 0 else np.inf,
        )

    def _next_states(
        self,
        raced: Int[np.ndarray, "raced variables"],
        law: Float[np.ndarray, " raced"],
        t: float,
        dt: float,
    ) -> tuple[Int[np.ndarray, "states variables"], Float[np.ndarray, " states"]]:
        """The states and about `most` others that probability will flow into next.

        With them, about how much will flow into the others. Every round has the same
        room, so that the first does not fill it with states that hardly matter. The
        raced states are selected in any case: what flows into them does not count, so
        that others find a place.
        """
        states, gain = raced, np.zeros(len(raced))
        edge, mass = raced, law
        for _ in range(ROUNDS):
            rates = self.around.propensities(edge, t)
            row, channel = np.nonzero(rates > 0)
            targets = edge[row] + self.around.changes[channel]
            _, first, where = np.unique(
                self.around.keys(targets), return_index=True, return_inverse=True
            )
            flow = np.bincount(where.ravel(), rates[row, channel] * mass[row])
            flow = np.minimum(dt * flow, 1.0)
            is_known, place = self.around.locate(states, targets[first])
            gain[place[is_known]] += flow[is_known]
            is_new = ~is_known & (flow > NEGLIGIBLE)
            room = -(-self.most // ROUNDS)
            best = np.argsort(-flow[is_new], kind="stable")[:room]
            if not len(best):
                break
            edge, mass = targets[first[is_new][best]], flow[is_new][best]
            states, gain = np.concatenate([states, edge]), np.append(gain, mass)
        gain[: len(raced)] = 0.0
        return states, gain

    def _from_outside(
        self,
        model: AbstractAutoregressive,
        states: Int[np.ndarray, "states variables"],
        law: Float[np.ndarray, " states"],
        t: float,
    ) -> Float[np.ndarray, " states"]:
        """The flow into every state from states that are not among them."""
        time = jnp.asarray(t)
        influx = in_pieces(
            lambda piece: _influx(model, self.generator, piece, time), states, CHUNK
        )
        row, channel = np.nonzero(influx > 0)
        sources = states[row] - self.around.changes[channel]
        is_inside = self.around.locate(states, sources)[0]
        share = np.where(is_inside, 0.0, influx[row, channel])
        return law * np.bincount(row, share, len(states))


_race = eqx.filter_jit(race)


@eqx.filter_jit
def _influx(
    model: AbstractAutoregressive,
    generator: Generator,
    states: Int[Array, "states variables"],
    t: Float[Array, ""],
) -> Float[Array, "states channels"]:
    """r_k(n) of every channel."""
    size = piece_size(model, generator)
    influx = eqx.Partial(generator.influx, model.log_ratios, t=t)
    return readable(over_batch(influx, states, size))
