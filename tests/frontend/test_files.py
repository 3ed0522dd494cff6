"""Tables in files: graphs, masks, initial laws."""

import numpy as np
import pytest
from hypothesis import given
from strategies import lattices

from crnlang.compiler import compile_file, compile_text
from crnlang.diagnostics import CrnError
from crnlang.frontend.files import MAX_BYTES

REST = "species X in 0..3 per site\n0 -> X @ 1\ndiffuse X @ 2\n"


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("model")


def compiled(folder, text, **tables):
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text(rows, encoding="utf-8")
    path = folder / "model.crn"
    path.write_text("crn 1\n" + text, encoding="utf-8")
    return compile_file(path).lowered


def csv(rows):
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


@given(lattices(12))
def test_the_graph_of_a_lattice_has_its_channels(tmp_path_factory, lattice):
    edges = lattice.directed_edges()
    if lattice.sites < 2:
        return
    folder = tmp_path_factory.mktemp("model")
    head = 'lattice graph("edges.csv")\n'
    graph = compiled(folder, head + REST, edges=csv(edges.tolist()))
    boundaries = ", ".join(boundary.value for boundary in lattice.boundary)
    sizes = ", ".join(map(str, lattice.shape))
    part = f"({boundaries})" if len(lattice.shape) > 1 else boundaries
    text = f"crn 1\nlattice grid({sizes}) boundary {part}\n{REST}"
    grid = compile_text(text).lowered
    assert len(graph.families) == len(grid.families)
    for one, other in zip(graph.families, grid.families, strict=True):
        assert one.variables.tolist() == other.variables.tolist()


def test_a_mask_keeps_the_names_of_places(folder):
    text = 'lattice grid(2, 3) mask "mask.csv" boundary (reflecting, periodic)\n' + REST
    lowered = compiled(folder, text, mask="# rows\n1,0,1\n1,1,1\n")
    assert lowered.space.names == ("X[0,0]", "X[0,2]", "X[1,0]", "X[1,1]", "X[1,2]")
    hops = {tuple(row) for row in lowered.families[1].variables.tolist()}
    pairs = {(0, 1), (0, 2), (1, 4), (2, 3), (3, 4), (2, 4)}
    assert hops == pairs | {(b, a) for a, b in pairs}
    lattice = lowered.network.lattice
    assert lattice.path("snake").tolist() == [0, 1, 4, 3, 2]
    assert lattice.find((0, 1)) is None
    assert lattice.find((1, 1)) == 3


def test_a_mask_of_ones_changes_nothing(folder):
    text = f"lattice grid(2, 2) mask 'M'\n{REST}".replace("'M'", '"mask.csv"')
    masked = compiled(folder, text, mask="1,1\n1,1\n")
    plain = compile_text(f"crn 1\nlattice grid(2, 2)\n{REST}").lowered
    assert masked.space.names == plain.space.names
    for one, other in zip(masked.families, plain.families, strict=True):
        assert one.variables.tolist() == other.variables.tolist()


def test_a_table_is_the_initial_law(folder):
    text = 'species X in 0..3 ~ table("start.csv")\n0 -> X @ 1'
    lowered = compiled(folder, text, start="probability\n0.25\n0.5\n0.25\n")
    assert np.allclose(lowered.initial[0], [0.25, 0.5, 0.25, 0], atol=1e-15)


def test_a_huge_file_is_not_read(folder):
    with (folder / "edges.csv").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(CrnError, match="larger than 16 MB"):
        compiled(folder, 'lattice graph("edges.csv")\n' + REST)
