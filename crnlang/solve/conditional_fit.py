"""One conditional fitted to a table over prefixes r and copy numbers m.

Maximised over the weights of one block is

    sum Q(r, m) log P(m | r) - D(r, m) P(m | r) - resistance/2 |theta - theta_start|^2

by natural-gradient steps: of several dampings and lengths the best is taken. D is 0 but
where Q would be below 0, see `solve.adjust`. All sums over the table are exact, and go
through programs of one size; the Fisher matrix, which only has to point the way, is
summed over the likeliest prefixes and a sample of others.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from crnlang.nn.base import Numbers
from crnlang.nn.conditional import PARTS, Conditional, ConditionalNetworks
from crnlang.nn.padding import cropped, padded
from crnlang.solve.mesh import at_rest, devices_apart, on_device
from crnlang.solve.tables import PIECE, Rows, Table

#: Lengths along each direction.
LENGTHS = (2.0, 1.0, 0.4, 0.1)

Weights = Float[np.ndarray, " weights"]


@dataclass(frozen=True, eq=False)
class Objective:
    """What is maximised over the weights of one conditional; `network` is the start.

    `shifts` are the dampings of the Fisher matrix that are tried.
    """

    network: Conditional
    table: Table
    shifts: tuple[float, ...]
    resistance: float = 0.0

    @cached_property
    def start(self) -> Weights:
        """The weights of the start."""
        return np.concatenate([np.ravel(part) for part in PARTS(self.network)])

    def values(
        self, tried: Float[np.ndarray, "tries weights"]
    ) -> Float[np.ndarray, " tries"]:
        """The objective at several weights; -inf where it is not a number."""
        likelihood = sum(
            np.asarray(_likelihoods(self.network, tried, *piece))
            for piece in self.table.pieces
        )
        distance = np.sum((tried - self.start) ** 2, axis=1)
        found = likelihood - self.resistance / 2 * distance
        return np.where(np.isfinite(found), found, -np.inf)

    def factors(self, weights: Weights) -> Float[Array, "shifts weights weights"]:
        """Cholesky factors of the Fisher matrix with every damping."""
        looked_at, shares = self.table.looked_at, self.table.shares
        shifts = np.asarray(self.shifts)
        return _factors(self.network, weights, *looked_at, shares, shifts)

    def improve(
        self,
        weights: Weights,
        factors: Float[Array, "shifts weights weights"] | None = None,
    ) -> tuple[Weights, float]:
        """The best weights after one natural-gradient step, and their value.

        `factors` are those of other weights, if they shall do.
        """
        gradient = -self.resistance * (weights - self.start)
        for piece in self.table.pieces:
            gradient = gradient + np.asarray(_slope(self.network, weights, *piece))
        if factors is None:
            factors = self.factors(weights)
        tried = np.asarray(_steps(weights, gradient, factors))
        found = self.values(tried)
        best = int(np.argmax(found))
        return tried[best], float(found[best])

    def conditional_law(self) -> Float[np.ndarray, "rows levels"]:
        """P(m | r) of the start on the table."""
        return np.concatenate(
            [_law(self.network, x, is_open) for x, is_open, *_ in self.table.pieces]
        )


def law_of(
    model: ConditionalNetworks, place: int, rows: Rows
) -> Float[np.ndarray, "rows levels"]:
    """P(m | r) of every row."""
    network, parts = padded(model, place), len(rows.mass) // PIECE
    pieces = zip(np.split(rows.x, parts), np.split(rows.is_open, parts), strict=True)
    return np.concatenate(
        [_law(network, jnp.asarray(x), jnp.asarray(is_open)) for x, is_open in pieces]
    )


def fit_each(
    model: ConditionalNetworks, fit: Callable[[ConditionalNetworks, int], Weights]
) -> ConditionalNetworks:
    """The network with new weights of every conditional, several fitted at a time.

    `fit` gives those of one network filled up. All in float64, whatever the precision
    of the network: in float32 the damped metric can lose its definiteness to rounding.
    Devices that share batches take the conditionals in turn: a fit does not need more
    than one, and so comes out the same.
    """
    places, devices, resting = (
        range(len(model.networks)),
        devices_apart(),
        at_rest(model),
    )

    def fit_there(place: int) -> Weights:
        with on_device(devices[place % len(devices)]):
            return fit(resting, place)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(fit_there, places))
    blocks = [cropped(model, place, row)[None] for place, row in enumerate(rows)]
    fitted = model.with_weight_blocks(tuple(b.astype(model.dtype) for b in blocks))
    return jax.tree.map(jnp.asarray, fitted)


def _log_law(
    network: Conditional,
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
) -> Float[Array, "rows levels"]:
    logits = network.logits(network.heights(x))
    return jax.nn.log_softmax(jnp.where(is_open, logits, -jnp.inf))


@eqx.filter_jit
def _law(
    network: Conditional,
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
) -> Float[Array, "rows levels"]:
    return jnp.exp(_log_law(network, x, is_open))


def _likelihood(
    network: Conditional,
    weights: Float[Numbers, " weights"],
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
    law: Float[Array, "rows levels"],
    taken: Float[Array, "rows levels"] | None,
) -> Float[Array, ""]:
    """sum Q log P - D P over some rows."""
    log_p = _log_law(network.with_weights(weights), x, is_open)
    likelihood = jnp.sum(law * jnp.where(law != 0, log_p, 0.0))
    if taken is None:
        return likelihood
    return likelihood - jnp.sum(taken * jnp.exp(log_p))


@eqx.filter_jit
def _likelihoods(
    network: Conditional,
    tried: Float[Numbers, "tries weights"],
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
    law: Float[Array, "rows levels"],
    taken: Float[Array, "rows levels"] | None,
) -> Float[Array, " tries"]:
    return jax.lax.map(lambda w: _likelihood(network, w, x, is_open, law, taken), tried)


@eqx.filter_jit
def _slope(
    network: Conditional,
    weights: Float[Numbers, " weights"],
    x: Float[Array, "rows features"],
    is_open: Bool[Array, "rows levels"],
    law: Float[Array, "rows levels"],
    taken: Float[Array, "rows levels"] | None,
) -> Float[Array, " weights"]:
    return jax.grad(lambda w: _likelihood(network, w, x, is_open, law, taken))(weights)


@eqx.filter_jit
def _factors(
    network: Conditional,
    weights: Float[Numbers, " weights"],
    x: Float[Array, "some features"],
    is_open: Bool[Array, "some levels"],
    stress: Float[Array, "some levels"] | None,
    shares: Float[Array, " some"],
    shifts: Float[Numbers, " shifts"],
) -> Float[Array, "shifts weights weights"]:
    there = network.with_weights(weights)
    law = jnp.exp(_log_law(there, x, is_open))
    if stress is not None:
        law = stress * law
        whole = jnp.sum(law, axis=1)
        law, shares = law / whole[:, None], shares * whole
    fisher = there.fisher(x, law, shares)
    one = jnp.eye(len(weights), dtype=fisher.dtype)
    return jax.lax.map(lambda s: jnp.linalg.cholesky(fisher + s * one), shifts)


@eqx.filter_jit
def _steps(
    weights: Float[Numbers, " weights"],
    gradient: Float[Numbers, " weights"],
    factors: Float[Array, "shifts weights weights"],
) -> Float[Array, "tries weights"]:
    """The weights after natural-gradient steps of several dampings and lengths."""

    def along(factor: Float[Array, "weights weights"]) -> Float[Array, "some weights"]:
        direction = jax.scipy.linalg.cho_solve((factor, True), gradient)
        lengths = jnp.asarray(LENGTHS, weights.dtype)[:, None]
        return jnp.add(weights, lengths * direction)

    return jax.lax.map(along, factors).reshape(-1, len(weights))
