"""Hypothesis strategies of the tests: those of `crnlang.testing`, and conditions."""

from hypothesis import strategies as st

from crnlang.ir.expr import (
    Count,
    Function,
    OverSites,
    SiteCounts,
    call,
    number,
)
from crnlang.testing import lattice_networks as lattice_networks
from crnlang.testing import lattices as lattices
from crnlang.testing import lowered_networks as lowered_networks
from crnlang.testing import networks as networks

#: Sites of the lattice that `conditions` are about.
SITES = 3
COMPARISONS = [Function.LT, Function.LE, Function.GT, Function.GE]


@st.composite
def conditions(draw, depth=3):
    """A condition on three counts, or on all sites of a species that they are."""
    kind = draw(st.integers(0, 6)) if depth else 0
    if kind <= 1:
        level = number(draw(st.integers(0, 6)))
        function = draw(st.sampled_from([*COMPARISONS, Function.EQ, Function.NE]))
        return call(function, Count(draw(st.integers(0, SITES - 1))), level)
    if kind == 2:
        return call(Function.NOT, draw(conditions(depth - 1)))
    if kind == 3:
        function = draw(st.sampled_from([Function.ALL, Function.ANY]))
        sign = draw(st.sampled_from(COMPARISONS))
        body = call(
            sign, SiteCounts(tuple(range(SITES))), number(draw(st.integers(0, 6)))
        )
        return OverSites(function, body, SITES)
    if kind == 4:
        parts = [draw(conditions(depth - 1)) for _ in range(3)]
        return call(Function.IF, *parts)
    function = Function.AND if kind == 5 else Function.OR
    return call(function, draw(conditions(depth - 1)), draw(conditions(depth - 1)))
