"""Regularized (ageing) evolution with restarts: the search of Chen et al. (2023, section 2).

Newest in, oldest out, and the best of a random sample is the parent (Real et al., 2019). P = 1000 and T = 2 in Chen et
al. (2023); the whole first population is the starting program.
"""

import math
from collections import deque

from primitives.errors import UserError
from search.algorithms.mutation import Mutator
from search.engine.candidate import HistoryEntry, Proposal
from search.engine.randomness import Draws


class Population:
    """The last `size` members; filled with copies of the first.

    Args:
        size: number of members P.
        first: whose copies fill the first population.
    """

    def __init__(self, size: int, first: HistoryEntry) -> None:
        self._members = deque([first] * size)

    def add(self, member: HistoryEntry) -> None:
        """Take in a member; the oldest leaves."""
        self._members.popleft()
        self._members.append(member)

    def tournament(self, sample: int, draws: Draws) -> HistoryEntry:
        """The member of lowest fitness among `sample` that are drawn at random with replacement."""
        drawn = [self._members[draws.integer(len(self._members))] for _ in range(sample)]
        return min(drawn, key=lambda member: member.fitness)


class Evolution:
    """A child is a mutation of the best of a random sample of the population; the oldest member makes room for it.

    A population that has not improved for long is filled anew with copies of the best program so far. Chen et al.
    do so after about 300,000 programs.

    Args:
        mutator: makes children.
        population: members P.
        tournament: members drawn T.
        plateau: candidates without an improvement after which the search begins again from its best; 0: never.
    """

    def __init__(self, mutator: Mutator, population: int, tournament: int, plateau: int = 0) -> None:
        self._mutator = mutator
        self._size, self._sample = population, tournament
        self._plateau = plateau or math.inf
        self._first: HistoryEntry
        self._best: HistoryEntry
        self._population: Population | None = None
        self._improved = 0  # number of the candidate that was the last improvement or the last restart
        self._restarts = 0

    def propose(self, number: int, draws: Draws) -> Proposal:
        """A child of the winner of a tournament."""
        assert self._population is not None
        parent = self._population.tournament(self._sample, draws)
        try:
            child = self._mutator.child(parent.parsed(), draws)
        except UserError:  # a dead end, such as a program from which nothing more can be deleted: begin afresh
            parent = self._first
            child = self._mutator.child(parent.parsed(), draws)
        return Proposal(parent.number, child.mutation, child.program, child.dropped, self._restarts)

    def take(self, entry: HistoryEntry) -> None:
        """A recorded candidate enters the population if it was accepted; then it is seen whether to begin again."""
        if entry.accepted:
            if self._population is None:
                self._first = self._best = entry
                self._population = Population(self._size, entry)
            else:
                self._population.add(entry)
                if entry.fitness < self._best.fitness:
                    self._best, self._improved = entry, entry.number
        if entry.number - self._improved >= self._plateau:
            self._population = Population(self._size, self._best)
            self._improved = entry.number
            self._restarts += 1
