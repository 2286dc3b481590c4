"""State slots that could be left out, and what is known of the others.

Slots that stay zero are constants, and slots that always hold equal values are one. Both are fixpoints: all slots are
assumed to be so, and the assumption is dropped for those whose next value contradicts it. Likewise for slots that are
never negative, such as an average of squares.
"""

from collections.abc import Callable

from primitives.dataflow import live
from primitives.program import Program
from simplify.rules import SHORT, Exactness, by_root
from simplify.signs import nonnegative
from simplify.steps import Step
from simplify.terms import Graph, read


class Memory:
    """What is known of the state slots of a program."""

    def __init__(self, program: Program, exactness: tuple[Exactness, ...]) -> None:
        self._program = program
        self._rules = by_root(SHORT, exactness)
        slots = live(program).slots
        self.nonnegative: frozenset[str] = frozenset()
        self._stands: dict[str, str | float] = dict.fromkeys(slots, 0.0)  # all stay zero, one assumes
        self._settle(lambda graph, roots: {s: 0.0 for s in self._zeros() if graph.value(roots[s]) == 0})
        zeros = self._zeros()
        first = next((slot for slot in slots if slot not in zeros), "")
        self._stands |= {slot: first for slot in slots if slot not in zeros}  # all others are equal, one assumes
        self._settle(lambda _, roots: self._split(roots) | dict.fromkeys(zeros, 0.0))
        self.kept = {slot: stands for slot, stands in self._stands.items() if isinstance(stands, str)}
        self.nonnegative = frozenset(self.kept.values())
        while True:
            graph = Graph(self._rules, self.nonnegative)
            roots = self.roots(graph)
            still = frozenset(slot for slot in self.nonnegative if nonnegative(graph, roots[slot]))
            if still == self.nonnegative:
                break
            self.nonnegative = still
        self.steps = [
            Step(
                "state that stays zero" if stands == 0 else "state that only renames state", slot, str(stands), "exact"
            )
            for slot, stands in self._stands.items()
            if stands != slot
        ]

    def _zeros(self) -> list[str]:
        return [slot for slot, stands in self._stands.items() if stands == 0.0]

    def _settle(self, weaker: Callable[[Graph, dict[str, int]], dict[str, str | float]]) -> None:
        """Weaken an assumption until the next values bear it out."""
        while True:
            graph = Graph(self._rules)
            kept = weaker(graph, self._all(graph))
            if kept == self._stands:
                return
            self._stands = kept

    def _split(self, roots: dict[str, int]) -> dict[str, str | float]:
        """Slots whose next values differ stand for themselves, or for the first of those that they still equal."""
        first: dict[tuple[str | float, int], str] = {}
        slots = [slot for slot, stands in self._stands.items() if stands != 0.0]
        return {slot: first.setdefault((self._stands[slot], roots[slot]), slot) for slot in slots}

    def _all(self, graph: Graph) -> dict[str, int]:
        return read(self._program, graph, {slot: graph.leaf(stands) for slot, stands in self._stands.items()})

    def roots(self, graph: Graph) -> dict[str, int]:
        """The update, and the next values of the slots that are needed."""
        return {name: node for name, node in self._all(graph).items() if self._stands.get(name, name) == name}
