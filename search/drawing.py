"""A drawing of the data flow of programs: inputs on the left, the update and the next state on the right."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import networkx as nx
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from primitives.dataflow import Source, flow, live
from primitives.errors import UserError
from primitives.program import Program
from primitives.registry import REGISTRY
from primitives.text import constant_text

FORMATS = (".png", ".svg", ".pdf")
_INPUT, _FUNCTION, _OUTPUT = "#cfe3f7", "#f2f2f2", "#d8f0d3"


def graph_of(program: Program) -> nx.DiGraph:
    """The live part as a graph: nodes with `label`, `colour` and `layer`, edges from values to what uses them."""
    flowing = flow(program)
    lines, slots = live(program)
    graph: nx.DiGraph = nx.DiGraph()
    for line in lines:
        row = REGISTRY[program.statements[line].primitive]
        constants = [constant_text(s) for s in flowing.arguments[line] if isinstance(s, float)]
        graph.add_node(line, label="\n".join([row.symbol or row.name, *constants]), colour=_FUNCTION)
        for source in flowing.arguments[line]:
            if not isinstance(source, float):
                _input(graph, source)
                graph.add_edge(source, line)
    for name in ("update", *slots):
        source = flowing.outputs[name]
        if isinstance(source, str):
            _input(graph, source)
        graph.add_node(f"{name} out", label=name if name == "update" else f"next {name}", colour=_OUTPUT)
        graph.add_edge(source, f"{name} out")
    for layer, nodes in enumerate(nx.topological_generations(graph)):
        for node in nodes:
            graph.nodes[node]["layer"] = layer
    last = max(nx.get_node_attributes(graph, "layer").values())
    for name in ("update", *slots):
        graph.nodes[f"{name} out"]["layer"] = last
    return graph


def _input(graph: nx.DiGraph, source: Source) -> None:
    if isinstance(source, str):
        graph.add_node(source, label=source, colour=_INPUT)


def draw(programs: Mapping[str, Program], path: Path) -> None:
    """Draw programs one below the other, under their titles.

    Raises:
        UserError: the ending of the path names no format, or the file cannot be written.
    """
    check_format(path)
    graphs = {title: graph_of(program) for title, program in programs.items()}
    heights = [1.2 + 0.75 * max(len(layer) for layer in _layers(graph)) for graph in graphs.values()]
    width = 2 + 1.15 * max(len(_layers(graph)) for graph in graphs.values())
    with mpl.rc_context({"svg.hashsalt": "optsearch"}):
        figure = Figure(figsize=(width, sum(heights)), layout="constrained")
        axes = figure.subplots(len(graphs), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axis, (title, graph) in zip(axes, graphs.items(), strict=True):
            _draw(axis, graph, title)
        part = path.with_name(f"{path.name}.part")
        metadata = {"Date": None} if path.suffix == ".svg" else None
        try:
            figure.savefig(part, format=path.suffix[1:], dpi=130, metadata=metadata)
            part.replace(path)
        except OSError as error:
            raise UserError(f"`{path}` cannot be written: {error.strerror}") from None


def check_format(path: Path) -> None:
    """Raise `UserError` where the ending of a path names no format."""
    if path.suffix not in FORMATS:
        raise UserError(f"a drawing cannot be written to `{path}`: the name has to end in {', '.join(FORMATS)}")


def _layers(graph: nx.DiGraph) -> list[list[object]]:
    layers: dict[int, list[object]] = {}
    for node, layer in graph.nodes(data="layer"):
        layers.setdefault(layer, []).append(node)
    return [layers[layer] for layer in sorted(layers)]


def _draw(axis: Axes, graph: nx.DiGraph, title: str) -> None:
    places: dict[object, tuple[float, float]] = {}
    for x, layer in enumerate(_layers(graph)):  # each node at the mean height of what it is made of, where that is free
        wanted = {
            node: sum(places[before][1] for before in graph.predecessors(node)) / max(1, graph.in_degree(node))
            for node in layer
        }
        ordered = sorted(layer, key=lambda node: (wanted[node], str(node)))
        for place, node in enumerate(ordered):
            places[node] = (float(x), place - (len(layer) - 1) / 2)
    colours = [graph.nodes[node]["colour"] for node in graph]
    nx.draw_networkx_edges(
        graph, places, ax=axis, edge_color="#888888", node_size=1100, arrowsize=9, connectionstyle="arc3,rad=0.08"
    )
    nx.draw_networkx_nodes(graph, places, ax=axis, node_color=colours, node_size=1100, edgecolors="#888888")
    nx.draw_networkx_labels(graph, places, nx.get_node_attributes(graph, "label"), ax=axis, font_size=7)
    axis.set_title(title, loc="left", fontsize=10)
    axis.margins(0.06, 0.18)
    axis.axis("off")
