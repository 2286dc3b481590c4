"""Expansion: a program as sums of products, and its canonical form for recognition.

`Expanding` multiplies out interpolations and products of sums, so that the grouping of the original program is lost.
The canonical form also pulls constants out of functions, scales a sum inside a function so that its first coefficient
is 1, and scales each state slot so that the first term of its next value has the coefficient 1. `0.9·m + g` and
`interp(g, m, 0.9)` are then the same state: rescaling a slot does not change updates.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from primitives import REGISTRY, UPDATE, Program, Property
from simplify.memory import Memory
from simplify.rule import Exactness, Use
from simplify.rules import rule_set
from simplify.terms import INVERSE, Graph
from simplify.work import THOROUGH, Work

_NODES = 6000  # size of a graph at which expansion stops
_CONSTANTS = 500  # number of constants that are compared; known optimizers have at most a few dozen
_ROUNDS = 3  # rounds of scaling the state, since slots depend on each other

# The factor outside a function that equals a factor c inside.
_PULLED: dict[str, Callable[[float], float | None]] = {
    "sign": lambda c: 1.0 if c > 0 else -1.0,
    "sqrt": lambda c: abs(c) ** 0.5,
    "cbrt": lambda c: abs(c) ** (1 / 3) * (1 if c > 0 else -1),
    "abs": abs,
    "norm": abs,
    "global_norm": abs,
    "reciprocal": lambda c: 1 / c,
    INVERSE: lambda c: 1 / c,  # ignores the guard
}


class Expanding(Graph):
    """A graph in which products of sums are multiplied out, up to a largest size."""

    def __init__(
        self, exactness: tuple[Exactness, ...], nonnegative: frozenset[str], *extra: Use, work: Work | None = None
    ) -> None:
        super().__init__(rule_set((Use.ALWAYS, Use.EXPANDING, *extra), exactness), nonnegative, work)
        self._without = rule_set((Use.ALWAYS, *extra), exactness)

    def make(self, function: str, arguments: Iterable[int]) -> int:
        """Make the node of a function of nodes, multiplied out."""
        if len(self.nodes) > _NODES:
            self._rules = self._without
        return super().make(function, arguments)


class Canonical(Expanding):
    """A graph of canonical forms."""

    def __init__(self, nonnegative: frozenset[str], work: Work) -> None:
        super().__init__(tuple(Exactness), nonnegative, Use.PULLING, work=work)

    def make(self, function: str, arguments: Iterable[int]) -> int:
        """Make the node of a function of nodes; a sum inside a function gets the first coefficient 1."""
        arguments = tuple(arguments)
        if len(arguments) == 1 and self.nodes[arguments[0]].function == "add":
            factor = self.leading(arguments[0])
            pulled = _pulled(function, factor)
            if factor != 1 and pulled is not None:
                inner = super().make(function, [self.scaled(arguments[0], 1 / factor)])
                return super().make("multiply", (self.leaf(pulled), inner))
        return super().make(function, arguments)

    def leading(self, node: int, without: str = "") -> float:
        """The coefficient of the first term of a sum; terms that contain the given input are skipped."""
        operands = self.nodes[node].arguments if self.nodes[node].function == "add" else (node,)
        for operand in sorted(operands, key=self._without_constant):
            if self.value(operand) is None and not self.contains(operand, without):
                inner = self.nodes[operand]
                value = self.value(inner.arguments[0]) if inner.function == "multiply" else None
                return 1.0 if value is None else value
        return 1.0

    def _without_constant(self, node: int) -> list[bytes]:
        """Sort key of a term that ignores its coefficient."""
        inner = self.nodes[node]
        factors = inner.arguments if inner.function == "multiply" else (node,)
        return [self.key(factor)[0] for factor in factors if self.value(factor) is None]

    def contains(self, node: int, name: str) -> bool:
        """Whether an input is part of a node."""
        return any(self.nodes[inner].leaf == name for inner in self.order([node]))

    def scaled(self, node: int, factor: float) -> int:
        """A node times a constant; a sum is multiplied term by term."""
        operands = self.nodes[node].arguments if self.nodes[node].function == "add" else (node,)
        constant = self.leaf(factor)
        return super().make("add", [super(Canonical, self).make("multiply", (constant, o)) for o in operands])


def _pulled(function: str, factor: float) -> float | None:
    if function in _PULLED:
        return _PULLED[function](factor)
    if function in REGISTRY and Property.POSITIVELY_HOMOGENEOUS in REGISTRY[function].properties:
        return abs(factor) if factor > 0 else None
    return None


class Form(NamedTuple):
    """The canonical form of a program.

    Attributes:
        structure: names of the live slots, then digests, without constants, of the update and of each slot.
        constants: all occurrences of constants, in an order that depends on the structure alone.
    """

    structure: tuple[bytes, ...]
    constants: tuple[float, ...]


def canonical_form(program: Program, budget: int = THOROUGH) -> Form:
    """The canonical form of a valid program, whose state slots keep their names.

    Args:
        program: a valid program.
        budget: units of work, as `simplify.work` counts them.

    Raises:
        Exhausted: the budget was reached.
    """
    work = Work(budget)
    memory = Memory(program, tuple(Exactness), work)
    graph = Canonical(memory.nonnegative, work)
    roots = memory.roots_in(graph)
    slots = [name for name in roots if name != UPDATE]
    for _ in range(_ROUNDS):
        for slot in slots:
            factor = graph.leading(roots[slot], without=slot)
            if factor not in (0.0, 1.0) and (factor > 0 or slot not in memory.nonnegative):
                unit = graph.make("multiply", (graph.leaf(factor), graph.leaf(slot)))
                values = graph.rebuilt(list(roots.values()), graph, {graph.leaf(slot): unit})
                roots = dict(zip(roots, values, strict=True))
                roots[slot] = graph.scaled(roots[slot], 1 / factor)
    ordered = [roots[name] for name in (UPDATE, *slots)]
    structure = (" ".join(slots).encode(), *(graph.key(node)[0] for node in ordered))
    return Form(structure, tuple(islice(_constants(graph, ordered), _CONSTANTS)))


def _constants(graph: Graph, nodes: Sequence[int]) -> Iterator[float]:
    """All occurrences of constants, in an order that depends on the structure alone."""
    some: set[int] = set()  # nodes that contain constants
    for node in graph.order(nodes):
        if graph.value(node) is not None or not some.isdisjoint(graph.nodes[node].arguments):
            some.add(node)
    open_ends = list(reversed(nodes))
    while open_ends:
        node = open_ends.pop()
        graph.work.spend()
        value = graph.value(node)
        if value is not None:
            yield value
        elif node in some:
            open_ends += reversed(graph.nodes[node].arguments)
