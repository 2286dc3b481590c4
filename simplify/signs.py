"""Signs: the sign of a node as a product of the signs of simpler nodes, its *bases*.

`x·x·x`, `x·|x|`, `tanh(3·x)`, `x / |y|` and `x + x·x·x` all have the sign of the base `x`. A base that is never
negative, or that occurs an even number of times, only matters where it is zero: `x·x·y` has the sign of `y`, but is
zero where `x` is zero.

Some steps hold with an exception: `1 / x` has the sign of `x` except near the guard and at zero, and `arcsin x` has
the sign of `x` except where it is NaN. A rule that uses signs declares which exceptions it ignores.
"""

from collections.abc import Iterable
from typing import NamedTuple

from simplify.ranges import keeps_sign, range_of
from simplify.terms import INVERSE, Graph

_BOUNDED = {"arcsin", "arctanh"}  # NaN outside [-1, 1]


class Signs(NamedTuple):
    """The sign of a node as a product.

    Attributes:
        flipped: whether the product has a factor −1.
        odd: bases that contribute their sign.
        even: bases that contribute the square of their sign, which is 0 or 1.
    """

    flipped: bool = False
    odd: frozenset[int] = frozenset()
    even: frozenset[int] = frozenset()

    def times(self, other: "Signs") -> "Signs":
        """The sign of a product."""
        odd = self.odd ^ other.odd
        even = (self.even | other.even | (self.odd & other.odd)) - odd
        return Signs(self.flipped != other.flipped, odd, even)

    def size(self) -> "Signs":
        """The sign of the absolute value."""
        return Signs(False, frozenset(), self.odd | self.even)


def signs_of(graph: Graph, node: int, guarded: bool = False, finite: bool = False) -> Signs:
    """The sign of a node; signs are cached in the graph.

    Args:
        graph: the graph of the node.
        node: number of the node.
        guarded: ignore the guard in `/`.
        finite: ignore NaN and infinities.
    """
    open_ends = [node]
    while open_ends:
        last = open_ends[-1]
        missing = [a for a in graph.nodes[last].arguments if (a, guarded, finite) not in graph.signs]
        if missing:
            open_ends += missing
        else:
            open_ends.pop()
            if (last, guarded, finite) not in graph.signs:
                graph.work.spend()
                graph.signs[last, guarded, finite] = _found(graph, last, guarded, finite)
    found: Signs = graph.signs[node, guarded, finite]
    return found


def _found(graph: Graph, node: int, guarded: bool, finite: bool) -> Signs:
    here = range_of(graph, node)
    if here.positive or here.negative:
        return Signs(here.negative)
    function, arguments, _ = graph.nodes[node]
    given: list[Signs] = [graph.signs[argument, guarded, finite] for argument in arguments]
    alone = Signs(even=frozenset((node,))) if here.nonnegative else Signs(odd=frozenset((node,)))
    match function:
        case "multiply":
            product = Signs()
            for factor in given:
                product = product.times(factor)
            return product
        case "abs" | "sqrt":
            return given[0].size()
        case "add":
            return _alike(given) or alone
        case "interp":
            return _averaged(graph, arguments, given) or alone
        case "max" | "min":
            return given[0] if given[0] == given[1] else alone
        case "clip":
            return given[0] if range_of(graph, arguments[1]).positive else alone
        case "power":
            exponent = graph.value(arguments[1])
            return given[0] if exponent is not None and exponent > 0 and exponent % 2 == 1 else alone
        case "reciprocal":
            return given[0] if finite else alone
        case _ if function == INVERSE:
            return given[0] if guarded else alone
        case _ if function in _BOUNDED and not finite:
            return alone
    return given[0] if keeps_sign(function) else alone


def _averaged(graph: Graph, arguments: tuple[int, ...], given: list[Signs]) -> Signs | None:
    share = graph.value(arguments[2])
    if share is None or share in (0.0, 1.0):
        return None
    return _alike([given[0].times(Signs(share > 1)), given[1].times(Signs(share < 0))])


def _alike(given: Iterable[Signs]) -> Signs | None:
    """The sign of a sum whose terms all have the same sign, given by the term that is least often zero."""
    terms = list(given)
    least = min(terms, key=lambda term: len(term.even))
    same = all(t.flipped == least.flipped and t.odd == least.odd and least.even <= t.even for t in terms)
    return least if same else None
