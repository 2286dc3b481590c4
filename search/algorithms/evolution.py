"""Regularized (ageing) evolution with restarts: the search of Chen et al. (2023, section 2).

The parent is the best of a random sample of the population; the child enters, and the oldest member leaves (Real et
al., 2019). Chen et al. (2023) use a population of 1000 and samples of 2, and fill the first population with copies of
the starting program.
"""

import math
from collections import deque

from primitives import UserError
from search.algorithms.mutation import Mutator
from search.engine import Draws, HistoryEntry, Proposal


class Population:
    """The population: the most recent members.

    Args:
        size: number of members P.
        first: member whose copies fill the population at the start.
    """

    def __init__(self, size: int, first: HistoryEntry) -> None:
        self._members = deque([first] * size)

    def add(self, member: HistoryEntry) -> None:
        """Add a member and remove the oldest."""
        self._members.popleft()
        self._members.append(member)

    def tournament(self, sample: int, draws: Draws) -> HistoryEntry:
        """The member of lowest fitness in a random sample of size `sample`, drawn with replacement."""
        drawn = [self._members[draws.integer(len(self._members))] for _ in range(sample)]
        return min(drawn, key=lambda member: member.fitness)


class Evolution:
    """Regularized evolution.

    A population that has not improved for `plateau` candidates is replaced by copies of the best program so far. Chen
    et al. restart after about 300,000 programs.

    Args:
        mutator: draws children.
        population: number of members P.
        tournament: sample size T.
        plateau: number of candidates without an improvement before a restart; 0: never.
    """

    def __init__(self, mutator: Mutator, population: int, tournament: int, plateau: int = 0) -> None:
        self._mutator = mutator
        self._size, self._sample = population, tournament
        self._plateau = plateau or math.inf
        self._first: HistoryEntry
        self._best: HistoryEntry
        self._population: Population | None = None
        self._improved = 0  # number of the candidate at the last improvement or restart
        self._restarts = 0

    def propose(self, number: int, draws: Draws) -> Proposal:
        """Propose a child of the winner of a tournament."""
        assert self._population is not None
        parent = self._population.tournament(self._sample, draws)
        try:
            child = self._mutator.child(parent.parsed(), draws)
        except UserError:  # no valid child, for example if only deletion is allowed; use the starting program
            parent = self._first
            child = self._mutator.child(parent.parsed(), draws)
        return Proposal(parent.number, child.mutation, child.program, child.dropped, self._restarts)

    def take(self, entry: HistoryEntry) -> None:
        """Add an accepted candidate to the population, and restart after a plateau."""
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
