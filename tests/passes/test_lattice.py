"""Networks on lattices: what their channels, laws and states are."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import lattice_networks, lattices, networks

from crnlang.compiler import compile_text
from crnlang.ir.evaluate import evaluate
from crnlang.ir.expr import Count, Function, ParameterRef, call, map_leaves
from crnlang.ir.lattice import Boundary, Lattice
from crnlang.ir.network import Hop, Reaction
from crnlang.ir.printer import format_pools
from crnlang.passes.order import follow_path
from crnlang.reference.fsp import solve_fsp
from crnlang.settings import FspSettings
from crnlang.testing import lower


def unrolled(network):
    """The same process without a lattice: every site a species, every hop a reaction.

    Written without the passes: from the meaning of the words alone.
    """
    coordinates = list(np.ndindex(*network.lattice.shape))
    places, species = {}, []
    for i, kind in enumerate(network.species):
        for s in range(len(coordinates) if kind.is_per_site else 1):
            places[i, s] = len(species)
            at = [o for o in network.site_starts if (o.species, o.site) == (i, s)]
            start = at[0].initial if at else kind.initial
            name = f"{kind.name}_{s}"
            species.append(replace(kind, name=name, initial=start, is_per_site=False))

    def where(i, s):
        return places[i, s if network.species[i].is_per_site else 0]

    parameters, constants = [], {}
    for i, parameter in enumerate(network.parameters):
        for s, value in enumerate(parameter.site_values or (parameter.value,)):
            constants[i, s] = len(parameters)
            name = f"{parameter.name}_{s}"
            parameters.append(
                replace(parameter, name=name, value=value, site_values=())
            )

    def at_site(expr, s):
        def change(leaf):
            if not isinstance(leaf, ParameterRef):
                return leaf
            is_single = not network.parameters[leaf.index].site_values
            return ParameterRef(constants[leaf.index, 0 if is_single else s])

        return map_leaves(expr, change)

    reactions = []
    for reaction in network.reactions:
        spread = any(network.species[v].is_per_site for v in reaction.variables)
        for s in range(len(coordinates) if spread else 1):
            rate = None if reaction.rate is None else at_site(reaction.rate, s)
            reactions.append(
                replace(
                    reaction,
                    name=f"{reaction.name}_{s}",
                    variables=tuple(where(v, s) for v in reaction.variables),
                    propensity=at_site(reaction.propensity, s),
                    rate=rate,
                )
            )
    reactions += hops_by_hand(network, coordinates, where, at_site)
    return replace(
        network,
        species=tuple(species),
        parameters=tuple(parameters),
        reactions=tuple(reactions),
        lattice=None,
        hops=(),
        site_starts=(),
    )


def hops_by_hand(network, coordinates, where, at_site):
    """Every hop as a reaction."""
    reactions = []
    for hop in network.hops:
        for here, there in neighbours(network.lattice, coordinates):
            rate = at_site(hop.rate, here)
            reactions.append(
                Reaction(
                    name=f"{hop.name}_{here}_{there}",
                    variables=(where(hop.species, here), where(hop.species, there)),
                    orders=(1, 0),
                    net_change=(-1, 1),
                    propensity=call(Function.MUL, rate, Count(0)),
                    rate=rate,
                    span=hop.span,
                )
            )
    return reactions


def neighbours(lattice, coordinates):
    """Pairs of different sites one step apart, steps over periodic edges included."""
    found = set()
    for here, place in enumerate(coordinates):
        for axis, size in enumerate(lattice.shape):
            for step in (-1, 1):
                target = list(place)
                target[axis] += step
                if lattice.boundary[axis] is Boundary.PERIODIC:
                    target[axis] %= size
                if 0 <= target[axis] < size and tuple(target) != place:
                    found.add((here, coordinates.index(tuple(target))))
    return sorted(found)


def rates_between(lowered, states, t):
    """Total propensity of each change vector at each state, over the whole box."""
    totals = {}
    for family in lowered.families:
        columns = [states[:, column].T.astype(float) for column in family.variables.T]
        constants = [
            np.broadcast_to(one, len(family.variables))[:, None]
            for one in lowered.constants(family)
        ]
        with np.errstate(all="ignore"):
            values = evaluate(family.propensity, columns, constants, t, np)
        values = np.broadcast_to(values, (len(family.variables), len(states)))
        for variables, row in zip(family.variables, values, strict=True):
            change = np.zeros(states.shape[1], dtype=int)
            np.add.at(change, variables, family.net_change)
            key = tuple(change.tolist())
            totals[key] = totals.get(key, 0.0) + row
    return totals


def net_changes(lowered):
    rows = []
    for family in lowered.families:
        for variables in family.variables:
            row = np.zeros(len(lowered.space.caps), dtype=int)
            np.add.at(row, variables, family.net_change)
            rows.append(row)
    return np.array(rows).reshape(len(rows), len(lowered.space.caps))


@given(lattice_networks(), st.sampled_from([0.0, 0.7]), st.integers(0, 2**32 - 1))
def test_families_are_the_channels_written_out_by_hand(network, t, seed):
    found, expected = lower(network), lower(unrolled(network))
    assert found.space.caps.tolist() == expected.space.caps.tolist()
    states = np.random.default_rng(seed).integers(
        0, found.space.caps + 1, (20, len(found.space.caps))
    )
    rates, wanted = (rates_between(one, states, t) for one in (found, expected))
    assert rates.keys() == wanted.keys()
    for change, values in rates.items():
        assert np.allclose(values, wanted[change], rtol=1e-12, atol=0, equal_nan=True)
    for one, other in zip(found.initial, expected.initial, strict=True):
        assert (one == other).all()


@given(lattice_networks())
def test_laws_are_all_that_hold_on_connected_sites(network):
    found, expected = lower(network), lower(unrolled(network))
    changes = net_changes(found)
    assert not (changes @ found.space.laws.T).any()
    rank = np.linalg.matrix_rank(found.space.laws) if len(found.space.laws) else 0
    assert rank == len(found.space.laws)
    starts = {(s.species, s.site): s.initial for s in network.site_starts}
    is_same = all(
        type(starts[key]) is type(network.species[key[0]].initial) for key in starts
    )
    if is_same:
        assert len(found.space.laws) == len(expected.space.laws)
    start = np.array([int(np.argmax(law)) for law in found.initial])
    assert (found.space.laws @ start == found.space.totals).all()


@given(networks(), st.data())
def test_one_site_equals_no_lattice(network, data):
    is_per_site = data.draw(
        st.lists(
            st.booleans(),
            min_size=len(network.species),
            max_size=len(network.species),
        )
    )
    boundary = data.draw(st.sampled_from(Boundary))
    axes = data.draw(st.integers(1, 3))
    species = tuple(
        replace(kind, is_per_site=flag)
        for kind, flag in zip(network.species, is_per_site, strict=True)
    )
    hops = tuple(
        Hop("h", i, ParameterRef(0), kind.span)
        for i, kind in enumerate(species)
        if kind.is_per_site
    )
    single = replace(
        network, species=species, lattice=Lattice((1,) * axes, (boundary,) * axes)
    )
    one, other = lower(replace(single, hops=hops)), lower(network)
    assert one.space.caps.tolist() == other.space.caps.tolist()
    assert one.space.laws.tolist() == other.space.laws.tolist()
    assert one.space.totals.tolist() == other.space.totals.tolist()
    assert len(one.families) == len(other.families)
    for mine, theirs in zip(one.families, other.families, strict=True):
        assert mine.propensity == theirs.propensity
        assert mine.variables.tolist() == theirs.variables.tolist()
        assert mine.net_change.tolist() == theirs.net_change.tolist()
    if not any(is_per_site):
        assert one.space.order.tolist() == other.space.order.tolist()


CHAIN = """massaction falling
param c = 0.3, d = 0.7
lattice chain({sites})
species X in 0..3 per site = 1
init X[0] = 3
0 <-> X @ 1, c
2 X -> 3 X @ c
diffuse X @ d
query dist({dist}, at=1)
"""
HAND = """massaction falling
param c = 0.3, d = 0.7
species A in 0..3 = 3
species B, C in 0..3 = 1
0 <-> A @ 1, c; 0 <-> B @ 1, c; 0 <-> C @ 1, c
2 A -> 3 A @ c; 2 B -> 3 B @ c; 2 C -> 3 C @ c
A <-> B @ d, d
B <-> C @ d, d
query dist(A, B, C, at=1)
"""
PAIR = "\n".join(
    line.split("; 0 <-> C")[0].split("; 2 C")[0].replace(", C", "")
    for line in HAND.splitlines()
    if not line.startswith("B <->")
)


def solved(text, times=(0.3, 2.0)):
    settings = FspSettings(until=times[-1], save=times)
    return solve_fsp(compile_text("crn 1\n" + text).lowered, settings)


@pytest.mark.parametrize(
    ("sites", "hand"), [(2, PAIR), (3, HAND)], ids=["pair", "three"]
)
def test_the_law_on_a_chain_is_that_of_the_model_written_by_hand(sites, hand):
    dist = ", ".join(f"X[{i}]" for i in range(sites))
    chain, expected = solved(CHAIN.format(sites=sites, dist=dist)), solved(hand)
    assert (chain.states == expected.states).all()
    assert np.abs(chain.probabilities - expected.probabilities).max() < 1e-12


@pytest.mark.parametrize(
    ("lattice", "zeros"), [("chain(3)", "0"), ("grid(2, 2)", "0, 0")]
)
def test_sites_that_are_alike_have_the_same_law(lattice, zeros):
    text = f"lattice {lattice} boundary periodic\nspecies X in 0..2 per site = 1\n"
    text += f"0 -> X @ 0.5\ndiffuse X @ 2\nquery prob(X[{zeros}] > 1, at=1)"
    found = solved(text)
    for law in found.probabilities:
        marginals = [
            np.bincount(column, weights=law, minlength=3) for column in found.states.T
        ]
        assert np.allclose(marginals, marginals[0], rtol=0, atol=1e-12)


@given(lattice_networks(max_sites=3, max_species=2, max_cap=2), st.randoms())
def test_reversing_a_chain_reverses_the_channels(network, random):
    size = network.sites
    assume(len(network.lattice.shape) == 1)
    mirrored = replace(
        network,
        site_starts=tuple(
            replace(s, site=size - 1 - s.site) for s in network.site_starts
        ),
        parameters=tuple(
            replace(p, site_values=p.site_values[::-1]) for p in network.parameters
        ),
    )
    turned = np.concatenate(
        [list(block)[:: -1 if len(block) == size else 1] for block in network.blocks()]
    )
    one, other = lower(network), lower(mirrored)
    states = np.array([[random.randint(0, cap) for cap in one.space.caps]])
    mine = rates_between(one, states, 0.3)
    theirs = rates_between(other, states[:, turned], 0.3)
    assert len(mine) == len(theirs)
    for change, values in mine.items():
        there = theirs[tuple(np.array(change)[turned].tolist())]
        assert np.allclose(values, there, rtol=1e-12, atol=0, equal_nan=True)


@given(lattices(24))
def test_edges_are_the_neighbours_in_both_directions(lattice):
    edges = [tuple(edge) for edge in lattice.directed_edges().tolist()]
    assert edges == neighbours(lattice, list(np.ndindex(*lattice.shape)))
    assert {(b, a) for a, b in edges} == set(edges)


@given(lattices(24), st.sampled_from(["raster", "snake"]))
def test_paths_are_permutations_and_snakes_step_to_neighbours(lattice, order):
    path = lattice.path(order)
    assert sorted(path.tolist()) == list(range(lattice.sites))
    if order == "snake":
        steps = np.diff(lattice.coordinates()[path], axis=0)
        assert (np.abs(steps).sum(axis=1) == 1).all()


@given(lattices(24))
def test_a_site_is_found_by_its_indices(lattice):
    found = [lattice.find(row) for row in lattice.coordinates().tolist()]
    assert found == list(range(lattice.sites))
    assert lattice.find(lattice.shape) is None


def test_a_snake_orders_the_same_species_along_another_path():
    text = "crn 1\nlattice grid(2, 2)\nspecies X, Y in 0..3 per site\n"
    text += "species G in 0..1\n0 <-> G @ 1, 1\n0 <-> X @ 1, 1\n0 <-> Y @ 1, 1"
    lowered = compile_text(text).lowered
    space = follow_path(lowered, "snake").space
    names = [space.names[v] for v in space.order]
    assert names[0] == "G"
    assert [name[1:] for name in names[1::2]] == ["[0,0]", "[0,1]", "[1,1]", "[1,0]"]
    again = follow_path(lowered, "raster").space.order
    assert again.tolist() == lowered.space.order.tolist()


def test_the_order_goes_site_by_site():
    text = "crn 1\nlattice grid(2, 2)\nspecies X, Y in 0..3 per site\n"
    text += "species G in 0..1\n0 <-> G @ 1, 1\n0 <-> X @ 1, 1\n0 <-> Y @ 1, 1"
    space = compile_text(text).lowered.space
    names = [space.names[v] for v in space.order]
    assert names[0] == "G"
    assert [name[1:] for name in names[1::2]] == ["[0,0]", "[0,1]", "[1,0]", "[1,1]"]


@given(lattice_networks(max_sites=3, max_species=2, max_cap=2))
def test_states_within_the_laws_are_counted(network):
    space = lower(network).space
    states = np.array(list(np.ndindex(*(space.caps + 1))))
    is_within = (states @ space.laws.T == space.totals).all(axis=1)
    assert space.number_of_states() == is_within.sum()


def test_a_large_lattice_keeps_families():
    text = "crn 1\nmassaction falling\nlattice grid(64, 64)\n"
    text += "species X in 0..84 per site = 50\n2 X <-> 3 X @ 1, 2\n0 <-> X @ 3, 4\n"
    text += "diffuse X @ 5\nset low = mean(X) < 20\nquery prob(low, at=1)\n"
    tracemalloc.start()
    lowered = compile_text(text).lowered
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    sizes = [len(family.variables) for family in lowered.families]
    assert sizes == [4096, 4096, 4 * 64 * 63]
    assert peak < 100e6


def test_laws_at_many_sites_are_counted_at_once():
    text = "crn 1\nlattice grid(16, 16)\nspecies A, B per site = 1\nA <-> B @ 1, 1\n"
    assert compile_text(text).lowered.space.number_of_states() == 3**256


def test_laws_over_what_diffuses_hold_for_the_sums():
    text = "crn 1\nlattice chain(2)\nspecies A, B, C, D per site = 1\nspecies G = 1\n"
    text += "A <-> B @ 1, 1\nC <-> D @ 1, 1\ndiffuse B @ 2\n"
    space = compile_text(text).lowered.space
    assert format_pools(space) == [
        "C[0] + D[0] = 2",
        "C[1] + D[1] = 2",
        "G = 1",
        "A[0] + A[1] + B[0] + B[1] = 4",
    ]
