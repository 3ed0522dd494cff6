"""Pictures: one file for every kind of run, a sentence without matplotlib."""

import sys

import numpy as np
import pytest

from crnlang.report.answer_plot import Answered, Question, draw_answers
from crnlang.report.lattice_plot import Field, draw_lattice
from crnlang.report.plot import Joint, Marginal, MissingMatplotlibError, draw_run


def marginal(name, times, cap):
    law = np.random.default_rng(0).dirichlet(np.ones(cap + 1), size=times)
    return Marginal(name, law, law @ np.arange(cap + 1))


@pytest.mark.parametrize("times", [1, 3, 30])
@pytest.mark.parametrize("species", [1, 5])
def test_a_figure_is_written(tmp_path, times, species):
    pytest.importorskip("matplotlib")
    out = tmp_path / "run.png"
    laws = [marginal(f"X{i}", times, 1 + 7 * i) for i in range(species)]
    joint = Joint(("X0", "X1"), 1.0, np.full((2, 9), 1 / 18)) if species > 1 else None
    draw_run("a run", np.arange(float(times)), laws, joint).savefig(out)
    assert out.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingMatplotlibError, match=r"crnlang\[plot\]"):
        draw_run("", np.arange(2.0), [marginal("X", 2, 3)], None)


@pytest.mark.parametrize(
    ("shape", "times", "has_more"),
    [((6,), 1, False), ((6,), 30, True), ((3, 4), 30, False), ((2, 2, 3), 3, True)],
)
def test_lattices_are_drawn(tmp_path, shape, times, has_more):
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    mean = rng.uniform(0, 5, (times, *shape))
    mean.reshape(times, -1)[:, 1] = np.nan  # a mask leaves no site there
    state = np.floor(mean) if has_more else None
    joint = Joint(("X[0]", "X[1]"), 1.0, np.full((9, 9), 1 / 81)) if has_more else None
    fields = [Field(name, mean, state) for name in ("X", "Y")]
    figure = draw_lattice("a run", np.arange(float(times)), fields, "a state", joint)
    out = tmp_path / "lattice.png"
    figure.savefig(out, dpi=40)
    assert out.read_bytes().startswith(b"\x89PNG")


def answered(values, engine="fsp", errors=None):
    values = np.array(values)
    errors = np.zeros(len(values)) if errors is None else np.array(errors)
    return Answered(engine, np.arange(float(len(values))), values, errors)


def panel_of(kind, *answers):
    pytest.importorskip("matplotlib")
    figure = draw_answers("a run", [Question("asked", kind, answers)])
    figure.canvas.draw()
    (panel,) = figure.axes
    return panel


@pytest.mark.parametrize(
    ("kind", "values", "scale"),
    [
        ("prob", [0.2, 0.9], "linear"),
        ("prob", [0.0, 1e-7, 0.9], "log"),
        ("prob", [0.0, 0.0], "linear"),
        ("prob", [np.nan, np.nan], "linear"),
        ("hit", [0.001, 0.01], "log"),
        ("hit", [0.001, 0.5], "linear"),
        ("expect", [1e-7, 3.0], "linear"),
        ("logp", [-np.inf, -3.0], "linear"),
    ],
)
def test_rare_probabilities_have_a_log_axis(kind, values, scale):
    witness = answered(values, "ssa", [0.1 * abs(v) for v in values])
    assert panel_of(kind, answered(values), witness).get_yscale() == scale


def test_a_passage_that_happens_is_a_survival_curve():
    line = panel_of("hit", answered([0.0, 0.25, 1.0])).lines[0]
    assert line.get_ydata().tolist() == [1.0, 0.75, 0.0]


def test_what_was_never_seen_is_marked_and_not_joined():
    panel = panel_of(
        "prob", answered([0.0, 0.0, 1e-4, 1e-3], "ssa", [0, 0, 1e-4, 1e-4])
    )
    line, marks = panel.lines
    assert np.isnan(line.get_ydata()).tolist() == [True, True, False, False]
    assert marks.get_xdata().tolist() == [0.0, 1.0]
