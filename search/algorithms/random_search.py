"""Random search, a comparator that ignores all scores.

In Chen et al. (2023, section 2, figure on search methods) it had four times the compute of evolution.
"""

from primitives import Program
from search.algorithms.mutation import Mutator
from search.engine import Draws, HistoryEntry, Proposal


class RandomSearch:
    """Proposes the starting program after a random number of random mutations.

    Args:
        mutator: draws children.
        start: the starting program.
        mutations: largest number of mutations; each child has 1 … `mutations` of them.
    """

    def __init__(self, mutator: Mutator, start: Program, mutations: int) -> None:
        self._mutator, self._start, self._mutations = mutator, start, mutations

    def propose(self, number: int, draws: Draws) -> Proposal:
        """Propose a random program."""
        program, dropped, count = self._start, 0, 1 + draws.integer(self._mutations)
        for _ in range(count):
            child = self._mutator.child(program, draws)
            program, dropped = child.program, dropped + child.dropped
        return Proposal(0, f"{count} mutations", program, dropped)

    def take(self, entry: HistoryEntry) -> None:
        """Ignore the score."""
