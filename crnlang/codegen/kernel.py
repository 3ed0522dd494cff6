"""The local generator (W P)(n) / P(n), vectorised by channel family.

Firing rule, shared by every engine: a channel whose target leaves the box 0..cap has
propensity 0, in the in-flux and in the out-flux alike. So probability is conserved on
the box and the mean of the local generator under P is zero.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from crnlang.ir.expr import Expr, depends_on_time, evaluate
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork

LogProb = Callable[[Int[Array, " variables"]], Float[Array, ""]]


class Family(eqx.Module):
    """One reaction over its instances; see `ir.lowered.ChannelFamily`."""

    variables: Int[np.ndarray, "instances width"]
    net_change: Int[np.ndarray, " width"]
    propensity: Expr = eqx.field(static=True)

    def propensities(
        self,
        counts: Int[Array, " variables"],
        parameters: Float[Array, " parameters"],
        t: Float[Array, ""],
    ) -> Float[Array, " instances"]:
        """a(n) of every instance, the box ignored."""
        local = counts[self.variables].astype(parameters.dtype)
        columns = [local[:, slot] for slot in range(local.shape[1])]
        value = evaluate(self.propensity, columns, parameters, t, jnp)
        return jnp.broadcast_to(value, local.shape[:1]).astype(parameters.dtype)

    def shifted(
        self, counts: Int[Array, " variables"], sign: int
    ) -> Int[Array, "instances variables"]:
        """The counts after (`sign = 1`) or before (`-1`) a firing of each instance."""
        instances = self.variables.shape[0]
        rows = np.arange(instances)[:, None]
        base = jnp.broadcast_to(counts, (instances, *counts.shape))
        return base.at[rows, self.variables].add(sign * self.net_change)


class LocalGenerator(eqx.Module):
    """The chemical master equation of one network, as seen from one state."""

    families: tuple[Family, ...]
    caps: Int[np.ndarray, " variables"]
    parameters: Float[Array, " parameters"]
    #: Whether no propensity depends on the time.
    is_autonomous: bool = eqx.field(static=True)

    @property
    def channels(self) -> int:
        """Number of channels: instances of all families."""
        return sum(family.variables.shape[0] for family in self.families)

    @property
    def net_changes(self) -> Int[Array, "channels variables"]:
        """The net change of every channel."""
        zero = jnp.zeros(self.caps.shape, int)
        return jnp.concatenate([family.shifted(zero, 1) for family in self.families])

    def outflux(
        self, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """a_k(n) of every channel under the firing rule."""
        parts = [
            jnp.where(
                self._inside(family.shifted(counts, 1)),
                family.propensities(counts, self.parameters, t),
                0.0,
            )
            for family in self.families
        ]
        return jnp.concatenate(parts)

    def sources(
        self, counts: Int[Array, " variables"]
    ) -> tuple[Int[Array, "channels variables"], Bool[Array, " channels"]]:
        """The state n - s_k that each channel comes from, and whether it is in the box.

        Where it is not, the state itself stands in.
        """
        before = jnp.concatenate([f.shifted(counts, -1) for f in self.families])
        inside = self._inside(before)
        return jnp.where(inside[:, None], before, counts), inside

    def influx(
        self, log_prob: LogProb, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """r_k(n) = a_k(n - s_k) P(n - s_k) / P(n) of every channel."""
        before, inside = self.sources(counts)
        parts = []
        start = 0
        for family in self.families:
            size = family.variables.shape[0]
            own = before[start : start + size]
            each = jax.vmap(family.propensities, in_axes=(0, None, None))
            parts.append(jnp.diagonal(each(own, self.parameters, t)))
            start += size
        log_ratio = jax.vmap(log_prob)(before) - log_prob(counts)
        flows = jnp.concatenate(parts)
        safe = jnp.where(inside, log_ratio, 0.0)
        return jnp.where(inside, flows * jnp.exp(safe), 0.0)

    def __call__(
        self, log_prob: LogProb, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, ""]:
        """(W P)(n) / P(n): the relative rate of change of P at one state."""
        return jnp.sum(self.influx(log_prob, counts, t)) - jnp.sum(
            self.outflux(counts, t)
        )

    def _inside(self, states: Int[Array, "states variables"]) -> Bool[Array, " states"]:
        return jnp.all((states >= 0) & (states <= self.caps), axis=1)


def build_kernel(lowered: LoweredNetwork, dtype: np.dtype) -> LocalGenerator:
    """The local generator of a network, in the given floating-point type."""
    return LocalGenerator(
        families=tuple(_build_family(family) for family in lowered.families),
        caps=lowered.space.caps,
        parameters=jnp.asarray(lowered.parameters, dtype),
        is_autonomous=not any(depends_on_time(f.propensity) for f in lowered.families),
    )


def _build_family(family: ChannelFamily) -> Family:
    return Family(family.variables, family.net_change, family.propensity)
