"""Terms: the function that a program computes, as a graph in which equal expressions are one node.

A node is an input, a constant, or a function of other nodes, and has a number. Sums and products are n-ary, flat and
sorted, so that associativity and commutativity need no rules. Five functions are replaced by simpler ones: `x - y` is
`x + -1·y`, `-x` is `-1·x`, `square` and `cube` are products, and `x / y` is `x · inverse(y)` with the guarded inverse
1 / (y + 1e-8) of the language. All other knowledge of functions is in `simplify.rules`. Rules are applied while nodes
are made, so that no node uses one that can be rewritten: `m / sqrt(m * m)` is made as `m · inverse(sqrt(m · m))`, then
`m · inverse(abs(m))`, and finally `sign(m)`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

import numpy as np

from primitives import (
    EPSILON,
    GRADIENT,
    LEARNING_RATE,
    ONLY_TREE,
    REGISTRY,
    UPDATE,
    WEIGHTS,
    Kind,
    Program,
    Property,
    live,
)
from simplify.constants import total
from simplify.numeric import function as numeric
from simplify.work import DEEPEST, Exhausted, Work

NARY = {"add": 0.0, "multiply": 1.0}  # n-ary functions and their neutral elements
INVERSE = "inverse"  # 1 / (x + 1e-8), a function of graphs, not of the language
CONSTANT = "constant"  # the function name of constants
LONGEST = 64  # largest number of operands; beyond it a sum or product stays nested

_DEFINITIONS: dict[str, Callable[["Graph", Sequence[int]], int]] = {
    "subtract": lambda graph, x: graph.make("add", (x[0], graph.make("multiply", (graph.leaf(-1.0), x[1])))),
    "negative": lambda graph, x: graph.make("multiply", (graph.leaf(-1.0), x[0])),
    "square": lambda graph, x: graph.make("multiply", (x[0], x[0])),
    "cube": lambda graph, x: graph.make("multiply", (x[0], x[0], x[0])),
    "divide": lambda graph, x: graph.make("multiply", (x[0], graph.make(INVERSE, (x[1],)))),
}


class Node(NamedTuple):
    """A function of nodes, or a leaf: an input by name, a constant by value."""

    function: str
    arguments: tuple[int, ...] = ()
    leaf: str | float | None = None


class Rewriting(Protocol):
    """A rewrite rule as a graph uses it."""

    @property
    def law(self) -> str:
        """The rule in ordinary notation."""

    @property
    def exactness(self) -> str:
        """Exactness of the rule, a member of `Exactness`."""

    def apply(self, graph: "Graph", node: int) -> int | None:
        """Rewrite a node; `None` if the rule does not apply."""


class Rules(Protocol):
    """A set of rules as a graph uses it."""

    def fitting(self, function: str, among: frozenset[str]) -> Sequence[Rewriting]:
        """Rules, in order, that can match a function whose arguments are calls of the functions `among`."""


class NoRules:
    """The empty set of rules."""

    def fitting(self, function: str, among: frozenset[str]) -> Sequence[Rewriting]:
        """The empty sequence."""
        return ()


class Firing(NamedTuple):
    """One application of a rule to a node of a graph."""

    rule: Rewriting
    before: int
    after: int


class Graph:
    """A graph of numbered nodes in which each expression occurs once.

    Args:
        rules: rules that are applied while nodes are made.
        nonnegative: state slots that are known never to be negative.
        work: budget for making nodes.
    """

    def __init__(
        self, rules: Rules | None = None, nonnegative: frozenset[str] = frozenset(), work: Work | None = None
    ) -> None:
        self.nodes: list[Node] = []
        self.nonnegative = nonnegative
        self.work = work or Work()
        self.log: list[Firing] = []
        self.ranges: dict[int, Any] = {}  # cache of `simplify.ranges`
        self.signs: dict[tuple[int, bool, bool], Any] = {}  # cache of `simplify.signs`
        self._rules = rules or NoRules()
        self._numbers: dict[Node, int] = {}
        self._made: dict[tuple[str, tuple[int, ...]], int] = {}
        self._keys: list[tuple[bytes, bytes]] = []
        self._kinds: list[Kind] = []
        self._arguments: list[frozenset[str]] = []

    def leaf(self, value: str | float) -> int:
        """The node of an input or a constant."""
        return self._intern(Node("", (), value + 0.0 if isinstance(value, float) else value))

    def value(self, node: int) -> float | None:
        """The value of a constant; `None` for any other node."""
        leaf = self.nodes[node].leaf
        return leaf if isinstance(leaf, float) else None

    def kind(self, node: int) -> Kind:
        """Kind of a node's value."""
        return self._kinds[node]

    def arguments(self, node: int) -> frozenset[str]:
        """Names of the functions of the arguments of a node, and `CONSTANT` for constants."""
        return self._arguments[node]

    def key(self, node: int) -> tuple[bytes, bytes]:
        """Sort key of a node: a digest of its structure without constants, then one with them."""
        return self._keys[node]

    def make(self, function: str, arguments: Iterable[int]) -> int:
        """Make the node of a function of nodes, and rewrite it by the rules.

        Raises:
            Exhausted: the work is used up, or rewritings are nested too deeply.
        """
        key = (function, tuple(arguments))
        if key not in self._made:
            work = self.work
            work.spend(2 + len(key[1]))
            work.depth += 1
            try:
                if work.depth > DEEPEST:
                    raise Exhausted
                self._made[key] = self._make(*key)
            finally:
                work.depth -= 1
        return self._made[key]

    def _make(self, function: str, arguments: tuple[int, ...]) -> int:
        if function in _DEFINITIONS:
            return _DEFINITIONS[function](self, arguments)
        if function in NARY:
            arguments = self._gathered(function, arguments)
            if len(arguments) == 1:
                return arguments[0]
        elif commutative(function):
            arguments = tuple(sorted(arguments, key=self.key))
        elif function == "interp" and self._is_slot(arguments[0]) and not self._is_slot(arguments[1]):
            share = self.value(arguments[2])
            if share is not None:  # a slot comes last
                arguments = (arguments[1], arguments[0], self.leaf(1 - share))
        folded = self._folded(function, arguments)
        if folded is not None:
            return self.leaf(folded)
        node = self._intern(Node(function, arguments))
        for rule in self._rules.fitting(function, self._arguments[node]):
            result = rule.apply(self, node)
            if result is not None and result != node:
                self.log.append(Firing(rule, node, result))
                return result
        return node

    def _is_slot(self, node: int) -> bool:
        leaf = self.nodes[node].leaf
        return isinstance(leaf, str) and leaf not in (WEIGHTS, GRADIENT, LEARNING_RATE)

    def _gathered(self, function: str, arguments: tuple[int, ...]) -> tuple[int, ...]:
        """Operands of a sum or product: flattened up to `LONGEST`, with at most one constant, sorted."""
        flat: list[int] = []
        for argument in arguments:
            node = self.nodes[argument]
            flat += node.arguments if node.function == function else (argument,)
        if len(flat) > LONGEST:
            flat = list(arguments)
        constants = [value for value in map(self.value, flat) if value is not None]
        rest = sorted((node for node in flat if self.value(node) is None), key=self.key)
        if not constants:
            return tuple(rest)
        return (self.leaf(total(function, constants)), *rest)

    def _folded(self, function: str, arguments: tuple[int, ...]) -> float | None:
        """The float32 value of a function of constants; `None` if it is not finite or an argument is no constant."""
        values = [value for value in map(self.value, arguments) if value is not None]
        if len(values) < len(arguments):
            return None
        if function == INVERSE:
            return 1 / (values[0] + EPSILON) if values[0] + EPSILON else None
        if function == "interp":
            return (1 - values[2]) * values[0] + values[2] * values[1]
        if function == "reciprocal":
            return 1 / values[0] if values[0] else None
        row = REGISTRY[function]
        if ONLY_TREE in row.accepts:
            return None
        with np.errstate(all="ignore"):
            value = float(np.float32(numeric(row)(*map(np.float64, values))))
        return value if np.isfinite(value) else None

    def _intern(self, node: Node) -> int:
        if node not in self._numbers:
            self._numbers[node] = len(self.nodes)
            self.nodes.append(node)
            self._keys.append(self._digests(node))
            self._kinds.append(self._kind(node))
            below = (self.nodes[argument] for argument in node.arguments)
            self._arguments.append(frozenset(CONSTANT if isinstance(n.leaf, float) else n.function for n in below))
        return self._numbers[node]

    def _digests(self, node: Node) -> tuple[bytes, bytes]:
        if isinstance(node.leaf, float):
            return b"", np.float64(node.leaf).tobytes()
        name = f"{node.function}({node.leaf})".encode()
        below = [self._keys[argument] for argument in node.arguments]
        shape = joined(name, *[key[0] for key in below])
        return (shape, joined(name, *[key[1] for key in below])) if below else (shape, shape)

    def _kind(self, node: Node) -> Kind:
        if node.leaf is not None:
            return Kind.SCALAR if isinstance(node.leaf, float) or node.leaf == LEARNING_RATE else Kind.TREE
        fixed = None if node.function == INVERSE else REGISTRY[node.function].result
        return fixed if fixed is not None else max((self._kinds[a] for a in node.arguments), default=Kind.SCALAR)

    def order(self, roots: Iterable[int]) -> list[int]:
        """The nodes on which the roots depend, and the roots; arguments before functions."""
        open_ends = list(roots)
        wanted = set(open_ends)
        while open_ends:
            for argument in self.nodes[open_ends.pop()].arguments:
                if argument not in wanted:
                    wanted.add(argument)
                    open_ends.append(argument)
        self.work.spend(len(wanted) // 2)
        return sorted(wanted)  # arguments have smaller numbers

    def rebuilt(self, roots: Sequence[int], into: "Graph", replaced: Mapping[int, int]) -> list[int]:
        """The roots, made again in another graph; `replaced` maps nodes here to the numbers that replace them there."""
        new = dict(replaced)
        for number in self.order(roots):
            if number not in new:
                function, arguments, leaf = self.nodes[number]
                new[number] = into.leaf(leaf) if leaf is not None else into.make(function, [new[a] for a in arguments])
        return [new[root] for root in roots]


def read(program: Program, graph: Graph, inputs: Mapping[str, int] | None = None) -> dict[str, int]:
    """Make the nodes of a valid program's live part: the update and the next value of each live slot.

    Args:
        program: a valid program.
        graph: the graph in which the nodes are made.
        inputs: nodes that replace inputs; by default each input is a leaf.
    """
    lines, slots = live(program)
    where = {name: graph.leaf(name) for name in program.inputs} | dict(inputs or {})
    for line in lines:
        target, function, arguments = program.statements[line]
        where[target] = graph.make(function, [where[a] if isinstance(a, str) else graph.leaf(a) for a in arguments])
    return {name: where[name] for name in (UPDATE, *slots)}


@lru_cache(maxsize=65536)  # most expressions of a program occur in another one
def joined(*parts: bytes) -> bytes:
    """A digest of several digests, 8 bytes."""
    return blake2b(b"|".join(parts), digest_size=8).digest()


@lru_cache(maxsize=1024)
def commutative(function: str) -> bool:
    """Whether the order of the arguments of a function does not matter."""
    return function in REGISTRY and Property.COMMUTATIVE in REGISTRY[function].properties
