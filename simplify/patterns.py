"""Patterns: formulas that match every node of their form.

Letters from `a` to `f` match constants, letters from `u` to `z` any node. A sum or product matches in any order. At the
root of a pattern it also matches some of the operands of a longer sum or product; inside a pattern its last letter
matches all remaining operands. A formula of constants, such as `1 - a` in `a*x + (1 - a)*y`, matches the constant of
this value.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from simplify.constants import ROUNDING
from simplify.terms import CONSTANT, NARY, Graph, commutative

_SIGNS = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}
_CONSTANTS = "abcdef"

Bindings = dict[str, int]


@dataclass(frozen=True)
class Pattern:
    """A function of patterns, or a leaf: a letter or a constant. Derived properties are computed once."""

    function: str
    arguments: tuple["Pattern", ...] = ()
    leaf: str | float | None = None

    @cached_property
    def letters(self) -> frozenset[str]:
        """The letters in the pattern."""
        own = {self.leaf} if isinstance(self.leaf, str) else set()
        return frozenset(own.union(*(argument.letters for argument in self.arguments)))

    @cached_property
    def folds(self) -> bool:
        """Whether the pattern consists of constants alone."""
        return bool(self.letters) and self.letters <= set(_CONSTANTS)

    @cached_property
    def functions(self) -> int:
        """Number of statements that compute the pattern; constants are folded."""
        return 0 if self.folds else (self.leaf is None) + sum(argument.functions for argument in self.arguments)

    @cached_property
    def needs(self) -> frozenset[str]:
        """Functions that occur among the arguments of every node that matches, and `CONSTANT`."""
        given = [a for a in self.arguments if a.leaf is None or a.folds or isinstance(a.leaf, float)]
        return frozenset(CONSTANT if a.folds or a.leaf is not None else a.function for a in given)


@lru_cache(maxsize=1024)
def pattern(text: str) -> Pattern:
    """Parse a formula such as `x / sqrt(x*x)` without changing it."""
    return _read(ast.parse(text, mode="eval").body)


def _read(node: ast.expr) -> Pattern:
    match node:
        case ast.Name(name):
            return Pattern("", (), name)
        case ast.Constant(value) if isinstance(value, int | float):
            return Pattern("", (), float(value))
        case ast.UnaryOp(ast.USub(), ast.Constant(value)) if isinstance(value, int | float):
            return Pattern("", (), -float(value))
        case ast.UnaryOp(ast.USub(), inner):
            return Pattern("negative", (_read(inner),))
        case ast.BinOp(left, sign, right):
            return Pattern(_SIGNS[type(sign)], (_read(left), _read(right)))
        case ast.Call(ast.Name(name), arguments):
            return Pattern(name, tuple(map(_read, arguments)))
    raise ValueError(f"`{ast.unparse(node)}` is not valid in a pattern")


@lru_cache(maxsize=1024)
def normal(given: Pattern) -> Pattern:
    """The pattern in the functions of graphs: n-ary sums and products, guarded inverses."""
    if given.leaf is not None or given.folds:
        return given
    arguments = tuple(map(normal, given.arguments))
    minus, one = Pattern("", (), -1.0), arguments[:1]
    match given.function:
        case "subtract":
            return _flat("add", (*one, _flat("multiply", (minus, arguments[1]))))
        case "negative":
            return _flat("multiply", (minus, *one))
        case "square" | "cube":
            return _flat("multiply", one * (2 if given.function == "square" else 3))
        case "divide":
            inverse = Pattern("inverse", arguments[1:])
            return inverse if arguments[0].leaf == 1.0 else _flat("multiply", (*one, inverse))
        case "add" | "multiply":
            return _flat(given.function, arguments)
    return Pattern(given.function, arguments)


def _flat(function: str, arguments: tuple[Pattern, ...]) -> Pattern:
    flat: list[Pattern] = []
    for argument in arguments:
        flat += argument.arguments if argument.function == function and not argument.folds else (argument,)
    # Operands that bind letters come before those that use them; a letter that matches any node comes last.
    return Pattern(
        function,
        tuple(
            sorted(
                flat,
                key=lambda p: (
                    p.leaf is not None and not p.folds,
                    not p.letters <= set(_CONSTANTS) and _has_formula(p),
                    p.folds and p.leaf is None,
                ),
            )
        ),
    )


def _has_formula(given: Pattern) -> bool:
    return (given.leaf is None and given.folds) or any(map(_has_formula, given.arguments))


def matches(graph: Graph, root: Pattern, node: int) -> Iterator[tuple[Bindings, tuple[int, ...]]]:
    """Each match of a normal pattern with a node: the nodes of its letters, and the remaining operands."""
    if root.function in NARY and not root.folds:
        if graph.nodes[node].function == root.function:
            yield from _operands(graph, root, root.arguments, graph.nodes[node].arguments, {}, at_root=True)
    else:
        for bindings in _match(graph, root, node, {}):
            yield bindings, ()


def _match(graph: Graph, wanted: Pattern, node: int, bound: Bindings) -> Iterator[Bindings]:
    value = graph.value(node)
    if wanted.folds and wanted.function:
        if value is not None and wanted.letters <= bound.keys():
            expected = graph.value(build(graph, wanted, bound))
            if expected is not None and abs(value - expected) <= ROUNDING * max(1.0, abs(value)):
                yield bound
    elif isinstance(wanted.leaf, str):
        if wanted.leaf in bound:
            if bound[wanted.leaf] == node:
                yield bound
        elif value is not None or wanted.leaf not in _CONSTANTS:
            yield bound | {wanted.leaf: node}
    elif wanted.leaf is not None:
        if value == wanted.leaf:
            yield bound
    elif graph.nodes[node].function == wanted.function:
        arguments = graph.nodes[node].arguments
        if wanted.function in NARY:
            for bindings, _ in _operands(graph, wanted, wanted.arguments, arguments, bound, at_root=False):
                yield bindings
        else:
            yield from _in_order(graph, wanted.arguments, arguments, bound)
            share = graph.value(arguments[2]) if wanted.function == "interp" else None
            if share is not None:  # interp(x, y, a) = interp(y, x, 1 - a)
                swapped = (arguments[1], arguments[0], graph.leaf(1 - share))
                yield from _in_order(graph, wanted.arguments, swapped, bound)
            if commutative(wanted.function):
                yield from _in_order(graph, wanted.arguments, arguments[::-1], bound)


def _in_order(graph: Graph, wanted: tuple[Pattern, ...], nodes: tuple[int, ...], bound: Bindings) -> Iterator[Bindings]:
    if not wanted:
        yield bound
        return
    for bindings in _match(graph, wanted[0], nodes[0], bound):
        yield from _in_order(graph, wanted[1:], nodes[1:], bindings)


def _operands(
    graph: Graph, parent: Pattern, wanted: tuple[Pattern, ...], nodes: tuple[int, ...], bound: Bindings, at_root: bool
) -> Iterator[tuple[Bindings, tuple[int, ...]]]:
    if not wanted:
        if at_root or not nodes:
            yield bound, nodes
        return
    if len(nodes) < len(wanted):
        return
    first, rest = wanted[0], wanted[1:]
    if not rest and not at_root and len(nodes) > 1:  # the last letter matches all remaining operands
        if isinstance(first.leaf, str):
            for bindings in _match(graph, first, graph.make(parent.function, nodes), bound):
                yield bindings, ()
        return
    function = "" if first.leaf is not None or first.folds else first.function
    # Constants come first among operands, and there is at most one.
    places = nodes[:1] if first.folds or isinstance(first.leaf, float) else nodes
    for index, node in enumerate(places):
        if function and graph.nodes[node].function != function:
            continue
        graph.work.spend()
        for bindings in _match(graph, first, node, bound):
            yield from _operands(graph, parent, rest, nodes[:index] + nodes[index + 1 :], bindings, at_root)


def build(graph: Graph, result: Pattern, bindings: Mapping[str, int]) -> int:
    """Make the node of a pattern whose letters are bound."""
    if isinstance(result.leaf, str):
        return bindings[result.leaf]
    if result.leaf is not None:
        return graph.leaf(result.leaf)
    return graph.make(result.function, [build(graph, argument, bindings) for argument in result.arguments])
