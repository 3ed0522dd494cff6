"""Random networks and expressions are what the language can say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crnlang.testing
from crnlang.compiler import compile_text
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.network import Table
from crnlang.ir.spelling import format_expression
from crnlang.ir.writer import write_program
from crnlang.testing import expressions, lattice_networks, lower, networks

HEAD = "crn 1\nparam k0 = 0.7\nspecies A, B in 0..9\n0 -> A @ 1\n"


@given(expressions(slots=2, parameters=1))
def test_expressions_printed_and_parsed_have_the_same_value(expression):
    text = format_expression(expression, ["A", "B"], ["k0"])
    network = compile_text(f"{HEAD}observe value = {text}\n").network
    counts = [np.array([0.0, 1, 2, 9]), np.array([3.0, 0, 5, 1])]
    for t in (0.0, 1.5):
        wanted = evaluate_float64(expression, counts, [0.7], t)
        found = evaluate_float64(network.observables[0].value, counts, [0.7], t)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=0)


@given(expressions(slots=0, parameters=0, with_time=False))
def test_expressions_without_names_are_numbers(expression):
    assert np.ndim(evaluate_float64(expression, [], [], 0.0)) == 0


@given(st.one_of(networks(), lattice_networks()))
def test_a_network_is_written_as_a_program_that_means_it(network):
    again = compile_text(write_program(network)).lowered
    wanted = lower(network)
    assert again.network.species == wanted.network.species
    assert again.network.lattice == wanted.network.lattice
    assert again.network.site_starts == wanted.network.site_starts
    assert [r.name for r in again.network.reactions] == [
        r.name for r in wanted.network.reactions
    ]
    assert (again.space.laws == wanted.space.laws).all()
    assert len(again.families) == len(wanted.families)


def test_events_units_titles_and_open_caps_are_written():
    text = """crn 1
model m "a title"
lattice chain(2)
param k = 0.5 [1/s]
species A = 2
species B
species C, D in 0..4 = 1
species X in 0..3 per site ~ poisson(0.5)
init X[1] ~ uniform(0, 2)
r: A <-> B @ k, 1
0 -> X @ k
diffuse X @ 2*k
event at 1: X[0] = min(X + 1, 3)
event at 2: C = D, D = C
"""
    network = compile_text(text).network
    again = compile_text(write_program(network)).network
    assert write_program(again) == write_program(network)
    assert again.species == network.species
    assert again.hops == network.hops
    assert again.count_changes == network.count_changes
    assert (again.title, again.parameters[0].unit) == ("a title", "1/s")


def test_what_needs_a_file_of_its_own_is_refused():
    network = compile_text(HEAD).network
    first, *rest = network.species
    tabled = (type(first)("A", 1, Table((0.5, 0.5)), first.span), *rest)
    with pytest.raises(ValueError, match="a file of its own"):
        write_program(type(network)(**{**fields_of(network), "species": tabled}))


def fields_of(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_the_public_strategies_say_what_they_draw():
    wanted = {"networks", "expressions", "lattices", "programs", "lattice_networks"}
    for name in wanted:
        assert len(getattr(crnlang.testing, name).__doc__.split()) > 5
