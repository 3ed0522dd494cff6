"""Random networks."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from crnlang.diagnostics import Report, SourceText, Span
from crnlang.ir.expr import (
    Count,
    Expr,
    Function,
    ParameterRef,
    Time,
    call,
    move_slots,
    number,
    product,
    slots_of,
)
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import (
    Delta,
    Initial,
    MassAction,
    Network,
    Parameter,
    Reaction,
    Species,
    Uniform,
)
from crnlang.passes import run_passes

#: How a strategy draws: `draw(strategy)` gives a value.
Draw = Callable[[st.SearchStrategy[Any]], Any]

_SOURCE = SourceText("<random network>", "")
_SPAN = Span(_SOURCE, 0, 0)
_FACTORS = {
    MassAction.FALLING: Function.FALLING,
    MassAction.BINOMIAL: Function.BINOMIAL,
    MassAction.POWER: Function.POW,
}


@st.composite
def networks(
    draw: Draw,
    max_species: int = 4,
    max_cap: int = 4,
    max_reactions: int = 6,
    *,
    with_time: bool = True,
) -> Network:
    """A small network that passes every pass, perhaps with warnings.

    1..`max_species` species with declared caps 1..`max_cap`, starting at a fixed count
    or uniformly; 1..`max_reactions` reactions that change something, with mass action
    in one of the three conventions or with a written-out propensity (Hill functions,
    conditions and, `with_time`, a periodic factor).
    """
    species = tuple(
        _species(draw, f"X{i}", max_cap)
        for i in range(draw(st.integers(1, max_species)))
    )
    values = draw(st.lists(_RATES, min_size=1, max_size=3))
    parameters = tuple(
        Parameter(f"k{i}", value, None, None, is_log=False, unit=None, span=_SPAN)
        for i, value in enumerate(values)
    )
    convention = draw(st.sampled_from(MassAction))
    sizes = (len(species), len(parameters))
    reactions = tuple(
        _reaction(draw, f"r{i + 1}", sizes, convention, with_time=with_time)
        for i in range(draw(st.integers(1, max_reactions)))
    )
    return Network(
        name="random",
        title="",
        massaction=convention,
        species=species,
        parameters=parameters,
        reactions=reactions,
        observables=(),
        sets=(),
        queries=(),
        solves=(),
        source=_SOURCE,
    )


def lowered_networks(**options: Any) -> st.SearchStrategy[LoweredNetwork]:
    """The same networks after the passes; `options` as for `networks`."""
    return networks(**options).map(lower)


def lower(network: Network) -> LoweredNetwork:
    """A network after the passes, its warnings dropped."""
    return run_passes(network, Report())


_RATES = st.floats(0.1, 3.0).map(lambda value: round(value, 3))


def _species(draw: Draw, name: str, max_cap: int) -> Species:
    cap = draw(st.integers(1, max_cap))
    initial: Initial = Delta(draw(st.integers(0, cap)))
    if draw(st.booleans()) and draw(st.booleans()):
        initial = Uniform(0, draw(st.integers(0, cap)))
    return Species(name, cap, initial, _SPAN)


def _reaction(
    draw: Draw,
    name: str,
    sizes: tuple[int, int],
    convention: MassAction,
    *,
    with_time: bool,
) -> Reaction:
    species, parameters = sizes
    touched = draw(
        st.lists(
            st.integers(0, species - 1),
            min_size=1,
            max_size=min(species, 3),
            unique=True,
        )
    )
    copies = st.lists(st.integers(0, 2), min_size=len(touched), max_size=len(touched))
    orders, products = draw(
        st.tuples(copies, copies).filter(lambda pair: pair[0] != pair[1])
    )
    rate: Expr = ParameterRef(draw(st.integers(0, parameters - 1)))
    factors = _mass_action(orders, convention)
    if is_written_out := draw(st.booleans()):
        factors.append(_law(draw, len(touched), with_time=with_time))
    reaction = Reaction(
        name=name,
        variables=tuple(touched),
        orders=tuple(orders),
        net_change=tuple(p - o for o, p in zip(orders, products, strict=True)),
        propensity=product([rate, *factors]),
        rate=None if is_written_out else rate,
        span=_SPAN,
    )
    return _without_idle(reaction)


def _without_idle(reaction: Reaction) -> Reaction:
    """The same reaction without variables that it neither reads nor moves."""
    read = slots_of(reaction.propensity)
    kept = [
        slot
        for slot, pair in enumerate(
            zip(reaction.orders, reaction.net_change, strict=True)
        )
        if any(pair) or slot in read
    ]
    moves = [0] * len(reaction.variables)
    for place, slot in enumerate(kept):
        moves[slot] = place
    return replace(
        reaction,
        variables=tuple(reaction.variables[slot] for slot in kept),
        orders=tuple(reaction.orders[slot] for slot in kept),
        net_change=tuple(reaction.net_change[slot] for slot in kept),
        propensity=move_slots(reaction.propensity, moves),
    )


def _mass_action(orders: Sequence[int], convention: MassAction) -> list[Expr]:
    return [
        Count(slot)
        if order == 1
        else call(_FACTORS[convention], Count(slot), number(order))
        for slot, order in enumerate(orders)
        if order
    ]


def _law(draw: Draw, width: int, *, with_time: bool) -> Expr:
    """A factor that is nonnegative and finite at every state and time."""
    count = Count(draw(st.integers(0, width - 1)))
    level, steepness = number(draw(_RATES)), number(draw(st.integers(1, 3)))
    laws: list[Expr] = [
        call(Function.HILL, count, number(1), level, steepness),
        call(Function.HILLR, count, number(1), level, steepness),
        call(Function.IF, call(Function.GT, count, number(1)), level, number(0.5)),
    ]
    if with_time:
        wave = call(Function.MUL, number(0.5), call(Function.SIN, Time()))
        laws.append(call(Function.ADD, number(1), wave))
        is_early = call(Function.LT, Time(), level)
        laws.append(call(Function.IF, is_early, number(2), number(0.5)))
    return draw(st.sampled_from(laws))
