"""Drawings of the data flow of programs: inputs on the left, the update and the next state on the right."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import networkx as nx
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from primitives.errors import UserError
from primitives.escaping import printable
from primitives.graph import graph as data_flow
from primitives.program import Program
from primitives.registry import REGISTRY

FORMATS = (".png", ".svg", ".pdf")
_SIZE, _LINE = 1100, "#888888"
_COLOURS = {"input": "#cfe3f7", "statement": "#f2f2f2", "output": "#d8f0d3"}


def graph_of(program: Program) -> nx.DiGraph:
    """Prepare the data flow of a program for drawing: without cycles, and with labels, colours and layers.

    The next value of a state slot is a separate node, such as `next m`.
    """
    flowing = data_flow(program)
    drawn: nx.DiGraph = nx.DiGraph()
    for node, facts in flowing.nodes(data=True):
        drawn.add_node(node, label=_label(node, facts), colour=_COLOURS[facts["kind"]])
    for source, target, state in flowing.edges(data="state"):
        if state:
            drawn.add_node(("next", target), label=f"next {target}", colour=_COLOURS["output"])
        drawn.add_edge(source, ("next", target) if state else target)
    for layer, nodes in enumerate(nx.topological_generations(drawn)):
        for node in nodes:
            drawn.nodes[node]["layer"] = layer
    last = max(nx.get_node_attributes(drawn, "layer").values())
    for node, colour in drawn.nodes(data="colour"):
        if colour == _COLOURS["output"]:
            drawn.nodes[node]["layer"] = last
    return drawn


def _label(node: Hashable, facts: Mapping[str, Any]) -> str:
    if facts["kind"] != "statement":
        return str(node)
    row = REGISTRY[facts["primitive"]]
    return "\n".join([row.symbol or row.name, *(f"{value:.4g}" for value in facts["constants"].values())])


def draw(programs: Mapping[str, Program], path: Path) -> None:
    """Draw programs below each other and write the drawing to a file.

    Args:
        programs: valid programs by title.
        path: a file whose name ends in one of `FORMATS`.

    Raises:
        UserError: the name has another ending.
        OSError: the file cannot be written.
    """
    check_format(path)
    figure = figure_of(programs)
    with mpl.rc_context({"svg.hashsalt": "optsearch"}):
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, format=path.suffix[1:], dpi=130, metadata=metadata)


def figure_of(programs: Mapping[str, Program]) -> Figure:
    """Draw programs below each other.

    Args:
        programs: valid programs by title.
    """
    graphs = {title: _with_bends(graph_of(program)) for title, program in programs.items()}
    heights = [1.2 + 0.75 * max(len(layer) for layer in _layers(graph)) for graph in graphs.values()]
    width = 2 + 1.15 * max(len(_layers(graph)) for graph in graphs.values())
    figure = Figure(figsize=(width, sum(heights)), layout="constrained")
    axes = figure.subplots(len(graphs), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axis, (title, graph) in zip(axes, graphs.items(), strict=True):
        _draw(axis, graph, title)
    return figure


def check_format(path: Path) -> None:
    """Raise `UserError` if the name of a file ends in none of `FORMATS`."""
    if path.suffix not in FORMATS:
        name = printable(str(path))
        raise UserError(f"a drawing cannot be written to `{name}`: the name must end in {', '.join(FORMATS)}")


def _layers(graph: nx.DiGraph) -> list[list[Hashable]]:
    layers: dict[int, list[Hashable]] = {}
    for node, layer in graph.nodes(data="layer"):
        layers.setdefault(layer, []).append(node)
    return [layers[layer] for layer in sorted(layers)]


def _with_bends(graph: nx.DiGraph) -> nx.DiGraph:
    """Add a node without a label where an edge crosses a layer, so that the edge is drawn beside the other nodes."""
    bent: nx.DiGraph = nx.DiGraph()
    bent.add_nodes_from(graph.nodes(data=True))
    for source, target in graph.edges:
        before = source
        for layer in range(graph.nodes[source]["layer"] + 1, graph.nodes[target]["layer"]):
            bend = (source, target, layer)
            bent.add_node(bend, layer=layer)
            bent.add_edge(before, bend)
            before = bend
        bent.add_edge(before, target)
    return bent


def _places(graph: nx.DiGraph) -> dict[Hashable, tuple[float, float]]:
    """Coordinates of nodes: layers from left to right, each ordered by the mean height of its neighbours."""
    layers = _layers(graph)
    heights = {node: place - len(layer) / 2 for layer in layers for place, node in enumerate(layer)}
    for turn in range(8):  # sweeps in both directions (Sugiyama, Tagawa and Toda, 1981)
        for layer in layers if turn % 2 == 0 else layers[::-1]:
            near = graph.predecessors if turn % 2 == 0 else graph.successors
            means = {node: [heights[other] for other in near(node)] or [heights[node]] for node in layer}
            layer.sort(key=lambda node: (sum(means[node]) / len(means[node]), str(node)))
            heights |= {node: place - (len(layer) - 1) / 2 for place, node in enumerate(layer)}
    return {node: (float(x), heights[node]) for x, layer in enumerate(layers) for node in layer}


def _draw(axis: Axes, graph: nx.DiGraph, title: str) -> None:
    places = _places(graph)
    shown = [node for node, label in graph.nodes(data="label") if label]
    colours = [graph.nodes[node]["colour"] for node in shown]
    sizes = [_SIZE if graph.nodes[node].get("label") else 0 for node in graph]
    ends = [edge for edge in graph.edges if graph.nodes[edge[1]].get("label")]
    for edges, arrows in ((ends, "-|>"), ([edge for edge in graph.edges if edge not in ends], "-")):
        nx.draw_networkx_edges(
            graph, places, edges, ax=axis, edge_color=_LINE, node_size=sizes, arrows=True, arrowstyle=arrows
        )
    nx.draw_networkx_nodes(graph, places, shown, ax=axis, node_color=colours, node_size=_SIZE, edgecolors=_LINE)
    labels = {node: graph.nodes[node]["label"] for node in shown}
    nx.draw_networkx_labels(graph, places, labels, ax=axis, font_size=7)
    axis.set_title(printable(title), parse_math=False, loc="left", fontsize=10)
    axis.margins(0.06, 0.18)
    axis.axis("off")
