"""The network as the engines see it: variables, a state space, families of channels.

Axes: `variables` (species times sites), `laws`, `instances` (of one family, one a
site or an edge), `width` (variables that one channel touches), `parameters`, `sites`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from crnlang.diagnostics import Span
from crnlang.ir.counting import count_states
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Expr
from crnlang.ir.network import Network


@dataclass(frozen=True, eq=False)
class StateSpace:
    """The box `0..cap` of every variable, cut by the conservation laws.

    `order` is the autoregressive order: `order[p]` is the variable at position `p`.
    """

    names: tuple[str, ...]
    caps: Int[np.ndarray, " variables"]
    laws: Int[np.ndarray, "laws variables"]
    totals: Int[np.ndarray, " laws"]
    order: Int[np.ndarray, " variables"]

    def box_size(self) -> int:
        """Number of states in the box, conservation laws ignored."""
        size = 1
        for cap in self.caps.tolist():
            size *= cap + 1
        return size

    def number_of_states(self) -> int:
        """Number of states in the box that obey every conservation law.

        Exact, or an upper bound where counting would take too long.
        """
        return count_states(self.caps, self.laws, self.totals, self.order)


@dataclass(frozen=True, eq=False)
class ChannelFamily:
    """One reaction (or several with the same net change) over all its instances.

    `Count(slot)` in `propensity` is the copy number of column `slot` of `variables`;
    `sites` are the sites whose parameters each instance reads.
    """

    name: str
    reactions: tuple[str, ...]
    variables: Int[np.ndarray, "instances width"]
    sites: Int[np.ndarray, " instances"]
    net_change: Int[np.ndarray, " width"]
    propensity: Expr
    span: Span = field(repr=False)


@dataclass(frozen=True, eq=False)
class Jump:
    """At a time, copy numbers become others, all at once.

    `Count(slot)` in `value` is the copy number, just before, of column `slot` of
    `variables`; `targets` are the variables that change, `sites` those of parameters.
    """

    time: float
    targets: Int[np.ndarray, " instances"]
    variables: Int[np.ndarray, "instances width"]
    sites: Int[np.ndarray, " instances"]
    value: Expr


@dataclass(frozen=True, eq=False)
class StartLaw:
    """A law at the start that is no product: distinct states, their probabilities."""

    states: Int[np.ndarray, "states variables"]
    weights: Float[np.ndarray, " states"]


@dataclass(frozen=True, eq=False)
class LoweredNetwork:
    """Everything an engine needs; `network` is kept for names and questions.

    `initial[v]` is the law of variable `v` at the start, over `0..cap`; the initial
    law is their product. Parameters that differ between sites are nan in `parameters`
    and stand in `site_parameters` by their position there. A `start` stands in for the
    product of the `initial` laws where a question asks for another one; of the engines,
    only `fsp` reads it.
    """

    network: Network
    space: StateSpace
    families: tuple[ChannelFamily, ...]
    parameters: Float[np.ndarray, " parameters"]
    initial: tuple[Float[np.ndarray, " _levels"], ...]
    site_parameters: Mapping[int, Float[np.ndarray, " sites"]] = field(
        default_factory=dict[int, Float[np.ndarray, " sites"]]
    )

    jumps: tuple[Jump, ...] = ()
    start: StartLaw | None = None

    def after_jumps(
        self, time: float, states: Int[np.ndarray, "states variables"]
    ) -> Int[np.ndarray, "states variables"]:
        """What states become in the jumps at a time; perhaps outside the box.

        A value that is no whole number counts as outside.
        """
        found = states.copy()
        for jump in self.jumps:
            if jump.time == time:
                counts = [states[:, column].T for column in jump.variables.T]
                constants = [
                    np.reshape(one, (-1, 1)) if np.ndim(one) else one
                    for one in self.constants(jump)
                ]
                values = evaluate_float64(jump.value, counts, constants, time)
                whole = np.where(values == np.floor(values), values, -1)
                shape = (len(jump.targets), len(states))
                found[:, jump.targets] = np.broadcast_to(whole, shape).T
        return found

    def constants(
        self, family: ChannelFamily | Jump
    ) -> list[float | Float[np.ndarray, " instances"]]:
        """The parameters as a family reads them: numbers, or one for each instance."""
        return [
            self.site_parameters[i][family.sites] if i in self.site_parameters else one
            for i, one in enumerate(self.parameters.tolist())
        ]

    def variables_of(self, names: Sequence[str]) -> tuple[int, ...]:
        """Positions of variables by name; `KeyError` for one that is unknown."""
        index = {name: i for i, name in enumerate(self.space.names)}
        return tuple(index[name] for name in names)
