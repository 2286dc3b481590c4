"""Population of regularized (ageing) evolution: newest in, oldest out, the best of a random sample is the parent.

Real et al. (2019); P = 1000 and T = 2 in Chen et al. (2023), the whole first population the starting program.
"""

from bisect import bisect_left, insort
from collections import deque
from typing import NamedTuple

from primitives.program import Program
from search.randomness import Draws


class Member(NamedTuple):
    """A scored program, with the number of the candidate that it was."""

    number: int
    program: Program
    fitness: float
    first_fitness: float


class Population:
    """The last `size` members; filled with copies of the first.

    Args:
        size: number of members P.
        first: whose copies fill the first population.
    """

    def __init__(self, size: int, first: Member) -> None:
        self._members = deque([first] * size)
        self._ordered = [first.first_fitness] * size  # kept in order, since a quantile is wanted for every child

    def add(self, member: Member) -> None:
        """Take in a member; the oldest leaves."""
        oldest = self._members.popleft()
        self._members.append(member)
        del self._ordered[bisect_left(self._ordered, oldest.first_fitness)]
        insort(self._ordered, member.first_fitness)

    def tournament(self, sample: int, draws: Draws) -> Member:
        """The member of lowest fitness among `sample` that are drawn at random with replacement."""
        drawn = [self._members[draws.integer(len(self._members))] for _ in range(sample)]
        return min(drawn, key=lambda member: member.fitness)

    def quantile(self, share: float) -> float:
        """Fitness on the first seeds that `share` of the members reach or beat; 0 is the best one's."""
        return self._ordered[min(int(share * len(self._ordered)), len(self._ordered) - 1)]
