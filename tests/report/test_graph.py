"""The species-reaction graph: every role, DOT text, and pictures that can be read."""

import re
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from crnlang.compiler import compile_file, compile_text
from crnlang.ir.expr import slots_of
from crnlang.report.graph import Box, ReactionGraph, Role, build_graph, format_dot
from crnlang.report.picture import (
    MOST_NODES,
    MissingDrawingError,
    TooManyNodesError,
    draw_graph,
)
from crnlang.report.placing import node_places, node_sizes
from crnlang.testing import networks

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.crn"))
BEGINNINGS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def graph_of(body):
    return build_graph(compile_text(f"crn 1\nmodel m\n{body}\n").network)


def found(graph):
    """Edges as (species, reaction, role, copies)."""
    return {
        (graph.species[e.species], graph.boxes[e.box].name, e.role.value, e.copies)
        for e in graph.edges
    }


def test_every_role():
    graph = graph_of(
        "massaction falling\nspecies A, B, C, D in 0..9 = 1\n"
        "r: 2 A -> 3 B via C @ 1\ns: A -> 2 A @ 1\n"
        "u: B -> 0 @ propensity(B*D)"
    )
    assert found(graph) == {
        ("A", "r", "reactant", 2),
        ("B", "r", "product", 3),
        ("C", "r", "catalyst", 1),
        ("A", "s", "reactant", 1),
        ("A", "s", "product", 2),
        ("B", "u", "reactant", 1),
        ("D", "u", "modifier", 0),
    }


def test_a_reaction_and_its_way_back_are_one_box():
    graph = graph_of("species A, B in 0..9 = 1\nr: A <-> B @ 1, 2\nr2: A -> B @ 1")
    assert graph.boxes == (Box("r", is_reversible=True), Box("r2", is_reversible=False))
    assert found(graph) >= {("A", "r", "reactant", 1), ("B", "r", "product", 1)}


def test_a_name_alone_does_not_make_a_way_back():
    graph = graph_of("species A in 0..9 = 1\nr: A -> 0 @ 1\nr_rev: 0 -> 2 A @ 1")
    assert [box.is_reversible for box in graph.boxes] == [False, False]


@given(networks())
def test_the_graph_tells_every_equation(network):
    graph = build_graph(network)
    by_name = {box.name: i for i, box in enumerate(graph.boxes)}
    for reaction in network.reactions:
        edges = [e for e in graph.edges if e.box == by_name[reaction.name]]
        read = {reaction.variables[slot] for slot in slots_of(reaction.propensity)}
        for variable, order, change in zip(
            reaction.variables, reaction.orders, reaction.net_change, strict=True
        ):
            roles = {e.role: e.copies for e in edges if e.species == variable}
            lost = roles.get(Role.REACTANT, 0) - roles.get(Role.PRODUCT, 0)
            assert -lost == change
            held = roles.get(Role.CATALYST, 0) + roles.get(Role.REACTANT, 0)
            assert held == order
            assert (Role.MODIFIER in roles) == (variable in read and not order)


@given(networks())
def test_dot_names_every_node_and_edge(network):
    graph = build_graph(network)
    lines = format_dot(graph).splitlines()
    nodes = [line for line in lines if re.match(r"  [sr]\d+ \[", line)]
    edges = [line for line in lines if "->" in line]
    assert len(nodes) == len(graph.species) + len(graph.boxes)
    assert len(edges) == len(graph.edges)
    assert (lines[0], lines[-1]) == ('digraph "random" {', "}")


def test_dot_quotes_a_title():
    text = format_dot(ReactionGraph("m", 'a\\b "c"', (), (), ()))
    assert r'label="m: a\\b \"c\"";' in text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_label_hides_another(path):
    pytest.importorskip("networkx")
    pytest.importorskip("matplotlib")
    graph = build_graph(compile_file(path).network)
    sizes = node_sizes(graph)
    places = node_places(graph, sizes)
    for a, b in combinations(range(len(places)), 2):
        apart = np.abs(places[a] - places[b]) - (sizes[a] + sizes[b]) / 2
        assert apart.max() > 0.1
    # nor does a node stand on an edge between two others
    for edge in graph.edges:
        ends = (edge.species, len(graph.species) + edge.box)
        along = np.linspace(places[ends[0]], places[ends[1]], 200)
        for node in set(range(len(places))) - set(ends):
            inside = np.abs(along - places[node]) < sizes[node] / 2
            assert not inside.all(axis=1).any()


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_a_picture_is_written_and_is_the_same_again(tmp_path, ending):
    pytest.importorskip("networkx")
    pytest.importorskip("matplotlib")
    graph = graph_of(
        "species A, B, C in 0..9 = 1\nspecies Dollar_ in 0..1\nr: A <-> 2 B @ 1, 0.5\n"
        "c: 0 -> C via A @ 1\nu: C -> 0 @ propensity(B*C)\nb: A -> 2 A @ 1\n"
        "massaction falling"
    )
    out = tmp_path / f"g{ending}"
    draw_graph(graph, out)
    first = out.read_bytes()
    assert first.startswith(BEGINNINGS[ending])
    if ending != ".pdf":  # a PDF holds its date
        draw_graph(graph, out)
        assert out.read_bytes() == first


def test_without_the_libraries_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(MissingDrawingError, match=r"crnlang\[plot\]"):
        draw_graph(ReactionGraph("m", "", ("A",), (), ()), tmp_path / "a.png")


def test_a_graph_that_is_too_large_is_refused(tmp_path):
    pytest.importorskip("networkx")
    pytest.importorskip("matplotlib")
    names = tuple(f"X{i}" for i in range(MOST_NODES + 1))
    with pytest.raises(TooManyNodesError, match=r"\.dot"):
        draw_graph(ReactionGraph("m", "", names, (), ()), tmp_path / "a.png")
