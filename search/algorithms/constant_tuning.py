"""Constant tuning, a comparator that changes only the constants of the starting program.

In Chen et al. (2023, section 2, figure on search methods) it had four times the compute of evolution.
"""

import math

import numpy as np

from primitives import Program, UserError
from search.engine import Draws, HistoryEntry, Proposal
from selection import NARROW, WIDE, ConstantSpace


class TuneConstants:
    """Random search over the constants of the starting program: first with wide steps, then around the best so far.

    Args:
        start: the starting program.
        wide: number of children that are drawn with wide steps.

    Raises:
        UserError: the starting program has no constants.
    """

    def __init__(self, start: Program, wide: int) -> None:
        self._space = ConstantSpace(start)
        if not len(self._space.start):
            raise UserError("`search.algorithm` (=tune_constants): the starting program has no constants to tune")
        self._wide = wide
        self._best, self._number, self._fitness = self._space.start, 0, math.inf

    def propose(self, number: int, draws: Draws) -> Proposal:
        """Propose the starting program with new constants."""
        size = len(self._best)
        normals = np.array([draws.normal() for _ in range(size)])
        if number <= self._wide:
            return Proposal(0, "wide", self._space.program(self._space.start + normals * WIDE))
        uniforms = np.array([draws.uniform() for _ in range(size)])
        point = self._space.near(self._best, normals, uniforms, draws.choice(NARROW))
        return Proposal(self._number, "near", self._space.program(point))

    def take(self, entry: HistoryEntry) -> None:
        """Update the best constants."""
        if entry.accepted and entry.fitness < self._fitness:
            self._best, self._number, self._fitness = self._space.point(entry.parsed()), entry.number, entry.fitness
