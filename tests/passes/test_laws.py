"""Conservation laws: exact, independent, complete, with the right totals."""

import numpy as np
from hypothesis import given
from strategies import networks

from crnlang.compiler import compile_text
from crnlang.diagnostics import Report
from crnlang.ir.network import Delta
from crnlang.passes.laws import find_laws


def net_stoichiometry(network):
    table = np.zeros((len(network.species), len(network.reactions)), dtype=int)
    for channel, reaction in enumerate(network.reactions):
        table[list(reaction.variables), channel] = reaction.net_change
    return table


@given(networks())
def test_laws_annihilate_every_net_change(network):
    laws = find_laws(network, Report())
    assert not (laws.coefficients @ net_stoichiometry(network)).any()


@given(networks())
def test_laws_are_a_basis_of_the_null_space_on_fixed_species(network):
    laws = find_laws(network, Report())
    fixed = [isinstance(s.initial, Delta) for s in network.species]
    rank = np.linalg.matrix_rank(net_stoichiometry(network)[fixed]) if any(fixed) else 0
    assert len(laws.totals) == sum(fixed) - rank
    if len(laws.totals):
        assert np.linalg.matrix_rank(laws.coefficients) == len(laws.totals)
    assert not laws.coefficients[:, ~np.array(fixed)].any()


@given(networks())
def test_totals_come_from_the_start(network):
    laws = find_laws(network, Report())
    start = [getattr(s.initial, "count", 0) for s in network.species]
    assert (laws.coefficients @ np.array(start) == laws.totals[:, 0]).all()


def laws_of(text):
    laws = find_laws(compile_text("crn 1\n" + text).network, Report())
    totals = laws.totals[:, 0].tolist()
    return list(zip(laws.coefficients.tolist(), totals, strict=True))


def test_nonnegative_laws_are_preferred():
    text = (
        "species A, B, C in 0..9 = 1\nspecies E in 0..9 = 2\n"
        "A + E -> C @ 1\nC -> B + E @ 1\nB -> A @ 1"
    )
    assert laws_of(text) == [([0, 0, 1, 1], 3), ([1, 1, 1, 0], 3)]


def test_mixed_signs_where_nothing_else_holds():
    text = "species A in 0..9 = 3\nspecies B in 0..9 = 1\n0 <-> A + B @ 1, 1"
    ((law, total),) = laws_of(text)
    assert (law, total) in [([1, -1], 2), ([-1, 1], -2)]


def test_species_with_a_random_start_have_no_total():
    text = "species A in 0..9 ~ uniform(0, 2)\nspecies B in 0..9 = 1\nA <-> B @ 1, 1"
    assert laws_of(text) == []


def test_weights_are_small_whole_numbers():
    species = "species A in 0..9 = 5\nspecies B in 0..9 = 2\n"
    text = f"massaction falling\n{species}2 A <-> B @ 1, 1"
    assert laws_of(text) == [([1, 2], 9)]


def test_a_species_that_nothing_changes_is_a_law_by_itself():
    text = "species A, B in 0..9 = 5\nB -> 0 via A @ 1"
    assert laws_of(text) == [([1, 0], 5)]
