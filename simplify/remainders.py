"""Remainders: parts of a program without which it may be a known optimizer.

The raw program of Chen et al. (2023) is Lion with `arcsin(clip(g, lr))` in place of `g`. This expression is a
remainder.
"""

from collections.abc import Iterator, Mapping, Sequence

from primitives import GRADIENT, LEARNING_RATE, WEIGHTS, Program, ProgramError
from simplify.emission import Emission
from simplify.exact import simplify
from simplify.notation import text
from simplify.rules import SHORT, rule_set
from simplify.terms import Graph, read
from simplify.work import SEARCH, THOROUGH, Exhausted

_NODES = 100  # largest size of a program without the remainder; known optimizers have at most 30 nodes


def remainders(program: Program) -> Iterator[tuple[str, Program]]:
    """Programs in which a part is replaced by the input that it transforms, the largest part first, and their parts.

    The part reads `g` (and possibly `lr`), `lr` alone, or `w` alone. A constant factor is not replaced, since it
    belongs to the hyperparameters: `-0.3 w` is a decay with the wrong sign.

    Args:
        program: a simplified program.

    Yields:
        The part as text, and the simplified program with the input in its place.
    """
    graph = Graph(rule_set(SHORT))
    try:
        roots = read(program, graph)
        nodes = graph.order(roots.values())
    except Exhausted:
        return  # known optimizers take a tenth of this work
    inputs = _inputs(graph, nodes)
    allowances = ({GRADIENT, LEARNING_RATE}, {LEARNING_RATE}, {WEIGHTS})
    for name, allowed in zip((GRADIENT, LEARNING_RATE, WEIGHTS), allowances, strict=True):
        for node in reversed(nodes):
            function, arguments, leaf = graph.nodes[node]
            scaled = function == "multiply" and any(graph.value(argument) is not None for argument in arguments)
            fits = leaf is None and not scaled and name in inputs[node] <= allowed
            if fits and _size_without(graph, roots, node) <= _NODES:
                rest = _replaced(graph, roots, node, name, program.slots)
                if rest is not None:
                    yield f"{text(graph, node)} in place of {name}", simplify(rest, SEARCH).program


def _inputs(graph: Graph, nodes: Sequence[int]) -> dict[int, frozenset[str]]:
    """Inputs on which each node depends; arguments come before functions."""
    found: dict[int, frozenset[str]] = {}
    for node in nodes:
        _, arguments, leaf = graph.nodes[node]
        own = frozenset({leaf} if isinstance(leaf, str) else ())
        found[node] = own.union(*(found[argument] for argument in arguments))
    return found


def _size_without(graph: Graph, roots: Mapping[str, int], node: int) -> int:
    """Number of nodes that are left if a node is replaced."""
    open_ends, found = [root for root in roots.values() if root != node], {node}
    while open_ends:
        inner = open_ends.pop()
        if inner not in found:
            found.add(inner)
            open_ends.extend(graph.nodes[inner].arguments)
    return len(found)


def _replaced(graph: Graph, roots: Mapping[str, int], node: int, name: str, slots: tuple[str, ...]) -> Program | None:
    """The program with an input in place of a node.

    The result is `None` if the program reads the input elsewhere too, or cannot be written.
    """
    graph.work.left = THOROUGH
    try:
        marked = graph.rebuilt(list(roots.values()), graph, {node: graph.leaf("?")})
        if name in {graph.nodes[inner].leaf for inner in graph.order(marked)}:
            return None
        fresh = Graph(rule_set(SHORT))
        bare = graph.rebuilt(marked, fresh, {graph.leaf("?"): fresh.leaf(name)})
        return Emission(fresh, dict(zip(roots, bare, strict=True))).program(slots)
    except (Exhausted, ProgramError):  # a product of constants may leave the range of float32
        return None
