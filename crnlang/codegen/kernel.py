"""The local generator (W P)(n) / P(n), vectorised by channel family.

Firing rule, shared by every engine: a channel whose target leaves the box 0..cap has
propensity 0, in the in-flux and in the out-flux alike. So probability is conserved on
the box and the mean of the local generator under P is zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Integer, Num

from crnlang.ir.evaluate import evaluate
from crnlang.ir.expr import Expr, depends_on_time, slots_of
from crnlang.ir.lowered import ChannelFamily, LoweredNetwork

#: log P(n + change) - log P(n) of every channel, 0 where the neighbour is outside.
LogRatios = Callable[
    [
        Int[Array, " variables"],
        Int[np.ndarray, "channels variables"],
        Bool[Array, " channels"],
    ],
    Float[Array, " channels"],
]


class Family(eqx.Module):
    """One reaction over its instances; see `ir.lowered.ChannelFamily`.

    `constants` are the parameters that differ between the instances, by their position.
    """

    variables: Int[Array | np.ndarray, "instances width"]
    constants: dict[int, Float[Array, " instances"]]
    net_change: Int[Array | np.ndarray, " width"]
    propensity: Expr = eqx.field(static=True)

    def propensities(
        self,
        local: Num[Array, "instances width"],
        parameters: Float[Array, " parameters"],
        t: Float[Array, ""],
    ) -> Float[Array, " instances"]:
        """a(n) of every instance from the copy numbers it reads, the box ignored."""
        columns = [
            local[:, slot].astype(parameters.dtype) for slot in range(local.shape[1])
        ]
        value = evaluate(self.propensity, columns, self._local(parameters), t, jnp)
        return jnp.broadcast_to(value, local.shape[:1]).astype(parameters.dtype)

    def chosen(self, some: Int[np.ndarray, " some"]) -> "Family":
        """The family with some of its instances alone."""
        constants = {place: values[some] for place, values in self.constants.items()}
        return Family(self.variables[some], constants, self.net_change, self.propensity)

    def _local(
        self, parameters: Float[Array, " parameters"]
    ) -> Sequence[Array] | Array:
        """The parameters at the site of each instance."""
        if not self.constants:
            return parameters
        found = list(parameters)
        for place, values in self.constants.items():
            found[place] = values
        return found


@dataclass(frozen=True, eq=False)
class Constant:
    """One row a channel; a constant of the compiled program."""

    rows: Integer[np.ndarray, "channels variables"] | Bool[np.ndarray, "channels _"]

    def __eq__(self, other: object) -> bool:
        """Equal networks share their compiled programs."""
        return isinstance(other, Constant) and np.array_equal(self.rows, other.rows)

    def __hash__(self) -> int:
        return hash(self.rows.tobytes())


class LocalGenerator(eqx.Module):
    """The chemical master equation of one network, as seen from one state."""

    families: tuple[Family, ...]
    caps: Int[Array | np.ndarray, " variables"]
    parameters: Float[Array, " parameters"]
    changes: Constant = eqx.field(static=True)
    #: The variables that each propensity reads.
    reading: Constant = eqx.field(static=True)
    #: Whether no propensity depends on the time.
    is_autonomous: bool = eqx.field(static=True)

    @property
    def channels(self) -> int:
        """Number of channels: instances of all families."""
        return len(self.changes.rows)

    @property
    def net_changes(self) -> Int[np.ndarray, "channels variables"]:
        """The net change of every channel."""
        return self.changes.rows

    @property
    def reads(self) -> Bool[np.ndarray, "channels variables"]:
        """Whether the propensity of a channel depends on a variable."""
        return self.reading.rows

    def propensities(
        self, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """a_k(n) of every channel, the box ignored."""
        return self._propensities(counts, t)

    def propensities_before(
        self, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """a_k(n - s_k) of every channel, the box ignored: perhaps not a number."""
        return self._propensities(counts, t, fired=jnp.ones(self.channels, bool))

    def chosen(self, some: Int[np.ndarray, " some"]) -> "LocalGenerator":
        """The generator with some channels alone; `some` in increasing order."""
        sizes = [len(family.variables) for family in self.families]
        starts = np.cumsum([0, *sizes[:-1]])
        parts = np.split(some, np.searchsorted(some, starts[1:]))
        pairs = zip(self.families, parts, starts, strict=True)
        return LocalGenerator(
            families=tuple(f.chosen(part - start) for f, part, start in pairs),
            caps=self.caps,
            parameters=self.parameters,
            changes=Constant(self.net_changes[some]),
            reading=Constant(self.reads[some]),
            is_autonomous=self.is_autonomous,
        )

    def outflux(
        self, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """a_k(n) of every channel under the firing rule."""
        inside = self._inside(counts + self.net_changes)
        return jnp.where(inside, self._propensities(counts, t), 0.0)

    def sources(
        self, counts: Int[Array, " variables"]
    ) -> tuple[Int[Array, "channels variables"], Bool[Array, " channels"]]:
        """The state n - s_k that each channel comes from, and whether it is in the box.

        Where it is not, the state itself stands in.
        """
        before = counts - self.net_changes
        inside = self._inside(before)
        return jnp.where(inside[:, None], before, counts), inside

    def source_propensities(
        self, counts: Int[Array, " variables"], t: Float[Array, ""]
    ) -> Float[Array, " channels"]:
        """a_k(n - s_k) of every channel, 0 where n - s_k lies outside the box."""
        inside = self._inside(counts - self.net_changes)
        return jnp.where(inside, self._propensities(counts, t, fired=inside), 0.0)

    def influx(
        self,
        log_ratios: LogRatios,
        counts: Int[Array, " variables"],
        t: Float[Array, ""],
    ) -> Float[Array, " channels"]:
        """r_k(n) = a_k(n - s_k) P(n - s_k) / P(n) of every channel."""
        inside = self._inside(counts - self.net_changes)
        ratios = jnp.exp(log_ratios(counts, -self.net_changes, inside))
        return self.source_propensities(counts, t) * jnp.where(inside, ratios, 0.0)

    def __call__(
        self,
        log_ratios: LogRatios,
        counts: Int[Array, " variables"],
        t: Float[Array, ""],
    ) -> Float[Array, ""]:
        """(W P)(n) / P(n): the relative rate of change of P at one state."""
        return jnp.sum(self.influx(log_ratios, counts, t)) - jnp.sum(
            self.outflux(counts, t)
        )

    def _propensities(
        self,
        counts: Int[Array, " variables"],
        t: Float[Array, ""],
        fired: Bool[Array, " channels"] | None = None,
    ) -> Float[Array, " channels"]:
        """a_k of every channel at n, or at n - s_k where it has `fired`."""
        parts, start = [], 0
        for family in self.families:
            local = counts[family.variables]
            size = len(local)
            if fired is not None:
                own = fired[start : start + size, None]
                local = local - jnp.where(own, family.net_change, 0)
            parts.append(family.propensities(local, self.parameters, t))
            start += size
        return jnp.concatenate(parts)

    def _inside(self, states: Int[Array, "states variables"]) -> Bool[Array, " states"]:
        return jnp.all((states >= 0) & (states <= self.caps), axis=1)


def build_kernel(lowered: LoweredNetwork) -> LocalGenerator:
    """The local generator of a network."""
    return LocalGenerator(
        families=tuple(build_family(f, lowered) for f in lowered.families),
        caps=lowered.space.caps,
        parameters=jnp.asarray(lowered.parameters, float),
        changes=Constant(_net_changes(lowered)),
        reading=Constant(_reads(lowered)),
        is_autonomous=not any(depends_on_time(f.propensity) for f in lowered.families),
    )


def build_family(family: ChannelFamily, lowered: LoweredNetwork) -> Family:
    """One family for JAX, with the parameters that differ between its instances."""
    constants = {
        place: jnp.asarray(values[family.sites], float)
        for place, values in lowered.site_parameters.items()
    }
    return Family(family.variables, constants, family.net_change, family.propensity)


def _net_changes(lowered: LoweredNetwork) -> Int[np.ndarray, "channels variables"]:
    """The net change of every instance of every family, a row each."""
    variables = len(lowered.space.caps)
    parts = []
    for family in lowered.families:
        rows = np.zeros((len(family.variables), variables), dtype=np.int64)
        np.add.at(
            rows,
            (np.arange(len(rows))[:, None], family.variables),
            family.net_change,
        )
        parts.append(rows)
    return np.concatenate(parts)


def _reads(lowered: LoweredNetwork) -> Bool[np.ndarray, "channels variables"]:
    """Which variables the propensity of every channel reads."""
    parts = []
    for family in lowered.families:
        rows = np.zeros((len(family.variables), len(lowered.space.caps)), bool)
        slots = sorted(slots_of(family.propensity))
        rows[np.arange(len(rows))[:, None], family.variables[:, slots]] = True
        parts.append(rows)
    return np.concatenate(parts)
