"""Where the nodes of a species-reaction graph stand on the page, in inches.

networkx finds the places, matplotlib measures names; both are loaded on use only.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from crnlang.report.graph import ReactionGraph

#: Size of the names, points.
FONT = 9.0
NODE_HEIGHT = 0.26
_POINTS = 72.0
#: Inches: of an edge, around nodes, and between a name and the side of its node.
_EDGE, _GAP, _PADDING = 0.95, 0.16, 0.1
#: Inches between an edge and the nodes that it passes; rounds that look for room.
_CLEARANCE, _ROUNDS = 0.07, 400


def text_width(text: str, size: float) -> float:
    """Inches."""
    from matplotlib.textpath import TextPath

    shown = text.replace("$", "S")  # a dollar would start a formula
    return float(TextPath((0, 0), shown, size=size).get_extents().width) / _POINTS


def node_sizes(graph: ReactionGraph) -> Float[np.ndarray, "nodes 2"]:
    """Width and height of the nodes: species, then reactions."""
    names = [*graph.species, *(box.label for box in graph.boxes)]
    widths = [max(text_width(n, FONT) + 2 * _PADDING, NODE_HEIGHT) for n in names]
    widths = [
        w + 0.1 * (i < len(graph.species)) for i, w in enumerate(widths)
    ]  # round ends need room
    return np.array([(width, NODE_HEIGHT) for width in widths])


def node_places(
    graph: ReactionGraph, sizes: Float[np.ndarray, "nodes 2"]
) -> Float[np.ndarray, "nodes 2"]:
    """Centres of the nodes in inches: no two overlap, few stand on a foreign edge."""
    import networkx

    count = len(graph.species)
    web = networkx.Graph()
    web.add_nodes_from(range(len(sizes)))
    web.add_edges_from((e.species, count + e.box) for e in graph.edges)
    places = np.zeros((len(sizes), 2))
    left = 0.0
    parts = sorted(
        networkx.connected_components(web), key=lambda part: (-len(part), min(part))
    )
    for part in parts:
        members = sorted(part)
        part_web = web.subgraph(members)
        found = _lay_out(part_web, members)
        ends = [(members.index(a), members.index(b)) for a, b in part_web.edges]
        lines = np.array(ends, dtype=int).reshape(-1, 2)
        found = _with_room(found, sizes[members], lines)
        low = (found - sizes[members] / 2).min(axis=0)
        found = found - [low[0] - left, found[:, 1].mean()]
        places[members] = found
        left = float((found + sizes[members] / 2)[:, 0].max()) + 2 * _GAP
    return places


def _lay_out(web: Any, members: Sequence[int]) -> Float[np.ndarray, "members 2"]:
    """Kamada-Kawai: distances on the page follow distances in the graph."""
    if len(members) == 1:
        return np.zeros((1, 2))
    import networkx

    found = networkx.kamada_kawai_layout(web)
    raw = np.array([found[member] for member in members])
    ends = [(members.index(a), members.index(b)) for a, b in web.edges]
    lengths = [float(np.hypot(*(raw[a] - raw[b]))) for a, b in ends]
    places = (raw - raw.mean(axis=0)) * (_EDGE / float(np.median(lengths)))
    # the longer axis lies across the page
    _, _, axes = np.linalg.svd(places, full_matrices=False)
    signs = np.where(axes[np.arange(2), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)
    return places @ (axes * signs[:, None]).T * [1.25, 1.0]


def _with_room(
    places: Float[np.ndarray, "members 2"],
    sizes: Float[np.ndarray, "members 2"],
    lines: Int[np.ndarray, "edges 2"],
) -> Float[np.ndarray, "members 2"]:
    """The same with no two nodes too near, and few nodes on an edge of others."""
    places = places.copy()
    for _ in range(_ROUNDS):
        moves = _off_lines(places, sizes, lines)
        places += moves
        _push_apart(places, sizes, rounds=1)
        if not moves.any():
            break
    _push_apart(places, sizes, rounds=_ROUNDS)
    return places


def _off_lines(
    places: Float[np.ndarray, "members 2"],
    sizes: Float[np.ndarray, "members 2"],
    lines: Int[np.ndarray, "edges 2"],
) -> Float[np.ndarray, "members 2"]:
    """How nodes and edges that run into each other should move."""
    moves = np.zeros_like(places)
    for a, b in lines.tolist():
        along = places[b] - places[a]
        share = (places - places[a]) @ along / max(float(along @ along), 1e-9)
        nearest = places[a] + np.clip(share, 0, 1)[:, None] * along
        away = places - nearest
        distance = np.hypot(*away.T)
        across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
        is_on = distance < 1e-6
        direction = away / np.where(is_on, 1, distance)[:, None]
        direction[is_on] = across
        needed = (np.abs(direction) * sizes / 2).sum(axis=1) + _CLEARANCE
        missing = np.maximum(needed - distance, 0)
        missing[[a, b]] = 0
        push = 0.3 * missing[:, None] * direction
        moves += push
        moves[[a, b]] -= push.sum(axis=0) / 3
    return np.clip(moves, -0.15, 0.15)


def _push_apart(
    places: Float[np.ndarray, "members 2"],
    sizes: Float[np.ndarray, "members 2"],
    rounds: int,
) -> None:
    """Move nodes, in place, until no two are nearer than the gap."""
    for _ in range(rounds):
        is_done = True
        for a in range(len(places) - 1):
            needed = (sizes[a] + sizes[a + 1 :]) / 2 + _GAP
            offset = places[a + 1 :] - places[a]
            missing = needed - np.abs(offset)
            for b in np.flatnonzero(missing.min(axis=1) > 1e-6).tolist():
                is_done = False
                axis = int(missing[b].argmin())
                step = 0.5 * missing[b, axis] * (1 if offset[b, axis] >= 0 else -1)
                places[a, axis] -= step
                places[a + 1 + b, axis] += step
        if is_done:
            break
