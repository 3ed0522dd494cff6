"""The species-reaction graph as a picture: species round, reactions square.

matplotlib and networkx are imported only when a picture is drawn.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from crnlang.diagnostics import Refusal
from crnlang.report.graph import (
    REACTION_FILL,
    SPECIES_FILL,
    Box,
    Edge,
    ReactionGraph,
    Role,
)
from crnlang.report.placing import (
    FONT,
    NODE_HEIGHT,
    node_places,
    node_sizes,
    text_width,
)

#: More nodes than this are no picture that a person can read.
MOST_NODES = 400
INK, QUIET, PAPER, ACCENT = "#22262e", "#6b7280", "#ffffff", "#9a3b26"
_SMALL, _MARGIN = 7.5, 0.25


class MissingDrawingError(Refusal):
    """matplotlib or networkx is not installed."""

    exit_code = 2

    def __init__(self) -> None:
        super().__init__(
            "pictures of networks need matplotlib and networkx: run "
            "`pip install 'crnlang[plot]'`, or write a `.dot` file, which needs neither"
        )


class TooManyNodesError(Refusal):
    """A graph that is too large to be drawn."""

    exit_code = 2

    def __init__(self, nodes: int) -> None:
        super().__init__(
            f"the graph has {nodes} nodes; above {MOST_NODES} a picture cannot be "
            "read: write a `.dot` file and lay it out with graphviz (`sfdp`)"
        )


def draw_graph(graph: ReactionGraph, out: Path) -> None:
    """Draw the graph into `out`; its ending (png, pdf, svg) chooses the format.

    Raises:
        MissingDrawingError: matplotlib or networkx is not installed.
        TooManyNodesError: more than `MOST_NODES` nodes.
        OSError: `out` cannot be written.
    """
    nodes = len(graph.species) + len(graph.boxes)
    if nodes > MOST_NODES:
        raise TooManyNodesError(nodes)
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        sizes = node_sizes(graph)
        places = node_places(graph, sizes)
    except ImportError as error:
        raise MissingDrawingError from error
    title = f"{graph.name}: {graph.title}" if graph.title else graph.name
    low = (places - sizes / 2).min(axis=0) - _MARGIN - np.array([0, 0.3])
    high = (places + sizes / 2).max(axis=0) + _MARGIN + np.array([0, 0.3])
    words = max(text_width(title, FONT + 2), text_width(_legend(graph), _SMALL))
    width = max(high[0] - low[0], words + 2 * _MARGIN)
    middle = (low[0] + high[0]) / 2
    page = (
        float(middle - width / 2),
        float(low[1]),
        float(width),
        float(high[1] - low[1]),
    )
    # one unit of the axes is one inch of the page
    figure = Figure(figsize=page[2:], dpi=150, facecolor=PAPER)
    FigureCanvasAgg(figure)
    panel: Any = figure.add_axes((0, 0, 1, 1))
    panel.set_xlim(page[0], page[0] + page[2])
    panel.set_ylim(page[1], page[1] + page[3])
    panel.axis("off")
    _draw_nodes_and_edges(panel, graph, places, sizes)
    _draw_words(panel, graph, title, page)
    with rc_context({"svg.hashsalt": "crnlang"}):
        metadata = {"Date": None} if out.suffix == ".svg" else None
        figure.savefig(out, metadata=metadata)


def _draw_nodes_and_edges(
    panel: Any,
    graph: ReactionGraph,
    places: Float[np.ndarray, "nodes 2"],
    sizes: Float[np.ndarray, "nodes 2"],
) -> None:
    from matplotlib.patches import FancyBboxPatch

    patches: list[Any] = []
    names = [*graph.species, *(box.label for box in graph.boxes)]
    for i, (name, place, size) in enumerate(zip(names, places, sizes, strict=True)):
        is_species = i < len(graph.species)
        style = (
            f"round,pad=0,rounding_size={NODE_HEIGHT / 2}"
            if is_species
            else "square,pad=0"
        )
        patch = FancyBboxPatch(
            tuple(place - size / 2),
            *size,
            boxstyle=style,
            facecolor=SPECIES_FILL if is_species else REACTION_FILL,
            edgecolor=INK,
            linewidth=0.9,
            zorder=3,
        )
        panel.add_patch(patch)
        patches.append(patch)
        panel.text(
            *place,
            name,
            fontsize=FONT,
            color=INK,
            ha="center",
            va="center",
            zorder=4,
            parse_math=False,
        )
    ends = [(e.species, e.box) for e in graph.edges]
    for edge in graph.edges:
        is_double = ends.count((edge.species, edge.box)) > 1
        box = len(graph.species) + edge.box
        _draw_edge(
            panel,
            edge,
            graph.boxes[edge.box],
            (patches[edge.species], patches[box]),
            (places[edge.species], places[box]),
            bend=0.25 * is_double,
        )


#: How each kind of edge is drawn: arrow style, line style, colour.
_LOOKS = {
    Role.PRODUCT: ("-|>", "-", INK),
    Role.REACTANT: ("-", "-", INK),
    Role.CATALYST: ("-", (0, (4, 2.5)), ACCENT),
    Role.MODIFIER: ("-", (0, (1, 1.6)), ACCENT),
}


def _draw_edge(
    panel: Any,
    edge: Edge,
    box: Box,
    patches: tuple[Any, Any],
    places: tuple[Any, Any],
    bend: float,
) -> None:
    """An edge with its head and its number of copies; species first in the pairs."""
    from matplotlib.patches import FancyArrowPatch

    style, line, color = _LOOKS[edge.role]
    if edge.role is Role.REACTANT and box.is_reversible:
        style = "<|-"
    turn = -1 if edge.role is Role.PRODUCT else 1
    start, end = patches[::turn]
    arrow = FancyArrowPatch(
        tuple(places[::turn][0]),
        tuple(places[::turn][1]),
        patchA=start,
        patchB=end,
        shrinkA=0,
        shrinkB=3 if edge.role in (Role.CATALYST, Role.MODIFIER) else 0,
        arrowstyle=style,
        connectionstyle=f"arc3,rad={bend}",
        mutation_scale=9,
        linestyle=line,
        edgecolor=color,
        facecolor=PAPER if style == "<|-" else color,
        linewidth=1.0,
        zorder=1,
    )
    panel.add_patch(arrow)
    path: Any = arrow.get_path()
    if edge.role in (Role.CATALYST, Role.MODIFIER):
        fill = PAPER if edge.role is Role.CATALYST else color
        panel.plot(
            *path.vertices[2],
            marker="o",
            markersize=5,
            markerfacecolor=fill,
            markeredgecolor=color,
            zorder=2,
        )
    if edge.copies > 1:
        a, control, b = path.vertices[:3]
        label = (a + 2 * control + b) / 4
        panel.text(
            *label,
            str(edge.copies),
            fontsize=_SMALL,
            color=INK,
            ha="center",
            va="center",
            zorder=5,
            bbox={"boxstyle": "circle,pad=0.12", "fc": PAPER, "ec": "none"},
        )


def _draw_words(
    panel: Any,
    graph: ReactionGraph,
    title: str,
    page: tuple[float, float, float, float],
) -> None:
    """The title above, the legend below."""
    left, bottom, _, height = page
    panel.text(
        left + _MARGIN,
        bottom + height - 0.2,
        title,
        fontsize=FONT + 2,
        color=INK,
        va="center",
        parse_math=False,
    )
    panel.text(
        left + _MARGIN,
        bottom + 0.18,
        _legend(graph),
        fontsize=_SMALL,
        color=QUIET,
        va="center",
    )


def _legend(graph: ReactionGraph) -> str:
    """What the signs mean that this graph has."""
    roles = {edge.role for edge in graph.edges}
    is_back = any(box.is_reversible for box in graph.boxes)
    words = ["round: species", "square: reaction", "\u25b6 made"]
    words += ["\u25b7 made on the way back"] * is_back
    words += ["\u25cb dashed: catalyst"] * (Role.CATALYST in roles)
    words += ["\u25cf dotted: read by the propensity"] * (Role.MODIFIER in roles)
    return "    ".join(words)
