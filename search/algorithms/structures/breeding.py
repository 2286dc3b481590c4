"""Breeding: operators are drawn by their weights until a draft is a valid program that differs from its parent."""

from collections.abc import Mapping
from itertools import accumulate
from typing import NamedTuple

from primitives import Program, is_valid, live_part
from search.algorithms.structures.operators import OPERATORS, Material
from search.engine import Draws

_PATIENCE = 500  # drafts for one step


class Child(NamedTuple):
    """The live part of a child.

    Attributes:
        program: a valid program.
        operators: names of the operators that made it, in order.
        dropped: number of invalid drafts.
    """

    program: Program
    operators: str
    dropped: int


class Breeder:
    """Draws children.

    Args:
        weights: relative rate of each operator.
        twice: probability that a second operator is applied to a child.
    """

    def __init__(self, weights: Mapping[str, float], twice: float) -> None:
        self._names = [name for name in OPERATORS if weights.get(name, 0) > 0]
        self._cumulative = list(accumulate(weights[name] for name in self._names))
        self._twice = twice

    def child(self, parent: Program, material: Material, draws: Draws) -> Child | None:
        """Draw a child of a program; `None` if no draft is valid."""
        child = self._step(parent, material, draws)
        if child is None or draws.uniform() >= self._twice:
            return child
        second = self._step(child.program, material, draws)
        if second is None:
            return child
        return Child(second.program, f"{child.operators}, {second.operators}", child.dropped + second.dropped)

    def _step(self, parent: Program, material: Material, draws: Draws) -> Child | None:
        for dropped in range(_PATIENCE):
            name = draws.weighted(self._names, self._cumulative)
            draft = OPERATORS[name](parent, material, draws)
            if draft is not None and draft != parent and is_valid(draft):
                child = live_part(draft)
                if child.statements and child != parent and is_valid(child):
                    return Child(child, name, dropped)
        return None
