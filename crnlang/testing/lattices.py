"""Random lattices, and networks on them."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from crnlang.ir.expr import ParameterRef, map_leaves
from crnlang.ir.lattice import Boundary, Lattice
from crnlang.ir.network import Delta, Hop, Network, Reaction, SiteStart
from crnlang.testing.networks import Draw, networks

_VALUES = st.floats(0.1, 3.0).map(lambda value: round(value, 3))


@st.composite
def lattices(draw: Draw, max_sites: int = 8, max_axes: int = 3) -> Lattice:
    """A lattice of at most `max_sites` sites, with any boundaries."""
    shape: list[int] = []
    room = max_sites
    for _ in range(draw(st.integers(1, max_axes))):
        shape.append(draw(st.integers(1, room)))
        room //= shape[-1]
    boundary = tuple(draw(st.sampled_from(Boundary)) for _ in shape)
    return Lattice(tuple(shape), boundary)


@st.composite
def lattice_networks(draw: Draw, max_sites: int = 4, **options: Any) -> Network:
    """A small network on a lattice that passes every pass, perhaps with warnings.

    Each species is per site or not; those per site may diffuse, and start differently
    at one site. One parameter may differ between sites. `options` as for `networks`.
    """
    network = draw(networks(**options))
    lattice = draw(lattices(max_sites))
    species = tuple(
        replace(one, is_per_site=draw(st.booleans())) for one in network.species
    )
    spread = [i for i, one in enumerate(species) if one.is_per_site]
    hops: list[Hop] = []
    starts: list[SiteStart] = []
    for i in spread:
        span = species[i].span
        if draw(st.booleans()):
            rate = ParameterRef(draw(st.integers(0, len(network.parameters) - 1)))
            hops.append(Hop(f"diffuse_{species[i].name}", i, rate, span))
        if draw(st.booleans()):
            site = draw(st.integers(0, lattice.sites - 1))
            count = draw(st.integers(0, species[i].cap or 0))
            starts.append(SiteStart(i, site, Delta(count), span))
    found = replace(
        network,
        species=species,
        reactions=tuple(_at_sites(one, set(spread)) for one in network.reactions),
        lattice=lattice,
        hops=tuple(hops),
        site_starts=tuple(starts),
    )
    return _with_site_parameter(draw, found) if draw(st.booleans()) else found


def _at_sites(reaction: Reaction, spread: set[int]) -> Reaction:
    """The reaction; one that only reads a species per site has it on both sides.

    Else the language would not say that it happens at every site.
    """
    on_sides = [
        variable
        for variable, *counts in zip(
            reaction.variables, reaction.orders, reaction.net_change, strict=True
        )
        if any(counts)
    ]
    if not spread.isdisjoint(on_sides):
        return reaction
    orders = [
        max(order, int(variable in spread))
        for variable, order in zip(reaction.variables, reaction.orders, strict=True)
    ]
    return replace(reaction, orders=tuple(orders))


def _with_site_parameter(draw: Draw, network: Network) -> Network:
    """The first parameter replaced by one that differs between sites.

    Reactions without sites read a copy of it that does not.
    """
    first, *others = network.parameters
    size = network.sites
    values = tuple(draw(st.lists(_VALUES, min_size=size, max_size=size)))
    spread = replace(first, value=float("nan"), site_values=values)
    copy = replace(first, name="k_single")
    single = ParameterRef(len(network.parameters))
    reactions = [
        reaction
        if any(network.species[v].is_per_site for v in reaction.variables)
        else replace(
            reaction,
            propensity=map_leaves(
                reaction.propensity,
                lambda leaf: single if leaf == ParameterRef(0) else leaf,
            ),
            rate=single if reaction.rate == ParameterRef(0) else reaction.rate,
        )
        for reaction in network.reactions
    ]
    return replace(
        network,
        parameters=(spread, *others, copy),
        reactions=tuple(reactions),
    )
