"""Networks of everything that other formats may hold: events, observables, too."""

from dataclasses import replace

from hypothesis import strategies as st
from interop.propensities import fixed

from crnlang.ir.expr import Count, Function, call, number
from crnlang.ir.network import CountChange, Observable, Trigger
from crnlang.testing import expressions, networks


@st.composite
def whole_networks(draw):
    """A network with fixed starts, observables, and events of both kinds."""
    network = fixed(draw(networks()))
    size, span = len(network.species), network.species[0].span
    names = draw(st.lists(st.sampled_from("abc"), unique=True))
    values = expressions(slots=size, parameters=len(network.parameters))
    changes = [
        CountChange(
            draw(st.sampled_from([0.5, 1.0, 2.25])), v, None, (v,), _new(draw, 0), span
        )
        for v in range(size)
        if draw(st.booleans())
    ]
    return replace(
        network,
        observables=tuple(Observable(f"o_{n}", draw(values), span) for n in names),
        count_changes=tuple(sorted(changes, key=lambda one: one.time)),
        triggers=tuple(_trigger(draw, size, span) for _ in names),
    )


def _new(draw, slot):
    """A new copy number: a constant, or the smaller of one and the old one more."""
    top = number(draw(st.integers(0, 3)))
    more = call(Function.ADD, Count(slot), number(1))
    return draw(st.sampled_from([top, call(Function.MIN, more, top)]))


def _trigger(draw, size, span):
    v, other = (draw(st.integers(0, size - 1)) for _ in range(2))
    compared = draw(st.sampled_from([Function.GT, Function.EQ, Function.LE]))
    low = call(compared, Count(v), number(draw(st.integers(0, 4))))
    high = call(Function.GE, call(Function.ADD, Count(v), Count(other)), number(3))
    joined = draw(st.sampled_from([Function.AND, Function.OR]))
    condition = draw(st.sampled_from([low, high, call(joined, low, high)]))
    changed = tuple(dict.fromkeys([other, v]))
    return Trigger(condition, changed, tuple(_new(draw, one) for one in changed), span)
