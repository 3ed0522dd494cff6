"""Pictures: one file for every kind of run, a sentence without matplotlib."""

import sys

import numpy as np
import pytest

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
