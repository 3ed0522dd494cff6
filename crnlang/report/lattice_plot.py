"""Lattices as images: means over time, single states, the joint law of neighbours.

A row of sites is drawn over time (a kymograph), a grid at a few times. matplotlib is
imported only when a figure is drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from crnlang.report.plot import INK, Joint, draw_joint, dress, entitle, new_figure

#: Times at which a grid is drawn.
MOST_SHOTS = 5
SHADES = "viridis"
#: Inches of the joint law.
JOINT_WIDTH, JOINT_HEIGHT = 3.4, 4.0


@dataclass(frozen=True, eq=False)
class Field:
    """A species on a lattice: its mean at every site, and a state at each time.

    `state` is `None` where the run has not kept its law. The axes of both are times,
    then those of the lattice; nan where a mask leaves no site.
    """

    name: str
    mean: Float[np.ndarray, "times ..."]
    state: Float[np.ndarray, "times ..."] | None


def draw_lattice(
    title: str,
    times: Float[np.ndarray, " times"],
    fields: Sequence[Field],
    state_words: str,
    joint: Joint | None,
) -> Any:
    """The figure, a `matplotlib.figure.Figure`; `state_words` say what a state is.

    Raises:
        MissingMatplotlibError: matplotlib is not installed.
    """
    images = [(field, "mean", field.mean) for field in fields]
    images += [
        (field, state_words, field.state) for field in fields if field.state is not None
    ]
    images.sort(key=lambda image: [f.name for f in fields].index(image[0].name))
    is_row = fields[0].mean.ndim == 2
    shots = _shots(len(times)) if not is_row else []
    columns = len({image[1] for image in images}) if is_row else len(shots)
    rows = -(-len(images) // columns) if is_row else len(images)
    wide = 3.6 if is_row else 1.9
    side = JOINT_WIDTH if joint else 0.0
    height = max((2.2 if is_row else 2.1) * rows, JOINT_HEIGHT if joint else 0.0) + 0.5
    figure = new_figure(max(wide * columns, 3.0) + side + 0.6, height)
    entitle(figure, title)
    left: Any = figure
    if joint:
        ratios = [wide * columns, side]
        areas: Any = figure.subfigures(1, 2, width_ratios=ratios)
        left = areas[0]
        draw_joint(_upper(areas[1], height), joint)
    panels = left.subplots(rows, columns, squeeze=False)
    if is_row:
        _draw_rows(left, panels.ravel(), times, images)
    else:
        _draw_grids(left, panels, times, images, shots)
    return figure


def _upper(area: Any, height: float) -> Any:
    """The upper part of a high area, as high as a joint law needs."""
    if height < 1.5 * JOINT_HEIGHT:
        return area
    ratios = [JOINT_HEIGHT, height - JOINT_HEIGHT]
    return area.subfigures(2, 1, height_ratios=ratios)[0]


def _shots(number: int) -> list[int]:
    """A few of the times, evenly spread, the first and the last among them."""
    places = np.linspace(0, number - 1, min(number, MOST_SHOTS))
    return [int(place) for place in np.unique(places.round())]


def _draw_rows(
    area: Any,
    panels: Any,
    times: Float[np.ndarray, " times"],
    images: Sequence[tuple[Field, str, Any]],
) -> None:
    """Every row of sites over time."""
    middle = (times[1:] + times[:-1]) / 2
    edges = np.concatenate([times[:1], middle, times[-1:]])
    if len(times) == 1:
        edges = np.array([times[0] - 0.5, times[0] + 0.5])
    for panel, (field, words, table) in zip(panels, images, strict=False):
        sites = np.arange(table.shape[1] + 1) - 0.5
        mesh = panel.pcolormesh(edges, sites, table.T, cmap=SHADES, rasterized=True)
        panel.set_xlabel("time", fontsize=8, color=INK)
        panel.set_ylabel("site", fontsize=8, color=INK)
        dress(panel, f"{field.name}: {words}")
        _scale(area, mesh, panel)
    for panel in panels[len(images) :]:
        panel.axis("off")


def _draw_grids(
    area: Any,
    panels: Any,
    times: Float[np.ndarray, " times"],
    images: Sequence[tuple[Field, str, Any]],
    shots: Sequence[int],
) -> None:
    """A row of images for each species; the first index runs downwards."""
    for row, (field, words, table) in zip(panels, images, strict=True):
        top = float(np.nanmax(table[shots]))
        mesh = None
        for panel, shot in zip(row, shots, strict=True):
            image = table[shot].reshape(-1, table.shape[-1])
            mesh = panel.imshow(image, cmap=SHADES, vmin=0, vmax=max(top, 1e-300))
            dress(panel, f"t = {times[shot]:g}")
            panel.set_xticks([])
            panel.set_yticks([])
        row[0].set_ylabel(f"{field.name}: {words}", fontsize=8, color=INK)
        _scale(area, mesh, list(row))


def _scale(area: Any, mesh: Any, panels: Any) -> None:
    bar = area.colorbar(mesh, ax=panels, shrink=0.85, aspect=18, pad=0.02)
    bar.ax.tick_params(labelsize=7, colors=INK, length=2)
    bar.outline.set_visible(False)
