"""A rule: a pattern, what it becomes, the law in ordinary notation, and when it holds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from simplify.patterns import Bindings, Pattern, build, matches, normal, pattern
from simplify.ranges import range_of
from simplify.terms import Graph


class Exactness(StrEnum):
    """What a rule may change."""

    EXACT = "exact"  # nothing but rounding
    GUARD = "exact up to the guard in /"
    SHIFTED = "exact but for a divisor near the guard in /, which is met at another size"
    FINITE = "exact where no NaN or infinity arises"


class Domain(StrEnum):
    """What a letter has to be for a rule to hold."""

    POSITIVE = "> 0"
    NONNEGATIVE = ">= 0"
    NEGATIVE = "< 0"
    COMPUTED = "not an input"


class Use(StrEnum):
    """When a rule is applied."""

    ALWAYS = "always"  # it never takes more statements
    CONTRACTING = "contracting"  # the same, but undone where everything is multiplied out
    GAINFUL = "gainful"  # where the program gets shorter by it
    PULLING = "pulling"  # where the program does not get longer; pulls constants outwards
    FACTORING = "factoring"  # the same for sums, but undone where everything is multiplied out
    EXPANDING = "expanding"  # to multiply everything out


@dataclass(frozen=True)
class Rule:
    """One row.

    Attributes:
        left: the pattern, in the notation of `simplify.patterns`.
        right: what it becomes.
        law: the same in ordinary notation.
        where: what letters have to be.
        exactness: what it may change.
        use: when it is applied.
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
        """What it matches, in the functions that graphs are made of."""
        return normal(pattern(self.left))

    @property
    def root(self) -> str:
        """The function at the root of the pattern."""
        return self.pattern.function

    @property
    def needs(self) -> frozenset[str]:
        """What has to be among the arguments of a node that it matches: functions by name, and `CONSTANT`."""
        return self.pattern.needs

    def apply(self, graph: Graph, node: int) -> int | None:
        """What a node becomes; `None` where the rule does not apply."""
        return next(self.results(graph, node), None)

    def results(self, graph: Graph, node: int) -> Iterator[int]:
        """What a node may become, once for each way in which the pattern matches."""
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
    Domain.COMPUTED: lambda graph, node: graph.nodes[node].leaf is None,
}
