"""Rules that a pattern cannot express: on sums of any length, on ranges, and on signs.

Each has a row in the table of rules, whose pattern is its simplest case.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from simplify.constants import ROUNDING, total
from simplify.patterns import pattern
from simplify.ranges import range_of
from simplify.rule import Exactness, Rule, Use
from simplify.signs import signs_of
from simplify.terms import Graph


def term(graph: Graph, node: int) -> tuple[float, tuple[int, ...]]:
    """The constant factor of a node and its other factors; a constant has no others."""
    value = graph.value(node)
    if value is not None:
        return value, ()
    function, arguments, _ = graph.nodes[node]
    if function != "multiply":
        return 1.0, (node,)
    value = graph.value(arguments[0])
    return (1.0, arguments) if value is None else (value, arguments[1:])


def _operands(graph: Graph, node: int) -> tuple[int, ...]:
    arguments = graph.nodes[node].arguments
    graph.work.spend(len(arguments))
    return arguments


def _product(graph: Graph, coefficient: float, factors: Sequence[int]) -> int:
    """A term of a sum."""
    constant = () if coefficient == 1 else (graph.leaf(coefficient),)
    return graph.make("multiply", (*constant, *factors)) if constant or factors else graph.leaf(1.0)


class LikeTerms(Rule):
    """Adds up terms with the same factors: `x + 2*x + y - x` becomes `2*x + y`."""

    @property
    def needs(self) -> frozenset[str]:
        """The empty set: any operand may occur twice."""
        return frozenset()

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """The sum with like terms added up, if it has any."""
        arguments = _operands(graph, node)
        like: dict[tuple[int, ...], list[float]] = {}
        for argument in arguments:
            coefficient, factors = term(graph, argument)
            like.setdefault(factors, []).append(coefficient)
        if len(like) < len(arguments):
            yield graph.make(
                "add",
                [_product(graph, total("add", coefficients), factors) for factors, coefficients in like.items()],
            )


class Leading(Rule):
    """Rewrites a sum or product whose first operand is a certain constant."""

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """The rewritten node, if the constant is the one of the pattern."""
        first, *rest = graph.nodes[node].arguments
        wanted = next(argument.leaf for argument in self.pattern.arguments if isinstance(argument.leaf, float))
        if graph.value(first) == wanted:
            yield graph.make(self.root, rest) if pattern(self.right).letters else graph.leaf(0.0)


class CommonFactor(Rule):
    """Pulls out a factor that terms of a sum share: `x*y + x*z + x + u` becomes `x * (y + z + 1) + u`."""

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """The rewritten sum for each factor that several terms share."""
        terms = {argument: term(graph, argument) for argument in _operands(graph, node)}
        counts = Counter(factor for _, factors in terms.values() for factor in dict.fromkeys(factors))
        for factor in [factor for factor, times in counts.items() if times > 1]:
            cofactors, rest = [], []
            for argument, (coefficient, factors) in terms.items():
                if factor in factors:
                    place = factors.index(factor)
                    others = factors[:place] + factors[place + 1 :]
                    cofactors.append(_product(graph, coefficient, others))
                else:
                    rest.append(argument)
            common = graph.make("multiply", (factor, graph.make("add", cofactors)))
            yield graph.make("add", (common, *rest))


class CommonConstant(Rule):
    """Pulls out the constant of a term: `a*x + b*y + z` becomes `a * (x + b/a*y) + z`, if `x` is not an input."""

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """The rewritten sum for each term whose constant can be pulled out."""
        terms = {argument: term(graph, argument) for argument in _operands(graph, node)}
        scaled = {node: pair for node, pair in terms.items() if pair[1] and pair[0] not in (0.0, 1.0)}
        rest = [argument for argument in terms if argument not in scaled]
        for factor, factors in scaled.values() if len(scaled) > 1 else ():
            if len(factors) > 1 or graph.nodes[factors[0]].leaf is None:
                inner = [_product(graph, c / factor, others) for c, others in scaled.values()]
                product = graph.make("multiply", (graph.leaf(factor), graph.make("add", inner)))
                yield graph.make("add", (product, *rest))


class Average(Rule):
    """Writes two terms of a sum whose constants add up to 1 as `interp`."""

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """The rewritten sum for each such pair."""
        arguments = _operands(graph, node)
        terms = [(argument, *term(graph, argument)) for argument in arguments]
        scaled = [one for one in terms if one[2] and one[1] != 1]
        for (one, a, x), (two, b, y) in combinations(scaled, 2):
            if abs(1 - a - b) <= ROUNDING * max(1.0, abs(b)):
                first, second = graph.make("multiply", x), graph.make("multiply", y)
                rest = [other for other in arguments if other not in (one, two)]
                for average in (first, second, graph.leaf(1 - a)), (second, first, graph.leaf(1 - b)):
                    yield graph.make("add", (graph.make("interp", average), *rest))


class Distributed(Rule):
    """Multiplies out a product with a sum."""

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """The rewritten product for each operand that is a sum."""
        arguments = _operands(graph, node)
        for place, argument in enumerate(arguments):
            if graph.nodes[argument].function == "add":
                rest = arguments[:place] + arguments[place + 1 :]
                terms = [graph.make("multiply", (*rest, one)) for one in graph.nodes[argument].arguments]
                yield graph.make("add", terms)


class Dominated(Rule):
    """Replaces `max` and `min` of two nodes by one of them, if their ranges do not overlap."""

    @property
    def needs(self) -> frozenset[str]:
        """The empty set: an input has a range, too."""
        return frozenset()

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """The node that is always the larger or the smaller one, if there is one."""
        first, second = graph.nodes[node].arguments
        one, other = range_of(graph, first), range_of(graph, second)
        if one.low >= other.high:
            yield first if self.root == "max" else second
        elif other.low >= one.high:
            yield second if self.root == "max" else first


class LikeSigns(Rule):
    """Replaces the sign of a node by that of the product of its bases; see `simplify.signs`."""

    @property
    def needs(self) -> frozenset[str]:
        """The empty set: many functions keep signs."""
        return frozenset()

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """The sign of the product; if the rule is always applied, only for a product of a single base."""
        guarded, finite = self.exactness is not Exactness.EXACT, self.exactness is Exactness.FINITE
        (argument,) = graph.nodes[node].arguments
        found = signs_of(graph, argument, guarded, finite)
        factors = sorted((*found.odd, *found.even, *found.even), key=graph.key)
        if len(factors) > 1 and self.use is Use.ALWAYS:
            return
        inner = graph.make("multiply", factors) if factors else None
        if inner == argument:
            return
        sign = graph.leaf(1.0) if inner is None else graph.make("sign", (inner,))
        yield graph.make("multiply", (graph.leaf(-1.0), sign)) if found.flipped else sign
