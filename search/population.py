"""Population of regularized (ageing) evolution: newest in, oldest out, the best of a random sample is the parent.

Real et al. (2019); P = 1000 and T = 2 in Chen et al. (2023), the whole first population the starting program.
"""

from collections import deque
from typing import NamedTuple

from primitives.program import Program
from primitives.text import parse
from search.randomness import Draws


class Member(NamedTuple):
    """A scored program, or its text, with the number of the candidate that it was."""

    number: int
    program: Program | str
    fitness: float

    def parsed(self) -> Program:
        """The program."""
        return parse(self.program) if isinstance(self.program, str) else self.program


class Population:
    """The last `size` members; filled with copies of the first.

    Args:
        size: number of members P.
        first: whose copies fill the first population.
    """

    def __init__(self, size: int, first: Member) -> None:
        self._members = deque([first] * size)

    def add(self, member: Member) -> None:
        """Take in a member; the oldest leaves."""
        self._members.popleft()
        self._members.append(member)

    def tournament(self, sample: int, draws: Draws) -> Member:
        """The member of lowest fitness among `sample` that are drawn at random with replacement."""
        drawn = [self._members[draws.integer(len(self._members))] for _ in range(sample)]
        return min(drawn, key=lambda member: member.fitness)
