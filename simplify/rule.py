"""A rewrite rule: a pattern, its replacement, the law in ordinary notation, and the conditions under which it holds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from simplify.patterns import Bindings, Pattern, build, matches, normal, pattern
from simplify.ranges import range_of
from simplify.terms import Graph


class Exactness(StrEnum):
    """The changes that a rule may cause."""

    EXACT = "exact"  # rounding alone
    GUARD = "exact up to the guard in /"
    SHIFTED = "exact but for a divisor near the guard in /, which is met at another size"
    FAR = "exact but for sizes below 1e-10 or above 1e12"
    FINITE = "exact where no NaN or infinity arises"


class Domain(StrEnum):
    """A condition on the node that a letter of a pattern matches."""

    POSITIVE = "> 0"
    NONNEGATIVE = ">= 0"
    NEGATIVE = "< 0"
    COMPUTED = "not an input"
    SHARE = "between 0 and 1"
    HUGE = "> 1e12"
    TINY = "between 0 and 1e-20"


class Use(StrEnum):
    """The phase of simplification in which a rule is applied."""

    ALWAYS = "always"  # whenever it matches, since it never makes a program longer
    CONTRACTING = "contracting"  # like `ALWAYS`, but not on multiplied-out graphs
    GAINFUL = "gainful"  # only if the program becomes shorter
    PULLING = "pulling"  # unless the program becomes longer; moves constants out of functions
    FACTORING = "factoring"  # like `PULLING` for sums, but not on multiplied-out graphs
    EXPANDING = "expanding"  # on multiplied-out graphs only


@dataclass(frozen=True)
class Rule:
    """A row of the table of rules.

    Attributes:
        left: the pattern, in the notation of `simplify.patterns`.
        right: the replacement, in the same notation.
        law: the rule in ordinary notation.
        where: conditions on the letters.
        exactness: the changes that it may cause.
        use: the phase in which it is applied.
    """

    left: str
    right: str
    law: str
    where: Mapping[str, Domain] = field(default_factory=dict)
    exactness: Exactness = Exactness.EXACT
    use: Use = Use.ALWAYS

    def __hash__(self) -> int:
        return hash((self.left, self.right))

    @cached_property
    def pattern(self) -> Pattern:
        """The pattern in the functions of graphs."""
        return normal(pattern(self.left))

    @property
    def root(self) -> str:
        """The function at the root of the pattern."""
        return self.pattern.function

    @property
    def needs(self) -> frozenset[str]:
        """Functions that must occur among the arguments of a node that matches, and `CONSTANT`."""
        return self.pattern.needs

    def apply(self, graph: Graph, node: int) -> int | None:
        """Rewrite a node; `None` if the rule does not apply."""
        return next(self.results(graph, node), None)

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """The rewritten node for each match of the pattern."""
        graph.work.spend()
        for bindings, rest in matches(graph, self.pattern, node):
            if self._holds(graph, bindings):
                result = build(graph, pattern(self.right), bindings)
                yield graph.make(self.root, (result, *rest)) if rest else result

    def _holds(self, graph: Graph, bindings: Bindings) -> bool:
        return all(_HOLDS[domain](graph, bindings[letter]) for letter, domain in self.where.items())


_HOLDS: Mapping[Domain, Callable[[Graph, int], bool]] = {
    Domain.POSITIVE: lambda graph, node: range_of(graph, node).positive,
    Domain.NONNEGATIVE: lambda graph, node: range_of(graph, node).nonnegative,
    Domain.NEGATIVE: lambda graph, node: range_of(graph, node).negative,
    Domain.SHARE: lambda graph, node: range_of(graph, node).low > 0 and range_of(graph, node).high < 1,
    Domain.HUGE: lambda graph, node: range_of(graph, node).low > 1e12,
    Domain.TINY: lambda graph, node: range_of(graph, node).positive and range_of(graph, node).high < 1e-20,
    Domain.COMPUTED: lambda graph, node: graph.nodes[node].leaf is None,
}
