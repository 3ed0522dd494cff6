"""The channels around given states, in host memory: rates, neighbours, matrix."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix

from crnlang.solve.pieces import in_pieces
from crnlang.solve.problem import Generator

#: States in one call of the kernel.
CHUNK = 1024
#: Seed of the multipliers of the state hash, one a variable (chance of a collision
#: below 1e-9); the same for every run, which then takes the states in the same order.
HASH_SEED = 20251210


class Surroundings:
    """The channels seen from host memory: propensities and targets of many states."""

    def __init__(self, generator: Generator) -> None:
        self.changes = np.asarray(generator.net_changes)
        random = np.random.default_rng(HASH_SEED)
        variables = self.changes.shape[1]
        self.multipliers = random.integers(1, 2**63 - 1, variables, dtype=np.int64)
        outflux = jax.vmap(generator.outflux, (0, None))
        self._outflux = eqx.filter_jit(lambda counts, t: outflux(counts, t))

    def keys(self, states: Int[np.ndarray, "states variables"]) -> np.ndarray:
        """One 64-bit hash a state."""
        with np.errstate(over="ignore"):
            return states.astype(np.int64) @ self.multipliers

    def propensities(
        self, states: Int[np.ndarray, "states variables"], t: float
    ) -> Float[np.ndarray, "states channels"]:
        """a_k(n) of every state."""
        return in_pieces(lambda n: self._outflux(n, jnp.asarray(t)), states, CHUNK)

    def locate(
        self,
        among: Int[np.ndarray, "states variables"],
        states: Int[np.ndarray, "some variables"],
    ) -> tuple[Bool[np.ndarray, " some"], Int[np.ndarray, " some"]]:
        """Which of `states` are `among` others, and where."""
        keys = self.keys(among)
        sort = np.argsort(keys)
        wanted = self.keys(states)
        place = np.minimum(np.searchsorted(keys[sort], wanted), len(keys) - 1)
        return keys[sort][place] == wanted, sort[place]

    def grow(
        self, states: Int[np.ndarray, "s v"], t: float, most: int
    ) -> tuple[Int[np.ndarray, "grown v"], Float[np.ndarray, "grown k"]]:
        """Add whole layers of reachable states while there is room; the old come first.

        With them, the propensities of all.
        """
        rates = self.propensities(states, t)
        known = self.keys(states)
        edge, edge_rates = states, rates
        while len(states) < most:
            row, channel = np.nonzero(edge_rates > 0)
            targets = edge[row] + self.changes[channel]
            keys, first = np.unique(self.keys(targets), return_index=True)
            new = targets[first[~np.isin(keys, known)]]
            if not len(new) or len(states) + len(new) > most:
                break
            edge, edge_rates = new, self.propensities(new, t)
            states = np.concatenate([states, new])
            rates = np.concatenate([rates, edge_rates])
            known = np.concatenate([known, self.keys(new)])
        return states, rates

    def matrix(
        self, states: Int[np.ndarray, "s v"], rates: Float[np.ndarray, "s k"]
    ) -> tuple[csr_matrix, Float[np.ndarray, " s"]]:
        """The generator on a set, and the rate at which each state leaves the set."""
        row, channel = np.nonzero(rates > 0)
        found, target = self.locate(states, states[row] + self.changes[channel])
        flow = rates[row, channel]
        size = len(states)
        inside = csr_matrix(
            (flow[found], (target[found], row[found])), shape=(size, size)
        )
        leaving = np.bincount(row[~found], flow[~found], size).astype(float)
        diagonal = csr_matrix((rates.sum(axis=1), (range(size), range(size))))
        return inside - diagonal, leaving
