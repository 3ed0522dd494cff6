"""Network -> diagnostics: propensities that are negative, infinite or careless.

Constants are checked at sampled times. Written-out propensities are evaluated on a
grid of states that the box and the conservation laws admit: all states where they are
few, evenly spread ones otherwise. So a pass is evidence, not a proof. Where an error
leaves it open which states are admitted, a propensity must be wrong at all of them.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from crnlang.diagnostics import Report, listing
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.expr import Expr, depends_on_time, slots_of
from crnlang.ir.network import Hop, Network, Reaction
from crnlang.passes.errors import (
    BadConstant,
    BadJump,
    BadPropensity,
    IgnoresReactant,
)
from crnlang.passes.laws import Laws, expand_laws

#: About how many states are looked at for one propensity, and how many times.
MAX_STATES = 4096
TIMES = 17
#: At how many sites, where parameters differ between them.
SITES = 16

_FIRES = "the channel fires there: the firing stays inside the box"
_IS_OFF = "the channel is off there: the firing would leave the box"

_States = Int[np.ndarray, "states width"]


def check_propensities(
    network: Network, laws: Laws, caps: Int[np.ndarray, " species"], report: Report
) -> None:
    """Report negative and non-finite propensities, and those that ignore reactants."""
    horizon = horizon_of(network, report)
    unclear = unclear_species(network, laws, report)
    for hop in [h for h in network.hops if report.is_sound(h.span)]:
        _check_constant(network, hop, hop.rate, horizon, report)
    for reaction in [r for r in network.reactions if report.is_sound(r.span)]:
        if reaction.rate is not None:
            _check_constant(network, reaction, reaction.rate, horizon, report)
        else:
            known = laws if unclear.isdisjoint(reaction.variables) else None
            _check_written(network, reaction, known, caps, horizon, report)


def check_jumps(
    network: Network, laws: Laws, caps: Int[np.ndarray, " species"], report: Report
) -> None:
    """Report events that lead out of the box, or to no whole number."""
    for change in [c for c in network.count_changes if report.is_sound(c.span)]:
        states = grid_of(caps[list(change.reads)])
        states = states[obeys(states, change.reads, laws)]
        counts = [column.astype(np.float64) for column in states.T]
        parameters = _Parameters(network, SITES)
        values = evaluate_float64(change.value, counts, parameters, change.time)
        cap = int(caps[change.species])
        is_inside = (values == np.floor(values)) & (values >= 0) & (values <= cap)
        if is_inside.all():
            continue
        where = np.unravel_index(int(np.argmin(is_inside)), values.shape or (1,))
        names = [network.species[v].name for v in change.reads]
        pairs = zip(names, states[where[-1]].tolist(), strict=True)
        state = ", ".join(f"{name} = {count}" for name, count in pairs)
        value = f"{float(np.ravel(values)[np.argmin(is_inside)]):g}"
        name = network.species[change.species].name
        report.add(BadJump(change.span, name, value, f" at {state}" * bool(state), cap))


def check_triggers(
    network: Network, laws: Laws, caps: Int[np.ndarray, " species"], report: Report
) -> None:
    """Report events that wait for a condition and lead out of the box from there."""
    if not network.triggers:
        return
    rows, totals = expand_laws(network, laws, report)
    laws = Laws(rows, totals[:, None], np.zeros(len(rows), dtype=bool))
    caps = np.repeat(caps, [len(block) for block in network.blocks()])
    variables = network.variable_names()
    for trigger in [one for one in network.triggers if report.is_sound(one.span)]:
        read = sorted(slots_of(trigger.condition).union(*map(slots_of, trigger.values)))
        states = grid_of(caps[read])
        states = states[obeys(states, read, laws)]
        counts = np.zeros((len(caps), len(states)))
        counts[read] = states.T
        parameters = _Parameters(network)
        holds = evaluate_float64(trigger.condition, list(counts), parameters, 0.0) != 0
        holds = np.broadcast_to(holds, len(states))
        for variable, value in zip(trigger.variables, trigger.values, strict=True):
            values = evaluate_float64(value, list(counts), parameters, 0.0)
            values = np.broadcast_to(values, len(states))
            cap = int(caps[variable])
            is_inside = (values == np.floor(values)) & (values >= 0) & (values <= cap)
            if (is_inside | ~holds).all():
                continue
            where = int(np.argmax(holds & ~is_inside))
            pairs = zip(read, states[where].tolist(), strict=True)
            state = listing(f"{variables[v]} = {count}" for v, count in pairs)
            name, shown = variables[variable], f"{values[where]:g}"
            report.add(BadJump(trigger.span, name, shown, f" at {state}", cap))
            break


def horizon_of(network: Network, report: Report) -> float:
    """The latest time that the file speaks of; 0 where that could not be read."""
    ends = [time for query in network.queries for time in query.times]
    for solve in network.solves:
        interval = dict(solve.settings).get("t")
        ends += interval if isinstance(interval, tuple) else ()
    default = 0.0 if report.lacks("times") else 1.0
    return max(ends, default=default) or default


def unclear_species(network: Network, laws: Laws, report: Report) -> set[int]:
    """Species whose counts an error leaves open, and those that a law ties to them."""
    found = {i for i, s in enumerate(network.species) if not report.is_sound(s.span)}
    pools = [set(np.flatnonzero(law).tolist()) for law in laws.coefficients]
    return found.union(*(pool for pool in pools if pool & found))


def _times(expr: Expr, horizon: float) -> list[float]:
    if not depends_on_time(expr):
        return [0.0]
    return [float(t) for t in np.linspace(0.0, horizon, TIMES)]


class _Parameters:
    """The parameters; of those that differ between sites a column, of some sites."""

    def __init__(self, network: Network, sites: int | None = None) -> None:
        self.network = network
        self.sites = sites

    def __getitem__(self, index: int) -> float | Float[np.ndarray, "sites 1"]:
        parameter = self.network.parameters[index]
        values = np.array(parameter.site_values)
        if self.sites is not None and len(values) > self.sites:
            values = values[np.linspace(0, len(values) - 1, self.sites).astype(int)]
        return values[:, None] if len(values) else parameter.value


def _check_constant(
    network: Network,
    channel: Reaction | Hop,
    rate: Expr,
    horizon: float,
    report: Report,
) -> None:
    for t in _times(rate, horizon):
        values = evaluate_float64(rate, (), _Parameters(network), t).ravel()
        bad = ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            where = int(np.argmax(bad))
            when = f" at t = {t:g}" if depends_on_time(rate) else ""
            if len(values) > 1 and network.lattice is not None:
                when = f" at {network.lattice.site_labels()[where]}{when}"
            shown = (channel.name, f"{values[where]:g}", when)
            report.add(BadConstant(channel.span, *shown))
            return


def _check_written(
    network: Network,
    reaction: Reaction,
    laws: Laws | None,
    caps: Int[np.ndarray, " species"],
    horizon: float,
    report: Report,
) -> None:
    """Check the states that the laws admit; without laws it is open which these are."""
    local_caps = caps[list(reaction.variables)]
    states = grid_of(local_caps)
    if laws is not None:
        states = states[obeys(states, reaction.variables, laws)]
    targets = states + np.array(reaction.net_change, dtype=np.int64)
    can_fire = _all_of((targets >= 0) & (targets <= local_caps))
    times = _times(reaction.propensity, horizon)
    values = [_values(network, reaction, states, can_fire, t) for t in times]
    for t, at_t in zip(times, values, strict=True):
        bad = can_fire & ~(np.isfinite(at_t) & (at_t >= 0))
        if bad.any() and (laws is not None or (bad == can_fire).all()):
            where = int(np.argmax(bad))
            state = _show(network, reaction, states[where], t)
            shown = (reaction.name, f"{at_t[where]:g}", state)
            report.add(BadPropensity(reaction.span, *shown))
            return
    if laws is None:
        return
    for t, at_t in zip(times, values, strict=True):
        warning = _careless(network, reaction, states, can_fire, at_t, t)
        if warning is not None:
            report.add(warning)
            return


def _all_of(table: Bool[np.ndarray, "states width"]) -> Bool[np.ndarray, " states"]:
    return np.array(table.all(axis=1), dtype=bool)


def _careless(
    network: Network,
    reaction: Reaction,
    states: _States,
    can_fire: Bool[np.ndarray, " states"],
    values: Float[np.ndarray, " states"],
    t: float,
) -> IgnoresReactant | None:
    """The warning for a state that lacks a reactant and has a propensity all the same.

    A state where the channel would even fire is shown rather than one where it is off.
    """
    lacks = states < np.array(reaction.orders, dtype=np.int64)
    careless = ~_all_of(~lacks) & np.isfinite(values) & (values > 0)
    fires = careless & can_fire
    if not careless.any():
        return None
    where = int(np.argmax(fires if fires.any() else careless))
    slot = int(np.argmax(lacks[where]))
    return IgnoresReactant(
        reaction.span,
        reaction.name,
        f"{values[where]:g}",
        _show(network, reaction, states[where], t),
        network.species[reaction.variables[slot]].name,
        reaction.orders[slot],
        _FIRES if can_fire[where] else _IS_OFF,
    )


def _show(
    network: Network, reaction: Reaction, state: Int[np.ndarray, " width"], t: float
) -> str:
    names = [network.species[v].name for v in reaction.variables]
    parts = [f"{n} = {x}" for n, x in zip(names, state.tolist(), strict=True)]
    if depends_on_time(reaction.propensity):
        parts.append(f"t = {t:g}")
    return ", ".join(parts) or "every state"


def _values(
    network: Network,
    reaction: Reaction,
    states: _States,
    can_fire: Bool[np.ndarray, " states"],
    t: float,
) -> Float[np.ndarray, " states"]:
    """The propensity at each state; of those at some sites the worst there."""
    counts = [column.astype(np.float64) for column in states.T]
    parameters = _Parameters(network, SITES)
    values = evaluate_float64(reaction.propensity, counts, parameters, t)
    shape = np.broadcast_shapes(values.shape, (1, len(states)))
    values = np.broadcast_to(values, shape)
    bad = can_fire & ~(np.isfinite(values) & (values >= 0))
    worst = np.where(bad, np.inf, values).argmax(axis=0)
    return values[worst, np.arange(len(states))]


def grid_of(caps: Int[np.ndarray, " width"]) -> _States:
    """All states of the box where they are few, else evenly spread ones."""
    levels = list[list[int]]()
    width = len(caps)
    budget = MAX_STATES
    for done, cap in enumerate(caps.tolist()):
        share = max(2, int(budget ** (1 / (width - done)) + 1e-9))
        if budget < 2:
            chosen = [cap // 2]
        elif cap + 1 <= share:
            chosen = list(range(cap + 1))
        else:
            steps = max(1, share - 3)
            spread = (round(cap * i / steps) for i in range(steps + 1))
            chosen = sorted({0, 1, cap, *spread})
        levels.append(chosen)
        budget = max(1, budget // len(chosen))
    grid = list(itertools.product(*levels))
    return np.array(grid, dtype=np.int64).reshape(len(grid), width)


def obeys(
    states: _States, variables: Sequence[int], laws: Laws
) -> Bool[np.ndarray, " states"]:
    """Whether the rest of the network can complete each state within the laws.

    A law over other species says nothing about these.
    """
    allowed = np.ones(len(states), dtype=bool)
    touching = (laws.coefficients[:, list(variables)] != 0).any(axis=1)
    for law, at_sites, is_local in zip(
        laws.coefficients[touching],
        laws.totals[touching],
        laws.is_local[touching],
        strict=True,
    ):
        part = states @ law[list(variables)]
        outside = np.delete(law, list(variables))
        is_whole = bool(is_local) or len(at_sites) == 1
        elsewhere = outside if is_whole else law
        if not elsewhere.any():
            allowed &= np.isin(part, at_sites)
        elif (elsewhere >= 0).all():
            allowed &= part <= at_sites.max()
        elif (elsewhere <= 0).all():
            allowed &= part >= at_sites.min()
    return allowed
