"""State slots: which ones are redundant, and which are never negative.

A slot that stays zero is a constant, and slots that always hold equal values can be merged. Both are fixpoints:
the analysis assumes the property for all slots and drops the assumption for those whose next value contradicts it. It
finds slots that are never negative, such as an average of squares, in the same way. Three steps on probes refute most
assumptions cheaply; the rules decide on the others.
"""

from collections.abc import Callable

import numpy as np

from primitives import Program, live
from simplify.probes import trace
from simplify.ranges import range_of
from simplify.rule import Exactness
from simplify.rules import SHORT, rule_set
from simplify.steps import Step
from simplify.terms import Graph, read
from simplify.work import Work

_STEPS = 3  # number of steps on the probes
_APART = 1e-6  # absolute and relative tolerance; smaller differences may be rounding


class Memory:
    """Properties of the state slots of a program.

    Args:
        program: a program without dead statements.
        exactness: exactness of the rules that may be used.
        work: budget of the analysis.

    Raises:
        Exhausted: the work is used up.
    """

    def __init__(self, program: Program, exactness: tuple[Exactness, ...], work: Work | None = None) -> None:
        self._program = program
        self._rules = rule_set(SHORT, exactness)
        self._work = work or Work()
        slots = live(program).slots
        self._traced = trace(program, steps=_STEPS) if slots else {}
        self._stands: dict[str, str | float] = {slot: 0.0 if self._may_be_zero(slot) else slot for slot in slots}
        if self._zeros():
            self._settle(
                lambda graph, roots: self._stands | {s: s for s in self._zeros() if graph.value(roots[s]) != 0}
            )
        self._merge([slot for slot in slots if self._stands[slot] != 0.0])
        self.kept = {slot: stands for slot, stands in self._stands.items() if isinstance(stands, str)}
        self.nonnegative = frozenset(slot for slot in self.kept.values() if not np.any(self._traced[slot] < 0))
        self._narrow()
        self.steps = [
            Step("state that stays zero" if stands == 0 else "state that only renames state", slot, f"{stands:.0f}"
                 if isinstance(stands, float) else stands, Exactness.EXACT)
            for slot, stands in self._stands.items()
            if stands != slot
        ]  # fmt: skip

    def _zeros(self) -> list[str]:
        return [slot for slot, stands in self._stands.items() if stands == 0.0]

    def _may_be_zero(self, slot: str) -> bool:
        values = self._traced[slot]
        return not np.any(np.abs(values[np.isfinite(values)]) > _APART)

    def _may_be_equal(self, slot: str, other: str) -> bool:
        one, two = self._traced[slot], self._traced[other]
        both = np.isfinite(one) & np.isfinite(two)
        return bool(np.allclose(one[both], two[both], rtol=_APART, atol=_APART))

    def _merge(self, slots: list[str]) -> None:
        """Find slots that always hold equal values."""
        firsts: list[str] = []
        for slot in slots:
            first = next((first for first in firsts if self._may_be_equal(slot, first)), slot)
            self._stands[slot] = first
            if first == slot:
                firsts.append(slot)
        if len(firsts) < len(slots):
            self._settle(lambda _, roots: self._split(roots) | dict.fromkeys(self._zeros(), 0.0))

    def _narrow(self) -> None:
        """Drop slots whose next value may be negative, until the others confirm each other."""
        while True:
            self.graph = Graph(self._rules, self.nonnegative, self._work)
            self.roots = self.roots_in(self.graph)
            still = frozenset(s for s in self.nonnegative if range_of(self.graph, self.roots[s]).nonnegative)
            if still == self.nonnegative:
                return
            self.nonnegative = still

    def _settle(self, weaker: Callable[[Graph, dict[str, int]], dict[str, str | float]]) -> None:
        """Weaken an assumption until the next values confirm it."""
        while True:
            graph = Graph(self._rules, work=self._work)
            kept = weaker(graph, self._all(graph))
            if kept == self._stands:
                return
            self._stands = kept

    def _split(self, roots: dict[str, int]) -> dict[str, str | float]:
        """Split classes of slots by their next values; each slot is represented by the first of its class."""
        first: dict[tuple[str | float, int], str] = {}
        slots = [slot for slot, stands in self._stands.items() if stands != 0.0]
        return {slot: first.setdefault((self._stands[slot], roots[slot]), slot) for slot in slots}

    def _all(self, graph: Graph) -> dict[str, int]:
        return read(self._program, graph, {slot: graph.leaf(stands) for slot, stands in self._stands.items()})

    def roots_in(self, graph: Graph) -> dict[str, int]:
        """Nodes of the update and of the next values of the needed slots in a graph."""
        return {name: node for name, node in self._all(graph).items() if self._stands.get(name, name) == name}
