"""One figure of a run: every marginal over time, and one joint law.

matplotlib is imported only when a figure is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from jaxtyping import Float

from crnlang.diagnostics import Refusal

#: Up to so many times a marginal is drawn as curves, above as a heat map.
MOST_CURVES = 6
#: Columns of small panels.
MOST_COLUMNS = 4
#: Counts less likely than this share of the peak are cut off at the edges.
VISIBLE = 1e-3
INK, ACCENT, GRID = "#22262e", "#d1495b", "#d9dce1"


class MissingMatplotlibError(Refusal):
    """matplotlib is not installed."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__(
            "pictures need matplotlib, which is not installed: "
            "run `pip install 'crnlang[plot]'`"
        )


@dataclass(frozen=True, eq=False)
class Marginal:
    """The law of one species: a row a time over 0..cap, and its mean.

    The rows are empty where only the mean is known.
    """

    name: str
    law: Float[np.ndarray, "times levels"]
    mean: Float[np.ndarray, " times"]


@dataclass(frozen=True, eq=False)
class Joint:
    """The joint law of two species at one time; the first is drawn upwards."""

    names: tuple[str, str]
    time: float
    law: Float[np.ndarray, "count_a count_b"]


def new_figure(width: float, height: float) -> Any:
    """An empty figure, its sides in inches.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingMatplotlibError from error
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    FigureCanvasAgg(figure)
    return figure


def entitle(figure: Any, title: str) -> None:
    """Write what a figure shows above it."""
    figure.suptitle(title, color=INK, fontsize=11, x=0.01, ha="left")


def draw_run(
    title: str,
    times: Float[np.ndarray, " times"],
    marginals: Sequence[Marginal],
    joint: Joint | None,
) -> Any:
    """The figure, a `matplotlib.figure.Figure`.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
    """
    columns = min(MOST_COLUMNS, ceil(np.sqrt(len(marginals))))
    rows = ceil(len(marginals) / columns)
    side = min(max(2, rows), 3) if joint else 0
    figure = new_figure(
        2.9 * columns + 2.3 * side + 0.3, 2.3 * max(rows, side and 2) + 0.6
    )
    left: Any = figure
    if joint:
        areas: Any = figure.subfigures(1, 2, width_ratios=[2.9 * columns, 2.3 * side])
        left = areas[0]
        draw_joint(areas[1], joint)
    has_laws = all(marginal.law.shape[1] for marginal in marginals)
    if not has_laws:
        title = f"{title}: means only, no distribution"
    elif len(times) > MOST_CURVES:
        title = f"{title}: probability shaded, mean as a line"
    entitle(figure, title)
    panels = left.subplots(rows, columns, squeeze=False).ravel()
    for panel, marginal in zip(panels, marginals, strict=False):
        _draw_marginal(panel, times, marginal)
    for panel in panels[len(marginals) :]:
        panel.axis("off")
    if has_laws and len(times) <= MOST_CURVES:
        left.legend(
            *panels[0].get_legend_handles_labels(),
            loc="outside lower center",
            ncols=len(times),
            frameon=False,
            fontsize=8,
            labelcolor=INK,
        )
    return figure


def _draw_marginal(
    panel: Any, times: Float[np.ndarray, " times"], marginal: Marginal
) -> None:
    """Curves for a few times, a heat map with the mean for many; or the mean alone."""
    if not marginal.law.shape[1]:
        _draw_mean(panel, times, marginal)
        return
    low, high = _visible(marginal.law.max(axis=0))
    if len(times) <= MOST_CURVES:
        _draw_curves(panel, times, marginal, low, high)
    else:
        _draw_heat(panel, times, marginal, low, high)
    dress(panel, marginal.name)


def _draw_curves(
    panel: Any,
    times: Float[np.ndarray, " times"],
    marginal: Marginal,
    low: int,
    high: int,
) -> None:
    from matplotlib import colormaps

    shades = colormaps["viridis"](np.linspace(0, 0.85, len(times)))
    edges = np.arange(low, high + 2) - 0.5
    for law, time, shade in zip(marginal.law, times, shades, strict=True):
        panel.stairs(
            law[low : high + 1], edges, color=shade, lw=1.3, label=f"t = {time:g}"
        )
    panel.set_xlim(edges[0], edges[-1])
    panel.set_ylim(0, _ceiling(marginal.law))
    panel.set_xlabel("count", fontsize=8, color=INK)
    panel.set_ylabel("probability", fontsize=8, color=INK)
    panel.grid(axis="y", color=GRID, lw=0.6)
    _count_ticks(panel.xaxis)


def _draw_mean(
    panel: Any, times: Float[np.ndarray, " times"], marginal: Marginal
) -> None:
    panel.plot(times, marginal.mean, color=ACCENT, lw=1.4)
    panel.set_xlabel("time", fontsize=8, color=INK)
    panel.set_ylabel("mean count", fontsize=8, color=INK)
    panel.set_ylim(0, 1.08 * max(float(marginal.mean.max()), 1e-9))
    panel.grid(axis="y", color=GRID, lw=0.6)
    panel.locator_params(axis="both", nbins=5)
    dress(panel, marginal.name)


def _draw_heat(
    panel: Any,
    times: Float[np.ndarray, " times"],
    marginal: Marginal,
    low: int,
    high: int,
) -> None:
    from matplotlib.colors import PowerNorm

    middle = (times[1:] + times[:-1]) / 2
    across = np.concatenate([times[:1], middle, times[-1:]])
    upward = np.arange(low, high + 2) - 0.5
    law = marginal.law[:, low : high + 1].T
    top = float(np.quantile(law.max(axis=0), 0.9))
    panel.pcolormesh(
        across, upward, law, cmap="Blues", norm=PowerNorm(0.5, 0, top), rasterized=True
    )
    panel.plot(times, marginal.mean, color=ACCENT, lw=1.2, label="mean")
    panel.set_xlabel("time", fontsize=8, color=INK)
    panel.set_ylabel("count", fontsize=8, color=INK)
    panel.set_ylim(upward[0], upward[-1])
    panel.locator_params(axis="x", nbins=4)
    _count_ticks(panel.yaxis)


def draw_joint(area: Any, joint: Joint) -> None:
    """The joint law as a heat map with its scale."""
    from matplotlib.colors import PowerNorm

    panel = area.subplots()
    panel.set_box_aspect(1)
    (low_a, high_a), (low_b, high_b) = (
        _visible(joint.law.max(axis=1 - axis)) for axis in (0, 1)
    )
    law = joint.law[low_a : high_a + 1, low_b : high_b + 1]
    mesh = panel.pcolormesh(
        np.arange(low_b, high_b + 2) - 0.5,
        np.arange(low_a, high_a + 2) - 0.5,
        law,
        cmap="Blues",
        norm=PowerNorm(0.5, 0, float(law.max())),
        rasterized=True,
    )
    panel.set_xlabel(joint.names[1], fontsize=9, color=INK)
    panel.set_ylabel(joint.names[0], fontsize=9, color=INK)
    _count_ticks(panel.xaxis)
    _count_ticks(panel.yaxis)
    dress(panel, f"joint law at t = {joint.time:g}")
    bar = area.colorbar(mesh, ax=panel, location="bottom", shrink=0.7, aspect=30)
    marks = float(law.max()) * np.array([0, 1 / 16, 1 / 4, 9 / 16, 1])
    bar.set_ticks(marks, labels=[f"{mark:.1g}" for mark in marks])
    bar.minorticks_off()
    bar.set_label("probability", fontsize=8, color=INK)
    bar.ax.tick_params(labelsize=7, colors=INK, length=2)
    bar.outline.set_visible(False)


def _visible(peaks: Float[np.ndarray, " levels"]) -> tuple[int, int]:
    """The first and the last count worth drawing."""
    seen = np.flatnonzero(peaks > VISIBLE * peaks.max())
    return int(seen[0]), int(seen[-1])


def _ceiling(law: Float[np.ndarray, "times levels"]) -> float:
    """The top of the axis: fits every law but those of a single count, which tower."""
    peaks = law.max(axis=1)
    spread = peaks[peaks < 0.999]
    return 1.08 * float(spread.max() if len(spread) else peaks.max())


def _count_ticks(axis: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))


def dress(panel: Any, title: str) -> None:
    """Title and quiet axes."""
    panel.set_title(title, fontsize=9, color=INK, loc="left", fontweight="bold")
    panel.tick_params(labelsize=7, colors=INK, length=2)
    panel.set_axisbelow(True)
    for name, spine in panel.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(INK)
        spine.set_linewidth(0.6)
