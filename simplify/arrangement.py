"""Arrangement: a canonical order of nodes and canonical names of state slots.

Slots are distinguished by colour refinement: all start with the same colour, and each round gives a slot the digest of
its next value, computed from the colours of the round before, until no class splits. Slots are named in the order of
the depth of their next values, then of their digests. Nodes are ordered by a walk from the update, deeper arguments
first, then by digest. Digests without constants are compared before digests with constants, so that tuning seldom
changes the order.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from primitives import UPDATE
from simplify.terms import NARY, Graph, Node, commutative, joined

Key = tuple[bytes, bytes]  # a digest without constants, and one with constants


class Literal(Graph):
    """A graph of functions as written; only arguments of commutative functions are sorted."""

    def _make(self, function: str, arguments: tuple[int, ...]) -> int:
        if commutative(function):
            arguments = tuple(sorted(arguments, key=self.key))
        return self._intern(Node(function, arguments))


class Arrangement(NamedTuple):
    """Canonical order and names.

    Attributes:
        order: nodes, arguments before functions.
        slots: canonical names of the live slots, by their old names.
    """

    order: Sequence[int]
    slots: Mapping[str, str]


def arranged(graph: Graph, roots: Mapping[str, int], names: Sequence[str]) -> Arrangement:
    """Arrange the nodes on which the roots depend.

    Args:
        graph: the graph of the roots.
        roots: nodes of the update and of the next value of each live slot, by name.
        names: canonical names of slots; the live slots get the first ones.
    """
    order = graph.order(roots.values())
    graph.work.spend(4 * len(order))
    slots = [name for name in roots if name != UPDATE]
    depths = _depths(graph, order)
    keys = _keys(graph, order, roots, slots)
    found = sorted(slots, key=lambda slot: (depths[roots[slot]], keys[roots[slot]]))
    ranks = {node: (-depths[node], keys[node]) for node in order}
    return Arrangement(
        _walk(graph, [roots[UPDATE], *(roots[slot] for slot in found)], ranks),
        dict(zip(found, names, strict=False)),
    )


def _depths(graph: Graph, order: Sequence[int]) -> dict[int, int]:
    depths: dict[int, int] = {}
    for node in order:
        depths[node] = 1 + max((depths[argument] for argument in graph.nodes[node].arguments), default=-1)
    return depths


def _keys(graph: Graph, order: Sequence[int], roots: Mapping[str, int], slots: Sequence[str]) -> dict[int, Key]:
    """Sort keys of nodes, in which slots are represented by their colours instead of their names."""
    colours: dict[str, Key] = dict.fromkeys(slots, (b"slot", b"slot"))
    classes = 1
    while True:
        keys = _digests(graph, order, colours)
        refined = {
            slot: (joined(colours[slot][0], keys[roots[slot]][0]), joined(colours[slot][1], keys[roots[slot]][1]))
            for slot in slots
        }
        if len(slots) < 2 or len(set(refined.values())) == classes:
            return keys
        graph.work.spend(2 * len(order))
        colours, classes = refined, len(set(refined.values()))
        if classes == len(slots):
            return _digests(graph, order, colours)


def _digests(graph: Graph, order: Sequence[int], colours: Mapping[str, Key]) -> dict[int, Key]:
    keys: dict[int, Key] = {}
    for node in order:
        function, arguments, leaf = graph.nodes[node]
        if leaf is not None:
            keys[node] = colours.get(leaf, graph.key(node)) if isinstance(leaf, str) else graph.key(node)
            continue
        below = [keys[argument] for argument in arguments]
        if function in NARY or commutative(function):
            below.sort()
        name = function.encode()
        keys[node] = joined(name, *[key[0] for key in below]), joined(name, *[key[1] for key in below])
    return keys


def _walk(graph: Graph, roots: Sequence[int], ranks: Mapping[int, tuple[int, Key]]) -> list[int]:
    """Nodes after their arguments, as a walk from the roots finds them."""
    order: list[int] = []
    done: set[int] = set()
    open_ends = list(reversed(roots))
    while open_ends:
        node = open_ends[-1]
        missing = [argument for argument in graph.nodes[node].arguments if argument not in done]
        if node in done or not missing:
            open_ends.pop()
            if node not in done:
                done.add(node)
                order.append(node)
        else:
            open_ends += sorted(missing, key=ranks.__getitem__, reverse=True)
    return order
