"""The data flow of a program as a graph, for analysis with networkx and for drawings."""

from typing import TYPE_CHECKING

from primitives.dataflow import Source, flow, live
from primitives.program import UPDATE, Program
from primitives.text import statement_text

if TYPE_CHECKING:
    import networkx


def graph(program: Program) -> "networkx.DiGraph":
    """Build the data flow of the live part of a valid program.

    Returns:
        A directed graph. Nodes are inputs by name (`w`, `g`, live state slots, `lr`), statements by index, and the
        output `update`. Attributes of a node are `kind` (`input`, `statement` or `output`) and, for a statement,
        `primitive`, `text` and `constants`, a mapping from the index of an argument to its value. An edge leads from a
        value to what reads it; `arguments` are the indices of the arguments, and `state` is true for edges that
        carry a value to the state slot of the next step. Without these the graph has no cycle.

    Example:
        >>> from primitives import builtin
        >>> flowing = graph(builtin("signum"))
        >>> sorted((a, b) for a, b, state in flowing.edges(data="state") if state)
        [(0, 'm')]
    """
    import networkx as nx  # takes a while to import

    found = nx.DiGraph()
    flowing = flow(program)
    lines, slots = live(program)
    for line in lines:
        statement, sources = program.statements[line], flowing.arguments[line]
        constants = {place: source for place, source in enumerate(sources) if isinstance(source, float)}
        found.add_node(
            line,
            kind="statement",
            primitive=statement.primitive,
            text=statement_text(statement),
            constants=constants,
        )
        for source in dict.fromkeys(source for source in sources if not isinstance(source, float)):
            _add_input(found, source)
            places = tuple(place for place, other in enumerate(sources) if _same(source, other))
            found.add_edge(source, line, arguments=places, state=False)
    found.add_node(UPDATE, kind="output")
    for name in (UPDATE, *slots):
        last = flowing.outputs[name]
        _add_input(found, last)
        if name != UPDATE:
            _add_input(found, name)
        found.add_edge(last, name, arguments=(), state=name != UPDATE)
    return found


def _add_input(found: "networkx.DiGraph", source: Source) -> None:
    if isinstance(source, str):
        found.add_node(source, kind="input")


def _same(one: Source, other: Source) -> bool:
    """Whether two sources are the same; statement 1 is not the constant 1.0."""
    return type(one) is type(other) and one == other
