"""Signs: which inputs of a node its sign depends on, and how.

The sign of a node is that of a product of *bases*, nodes of whose sign nothing simpler is known. A base that is never
negative, or occurs an even number of times, says only where the product is zero. So `x·x·x`, `x·|x|`, `tanh(3·x)`,
`x / |y|` and `x + x·x·x` all have the sign of `x`; `x·x·y` has that of `y`, but is zero where `x` is, too.

Some steps hold up to a reservation only: `1 / x` has the sign of `x` except near the guard or at zero, and `arcsin x`
where it is a number. Each rule that builds on signs says which reservations it makes.
"""

from collections.abc import Iterable
from typing import NamedTuple

from simplify.ranges import keeps_sign, range_of
from simplify.terms import INVERSE, Graph

_BOUNDED = {"arcsin", "arctanh"}  # NaN outside [-1, 1]


class Signs(NamedTuple):
    """The sign of a node as a product.

    Attributes:
        flipped: whether a factor -1 belongs to it.
        odd: bases that belong to it with their sign.
        even: bases that belong to it with the square of their sign, which is 0 or 1.
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
    """The sign of a node; signs are remembered with the graph.

    Args:
        graph: where the node is.
        node: its number.
        guarded: whether the guard in `/` may be left out of account.
        finite: whether NaN and infinity may.
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
    """The sign of a sum of terms of one sign; it is zero where that term is that is zero least often."""
    terms = list(given)
    least = min(terms, key=lambda term: len(term.even))
    same = all(t.flipped == least.flipped and t.odd == least.odd and least.even <= t.even for t in terms)
    return least if same else None
