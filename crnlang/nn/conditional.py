"""The default ansatz: one small network for each conditional, nothing shared.

With weights of its own for every conditional, the scores of different positions are
uncorrelated under P (the later one has mean zero given its prefix), so the Fisher
matrix is exactly block-diagonal: one block a free position.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray
from numpy.polynomial import chebyshev

from crnlang.nn.base import AbstractAutoregressive
from crnlang.nn.mask import StateMask

#: log-probability given to copy numbers that the initial law excludes.
FLOOR = -30.0


class ConditionalNetworks(AbstractAutoregressive):
    """logits_p(m) = bias_p[m] + B_p(m) . outward_p tanh(inward_p x(n_<p) + shift_p).

    B_p are smooth functions of the copy number (Chebyshev polynomials of its square
    root), x two features a variable: the copy number and its square root, both scaled
    to -1..1. All weights carry the axis `free` (positions with a choice) first.
    """

    inward: Float[Array, "free width features"]
    shift: Float[Array, "free width"]
    outward: Float[Array, "free basis width"]
    bias: Float[Array, "free levels"]
    features: Float[Array, "variables levels 2"]
    smooth: Float[Array, "free levels basis"]
    causal: Float[Array, "free features"]
    order: Int[Array, " variables"]
    inverse: Int[Array, " variables"]
    mask: StateMask

    def logits(self, ordered: Int[Array, " variables"]) -> Float[Array, "free levels"]:
        """Unnormalised log-probabilities at the free positions, nothing masked."""
        free = np.asarray(self.mask.free)
        x = self.features[free, ordered[free]].reshape(-1)
        hidden = jnp.tanh(
            jnp.einsum("phf,pf->ph", self.inward, self.causal * x) + self.shift
        )
        heights = jnp.einsum("prh,ph->pr", self.outward, hidden)
        return self.bias + jnp.einsum("pmr,pr->pm", self.smooth, heights)

    def conditionals(
        self, counts: Int[Array, " variables"]
    ) -> Float[Array, "variables levels"]:
        """log P(n_p = m | n_<p); see the base class."""
        ordered = counts[self.order]
        free = np.asarray(self.mask.free)
        allowed = self.mask.allowed(ordered)
        table = jnp.where(allowed, 0.0, -jnp.inf)
        log_p = jax.nn.log_softmax(
            jnp.where(allowed[free], self.logits(ordered), -jnp.inf), axis=1
        )
        return table.astype(log_p.dtype).at[free].set(log_p)

    def log_prob(self, counts: Int[Array, " variables"]) -> Float[Array, ""]:
        """log P of a state inside the state space."""
        ordered = counts[self.order]
        free = np.asarray(self.mask.free)
        allowed = self.mask.allowed(ordered)[free]
        logits = jnp.where(allowed, self.logits(ordered), -jnp.inf)
        chosen = jnp.take_along_axis(logits, ordered[free][:, None], axis=1)[:, 0]
        return jnp.sum(chosen - jax.nn.logsumexp(logits, axis=1))

    def sample(self, uniforms: Float[Array, " variables"]) -> Int[Array, " variables"]:
        """The state at the given quantiles, one position after the other."""
        ordered = jnp.zeros(self.order.shape, int)
        determined = dict(self.mask.determined)
        free_number = {p: i for i, p in enumerate(self.mask.free)}
        for position in range(len(self.order)):
            if position in determined:
                ordered = self._determine(ordered, position, determined[position])
                continue
            number = free_number[position]
            logits = self._logits_at(ordered, number)
            allowed = self.mask.allowed(ordered)[position]
            p = jax.nn.softmax(jnp.where(allowed, logits, -jnp.inf))
            cdf = jnp.cumsum(p)
            level = jnp.sum(cdf < uniforms[position] * cdf[-1])
            ordered = ordered.at[position].set(
                jnp.clip(level, 0, self.mask.levels - 1).astype(ordered.dtype)
            )
        return ordered[self.inverse]

    def _logits_at(
        self, ordered: Int[Array, " variables"], number: int
    ) -> Float[Array, " levels"]:
        """Logits of one free position."""
        free = np.asarray(self.mask.free)
        x = self.causal[number] * self.features[free, ordered[free]].reshape(-1)
        hidden = jnp.tanh(self.inward[number] @ x + self.shift[number])
        return self.bias[number] + self.smooth[number] @ (self.outward[number] @ hidden)

    def _determine(
        self, ordered: Int[Array, " variables"], position: int, law: int
    ) -> Int[Array, " variables"]:
        """Set the position that closes a law."""
        row = self.mask.law_rows[law]
        rest = self.mask.totals[law] - row[:position] @ ordered[:position]
        return ordered.at[position].set(rest // row[position])


def build_conditional(
    mask: StateMask,
    order: Int[np.ndarray, " variables"],
    initial: tuple[Float[np.ndarray, " levels"], ...],
    *,
    width: int,
    basis: int,
    key: PRNGKeyArray,
    dtype: np.dtype,
) -> ConditionalNetworks:
    """A network whose law is the product of `initial`, exactly, down to the floor.

    **Arguments:**

    - `mask`: the state space along `order`.
    - `initial`: law of every variable over `0..cap`, in variable order.
    - `width`, `basis`: hidden units and smooth output functions of each conditional.
    """
    free = np.asarray(mask.free)
    caps = np.asarray(mask.caps)
    levels = mask.levels
    inputs = 2 * len(free)
    key_in, key_shift = jax.random.split(key)
    earlier = np.repeat(np.tril(np.ones((len(free), len(free))), -1), 2, axis=1)
    fan_in = np.maximum(earlier.sum(1), 1.0)[:, None, None]
    bias = np.full((len(free), levels), FLOOR)
    for number, position in enumerate(free):
        law = initial[order[position]]
        with np.errstate(divide="ignore"):
            bias[number, : len(law)] = np.maximum(np.log(law), FLOOR)
    inward = jax.random.normal(key_in, (len(free), width, inputs)) / np.sqrt(fan_in)
    return ConditionalNetworks(
        inward=inward.astype(dtype),
        shift=0.5 * jax.random.normal(key_shift, (len(free), width)).astype(dtype),
        outward=jnp.zeros((len(free), basis, width), dtype),
        bias=jnp.asarray(bias, dtype),
        features=jnp.asarray(_features(caps, levels), dtype),
        smooth=jnp.asarray(_smooth_functions(caps[free], levels, basis), dtype),
        causal=jnp.asarray(earlier, dtype),
        order=jnp.asarray(order),
        inverse=jnp.asarray(np.argsort(order)),
        mask=mask,
    )


def _features(
    caps: Int[np.ndarray, " variables"], levels: int
) -> Float[np.ndarray, "variables levels 2"]:
    """Copy number and its square root, scaled to -1..1."""
    share = np.arange(levels) / np.maximum(caps, 1)[:, None]
    table = np.stack([2 * share - 1, 2 * np.sqrt(share) - 1], axis=-1)
    table[caps <= 1, :, 1] = 0.0
    return table


def _smooth_functions(
    caps: Int[np.ndarray, " free"], levels: int, basis: int
) -> Float[np.ndarray, "free levels basis"]:
    """Chebyshev polynomials of degree 1..basis in the square root of the share."""
    tables = np.zeros((len(caps), levels, basis))
    for number, cap in enumerate(caps):
        degree = min(basis, int(cap))
        x = 2 * np.sqrt(np.arange(cap + 1) / max(cap, 1)) - 1
        tables[number, : cap + 1, :degree] = chebyshev.chebvander(x, degree)[:, 1:]
    return tables
