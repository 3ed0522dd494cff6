"""The species-reaction graph of a network, as data and as DOT text."""

from dataclasses import dataclass
from enum import Enum

from crnlang.ir.expr import slots_of
from crnlang.ir.network import Network, Reaction

SPECIES_FILL, REACTION_FILL = "#dbe9f6", "#f3ead7"


class Role(Enum):
    """What a species is to a reaction."""

    REACTANT = "reactant"
    PRODUCT = "product"
    CATALYST = "catalyst"  #: needed, and neither made nor lost
    MODIFIER = "modifier"  #: read by the propensity only


@dataclass(frozen=True, slots=True)
class Box:
    """A reaction, or a reaction and its way back as one."""

    name: str
    is_reversible: bool

    @property
    def label(self) -> str:
        """What the picture shows."""
        return f"{self.name} \u21cc" if self.is_reversible else self.name


@dataclass(frozen=True, slots=True)
class Edge:
    """A species at a reaction, by their positions; `copies` is 0 for a modifier."""

    species: int
    box: int
    role: Role
    copies: int


@dataclass(frozen=True, slots=True)
class ReactionGraph:
    """The graph: two kinds of nodes, and edges between the kinds."""

    name: str
    title: str
    species: tuple[str, ...]
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]


def build_graph(network: Network) -> ReactionGraph:
    """The graph of a network; `name` and `name_rev` are one box if exact inverses."""
    by_name = {reaction.name: reaction for reaction in network.reactions}
    inverse = {
        name: back
        for name, reaction in by_name.items()
        if (back := by_name.get(f"{name}_rev")) and _is_inverse(reaction, back)
    }
    merged = {back.name for back in inverse.values()}
    boxes: list[Box] = []
    edges: list[Edge] = []
    for name, reaction in by_name.items():
        if name not in merged:
            back = inverse.get(name)
            edges += _edges(reaction, back, len(boxes))
            boxes.append(Box(name, back is not None))
    names = tuple(kind.name for kind in network.species)
    return ReactionGraph(network.name, network.title, names, tuple(boxes), tuple(edges))


def _sides(reaction: Reaction) -> dict[int, tuple[int, int]]:
    """Copies before and after, of each species that takes part in the equation."""
    return {
        variable: (order, order + change)
        for variable, order, change in zip(
            reaction.variables, reaction.orders, reaction.net_change, strict=True
        )
        if order or change
    }


def _is_inverse(reaction: Reaction, back: Reaction) -> bool:
    swapped = {v: (after, before) for v, (before, after) in _sides(back).items()}
    return swapped == _sides(reaction)


def _edges(reaction: Reaction, back: Reaction | None, box: int) -> list[Edge]:
    edges: list[Edge] = []
    sides = _sides(reaction)
    for species, (before, after) in sides.items():
        if before == after:
            edges.append(Edge(species, box, Role.CATALYST, before))
            continue
        if before:
            edges.append(Edge(species, box, Role.REACTANT, before))
        if after:
            edges.append(Edge(species, box, Role.PRODUCT, after))
    read = _read(reaction) - {s for s, (before, _) in sides.items() if before}
    if back is not None:
        read |= _read(back) - {s for s, (_, after) in sides.items() if after}
    edges += [Edge(species, box, Role.MODIFIER, 0) for species in sorted(read)]
    return edges


def _read(reaction: Reaction) -> set[int]:
    """The species that the propensity reads."""
    return {reaction.variables[slot] for slot in slots_of(reaction.propensity)}


def format_dot(graph: ReactionGraph) -> str:
    """The graph in the DOT language, for graphviz."""
    label = f"{graph.name}: {graph.title}" if graph.title else graph.name
    lines = [
        f"digraph {_quoted(graph.name)} {{",
        f"  label={_quoted(label)};",
        "  rankdir=LR;",
        '  node [fontname="Helvetica", fontsize=10, style=filled];',
        '  edge [fontname="Helvetica", fontsize=9];',
    ]
    look = f'shape=ellipse, fillcolor="{SPECIES_FILL}"'
    for i, name in enumerate(graph.species):
        lines.append(f"  s{i} [label={_quoted(name)}, {look}];")
    look = f'shape=box, fillcolor="{REACTION_FILL}"'
    for i, box in enumerate(graph.boxes):
        lines.append(f"  r{i} [label={_quoted(box.label)}, {look}];")
    lines += [_dot_edge(edge, graph.boxes[edge.box]) for edge in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _dot_edge(edge: Edge, box: Box) -> str:
    species, reaction = f"s{edge.species}", f"r{edge.box}"
    match edge.role:
        case Role.PRODUCT:
            ends, style = f"{reaction} -> {species}", "arrowhead=normal"
        case Role.REACTANT if box.is_reversible:
            ends = f"{species} -> {reaction}"
            style = "dir=both, arrowhead=none, arrowtail=empty"
        case Role.REACTANT:
            ends, style = f"{species} -> {reaction}", "arrowhead=none"
        case Role.CATALYST:
            ends, style = f"{species} -> {reaction}", "arrowhead=odot, style=dashed"
        case Role.MODIFIER:
            ends, style = f"{species} -> {reaction}", "arrowhead=dot, style=dotted"
    if edge.copies > 1:
        style += f', label="{edge.copies}"'
    return f"  {ends} [{style}];"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
