"""What `plot` draws of which run, and that it draws the right numbers."""

import numpy as np
import pytest
from stated_runs import stated

from crnlang.compiler import compile_text
from crnlang.pipeline.drawing import usual_picture
from crnlang.pipeline.page_data import neighbours
from crnlang.results.record import RunError

pytest.importorskip("matplotlib")

TEXT = """crn 1
model sites
lattice {shape}
species X in 0..9 per site = 1
species Y in 0..9 per site = 0
species Z in 0..2 = 0
turn: X -> Y @ 1
diffuse X @ 1
query prob(sum(X) > 3, at=[0, 1, 2])
query dist(Z, at=1)
"""
TIMES = [0.0, 1.0, 2.0]


def result(shape, engine="ssa"):
    """A run whose states are numbered: all counts at time t of row k differ."""
    text = TEXT.format(shape=shape)
    variables = len(compile_text(text).network.variable_names())
    rng = np.random.default_rng(0)
    caps = np.full(variables, 9)
    caps[-1] = 2
    return stated(text, engine, TIMES, lambda _: rng.integers(0, caps, (5, variables)))


def images(figure):
    """The tables of all images of a figure, those of its parts among them."""
    panels = [panel for panel in figure.axes if panel.get_images()]
    return [np.asarray(panel.get_images()[0].get_array()) for panel in panels]


@pytest.mark.parametrize(
    ("shape", "species", "picture"),
    [
        ("grid(2, 3)", [], "lattice"),
        ("grid(2, 3)", ["X[0,0]"], "laws"),
        ("grid(2, 3)", ["X"], "lattice"),
        ("chain(2)", ["X", "Y"], "lattice"),
        ("chain(4)", [], "laws"),
        ("chain(5)", [], "lattice"),
    ],
)
def test_large_lattices_are_drawn_as_such(shape, species, picture):
    network = compile_text(TEXT.format(shape=shape)).network
    assert usual_picture(network, species) == picture
    assert usual_picture(None, []) == "laws"


def test_grids_show_means_and_one_trajectory():
    run = result("grid(2, 3)")
    found = images(run.plot(species=["Y"], draw="lattice"))
    means = run.data.means[:, 6:12].reshape(3, 2, 3)
    states = np.stack([run.laws.snapshot(k).states[0, 6:12] for k in range(3)])
    expected = [*means, *states.reshape(3, 2, 3)]
    assert len(found) == len(expected)
    for image, table in zip(found, expected, strict=True):
        np.testing.assert_allclose(image, table)


def test_rows_are_drawn_over_time():
    run = result("chain(5)")
    figure = run.plot(species=["X"])
    panels = {panel.get_title(loc="left"): panel for panel in figure.axes}
    shown = np.ravel(panels["X: mean"].collections[0].get_array())
    np.testing.assert_allclose(shown, run.data.means[:, :5].T.ravel())


def test_a_mask_leaves_blanks(tmp_path, monkeypatch):
    (tmp_path / "mask.csv").write_text("1, 1\n1, 0\n")
    monkeypatch.chdir(tmp_path)
    text = TEXT.format(shape='grid(2, 2) mask "mask.csv"')
    states = np.array([[1, 2, 3, 4, 5, 6, 0]])
    run = stated(text, "fsp", [1.0], lambda _: states)
    first, *_ = images(run.plot(species=["X"]))
    np.testing.assert_allclose(np.ma.filled(first, np.nan), [[1, 2], [3, np.nan]])


def test_neighbours_are_neighbours():
    network = compile_text(TEXT.format(shape="grid(3, 3)")).network
    assert neighbours(network) == ("X[1,0]", "X[1,1]")
    assert neighbours(network, ["Y"]) == ("Y[1,0]", "Y[1,1]")


def test_answers_are_drawn_with_a_witness_beside():
    run = result("chain(2)")
    (panel,) = run.plot(draw="answers", against=run).axes
    asked = run.answers["prob_1"]
    first, second = (line for line in panel.lines if len(line.get_xdata()) == 3)
    np.testing.assert_allclose(first.get_ydata(), asked.values)
    np.testing.assert_allclose(second.get_ydata(), asked.values)
    assert second.get_label() == "other ssa"


def test_what_cannot_be_drawn_is_said():
    run = result("chain(5)")
    with pytest.raises(RunError, match="per site; there are X, Y"):
        run.plot(species=["Z"], draw="lattice")
    flat = stated(
        "crn 1\nmodel m\nspecies A in 0..3\n0 -> A @ 1\n",
        "ssa",
        [1.0],
        lambda _: np.array([[1], [2]]),
    )
    with pytest.raises(RunError, match="has no lattice"):
        flat.plot(draw="lattice")
    with pytest.raises(RunError, match="no answer with a number at several times"):
        flat.plot(draw="answers")
