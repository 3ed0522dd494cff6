"""The default ansatz: one small network for each conditional, nothing shared.

With weights of its own for every conditional, the scores of different positions are
uncorrelated under P (the later one has mean zero given its prefix), so the Fisher
matrix is exactly block-diagonal: one block a free position.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray
from numpy.polynomial import chebyshev

from crnlang.nn.base import AbstractAutoregressive, Blocks, pick
from crnlang.nn.mask import StateMask

#: Smallest log-probability that the product initial law can carry.
FLOOR = -30.0


class Group(eqx.Module):
    """The networks of some positions, all with the same number of levels.

    logits_p(m) = bias_p[m] + smooth_p[m] . outward_p tanh(inward_p x(n_<p) + shift_p)
    """

    inward: Float[Array, "members width features"]
    shift: Float[Array, "members width"]
    outward: Float[Array, "members basis width"]
    bias: Float[Array, "members levels"]
    #: Smooth functions of the copy number, orthonormal over the levels.
    smooth: Float[Array, "members levels basis"]
    #: 1 where a feature belongs to an earlier position.
    causal: Float[Array, "members features"]
    positions: tuple[int, ...] = eqx.field(static=True)

    def logits(self, x: Float[Array, " features"]) -> Float[Array, "members levels"]:
        """Unnormalised log-probabilities, nothing masked."""
        inward = self.inward * self.causal[:, None, :]
        hidden = jnp.tanh(jnp.einsum("phf,f->ph", inward, x) + self.shift)
        heights = jnp.einsum("prh,ph->pr", self.outward, hidden)
        return self.bias + jnp.einsum("pmr,pr->pm", self.smooth, heights)

    def member(self, number: int) -> "Group":
        """The group that holds one member alone."""
        one = jax.tree.map(lambda leaf: leaf[number : number + 1], self)
        return dataclasses.replace(one, positions=(self.positions[number],))

    def weights(self) -> Float[Array, "members weights"]:
        """All weights, one row a member."""
        parts = (self.inward, self.shift, self.outward, self.bias)
        return jnp.concatenate([w.reshape(w.shape[0], -1) for w in parts], axis=1)

    def with_weights(self, rows: Float[Array, "members weights"]) -> "Group":
        """The same group with other weights."""
        parts = (self.inward, self.shift, self.outward, self.bias)
        ends = np.cumsum([w[0].size for w in parts])
        cut = jnp.split(rows, ends[:-1], axis=1)
        new = [c.reshape(w.shape) for c, w in zip(cut, parts, strict=True)]
        return eqx.tree_at(lambda g: (g.inward, g.shift, g.outward, g.bias), self, new)


class ConditionalNetworks(AbstractAutoregressive):
    """One small network a free position; see `Group`.

    x holds two features a variable, its copy number and the square root of it, both
    scaled to -1..1.
    """

    groups: tuple[Group, ...]
    #: Largest copy number at each free position, and whether it exceeds 1.
    scale: Float[Array, " free"]
    is_counted: Float[Array, " free"]
    order: Int[Array, " variables"]
    inverse: Int[Array, " variables"]
    mask: StateMask

    def _inputs(self, ordered: Int[Array, " variables"]) -> Float[Array, " features"]:
        free = np.asarray(self.mask.free)
        share = ordered[free].astype(self.scale.dtype) / self.scale
        root = jnp.sqrt(share) * self.is_counted
        return jnp.stack([2 * share - 1, 2 * root - self.is_counted], axis=1).reshape(
            -1
        )

    def _masked_logits(
        self, group: Group, x: Float[Array, " features"], allowed: Bool[Array, "v m"]
    ) -> Float[Array, "members levels"]:
        levels = group.bias.shape[1]
        return jnp.where(
            allowed[np.asarray(group.positions), :levels], group.logits(x), -jnp.inf
        )

    def conditionals(
        self, counts: Int[Array, " variables"]
    ) -> Float[Array, "variables levels"]:
        """log P(n_p = m | n_<p); see the base class."""
        ordered = counts[self.order]
        allowed = self.mask.allowed(ordered)
        x = self._inputs(ordered)
        table = jnp.where(allowed, 0.0, -jnp.inf).astype(x.dtype)
        for group in self.groups:
            logits = self._masked_logits(group, x, allowed)
            rows, levels = np.asarray(group.positions), logits.shape[1]
            log_p = jax.nn.log_softmax(logits, axis=1)
            table = table.at[rows, :levels].set(log_p)
        return table

    def log_prob(self, counts: Int[Array, " variables"]) -> Float[Array, ""]:
        """log P of a state that lies in the state space."""
        ordered = counts[self.order]
        allowed = self.mask.allowed(ordered)
        x = self._inputs(ordered)
        total = jnp.zeros((), x.dtype)
        for group in self.groups:
            logits = self._masked_logits(group, x, allowed)
            chosen = pick(logits, ordered[np.asarray(group.positions)])
            total += jnp.sum(chosen - jax.nn.logsumexp(logits, axis=1))
        return total

    def sample(self, uniforms: Float[Array, " variables"]) -> Int[Array, " variables"]:
        """The state at the given quantiles, one position after the other."""
        ordered = jnp.zeros(self.order.shape, int)
        member_at = {
            position: (group, number)
            for group in self.groups
            for number, position in enumerate(group.positions)
        }
        closing = dict(self.mask.determined)
        for position in range(len(self.order)):
            if position in closing:
                value = self.mask.closing_value(ordered, position, closing[position])
            else:
                group, number = member_at[position]
                logits = self._masked_logits(
                    group.member(number),
                    self._inputs(ordered),
                    self.mask.allowed(ordered),
                )[0]
                cdf = jnp.cumsum(jax.nn.softmax(logits))
                below = cdf < uniforms[position] * cdf[-1]
                value = jnp.minimum(jnp.sum(below), len(cdf) - 1)
            ordered = ordered.at[position].set(value.astype(ordered.dtype))
        return ordered[self.inverse]

    def with_product_law(
        self, laws: tuple[Float[np.ndarray, " _levels"], ...]
    ) -> "ConditionalNetworks":
        """The product of `laws`, exactly, down to the floor."""
        groups = []
        for group in self.groups:
            variables = np.asarray(self.order)[list(group.positions)]
            bias = np.full(group.bias.shape, FLOOR)
            for row, variable in enumerate(variables):
                law = laws[variable]
                with np.errstate(divide="ignore"):
                    bias[row, : len(law)] = np.maximum(np.log(law), FLOOR)
            flat = jnp.zeros_like(group.outward), jnp.asarray(bias, group.bias.dtype)
            groups.append(eqx.tree_at(lambda g: (g.outward, g.bias), group, flat))
        return eqx.tree_at(lambda m: m.groups, self, tuple(groups))

    def weight_blocks(self) -> Blocks:
        """One block a free position."""
        return tuple(group.weights() for group in self.groups)

    def with_weight_blocks(self, blocks: Blocks) -> "ConditionalNetworks":
        """The same network with other weights."""
        groups = tuple(
            group.with_weights(rows)
            for group, rows in zip(self.groups, blocks, strict=True)
        )
        return eqx.tree_at(lambda m: m.groups, self, groups)


def build_conditional(
    mask: StateMask,
    order: Int[np.ndarray, " variables"],
    initial: tuple[Float[np.ndarray, " _levels"], ...],
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
    caps = np.asarray(mask.caps)
    numbers: dict[int, list[int]] = {}
    for number, position in enumerate(mask.free):
        numbers.setdefault(int(caps[position]), []).append(number)
    groups = [
        _build_group(mask, members, width, basis, jax.random.fold_in(key, cap))
        for cap, members in sorted(numbers.items())
    ]
    model = ConditionalNetworks(
        groups=tuple(groups),
        scale=jnp.maximum(jnp.asarray(caps[list(mask.free)], float), 1.0),
        is_counted=jnp.asarray(caps[list(mask.free)] > 1, float),
        order=jnp.asarray(order),
        inverse=jnp.asarray(np.argsort(order)),
        mask=mask,
    )
    model = jax.tree.map(
        lambda a: a.astype(dtype) if eqx.is_inexact_array(a) else a, model
    )
    return model.with_product_law(initial)


def _build_group(
    mask: StateMask,
    members: list[int],
    width: int,
    basis: int,
    key: PRNGKeyArray,
) -> Group:
    """The networks of some free positions (by number) that share their levels."""
    positions = tuple(mask.free[number] for number in members)
    cap = int(np.asarray(mask.caps)[positions[0]])
    earlier = np.arange(len(mask.free))[None, :] < np.asarray(members)[:, None]
    causal = np.repeat(earlier.astype(float), 2, axis=1)
    fan_in = np.maximum(causal.sum(axis=1), 1.0)[:, None, None]
    smooth = np.tile(_smooth_functions(cap, basis), (len(members), 1, 1))
    key_in, key_shift = jax.random.split(key)
    shape = (len(members), width)
    return Group(
        inward=jax.random.normal(key_in, (*shape, causal.shape[1])) / np.sqrt(fan_in),
        shift=0.5 * jax.random.normal(key_shift, shape),
        outward=jnp.zeros((len(members), smooth.shape[2], width)),
        bias=jnp.zeros((len(members), cap + 1)),
        smooth=jnp.asarray(smooth),
        causal=jnp.asarray(causal),
        positions=positions,
    )


def _smooth_functions(cap: int, basis: int) -> Float[np.ndarray, "levels basis"]:
    """Polynomials in the square root of the copy number, of degree 1..basis.

    Chebyshev polynomials; for a cap up to `basis` they span every function of the
    copy number (but for the constant, which a softmax does not see).
    """
    degree = min(basis, cap)
    x = 2 * np.sqrt(np.arange(cap + 1) / max(cap, 1)) - 1
    return chebyshev.chebvander(x, degree)[:, 1:]
