"""What evolution is compared with: random search, and tuning of the constants alone.

Chen et al. (2023, section 2, figure on search methods) gave both four times the compute of evolution.
"""

import math

import numpy as np

from primitives.errors import UserError
from primitives.program import Program
from primitives.text import parse
from search.candidate import Past, Proposal
from search.mutation import Mutator
from search.randomness import Draws
from selection.tuning import NARROW, WIDE, ConstantSpace


class RandomSearch:
    """Every child is the starting program after a random number of random mutations; scores do not matter.

    Args:
        mutator: makes children.
        start: the starting program.
        mutations: the number of them is drawn from 1 … this.
    """

    def __init__(self, mutator: Mutator, start: Program, mutations: int) -> None:
        self._mutator, self._start, self._mutations = mutator, start, mutations

    def propose(self, number: int, draws: Draws) -> Proposal:
        """A random program."""
        program, dropped, count = self._start, 0, 1 + draws.integer(self._mutations)
        for _ in range(count):
            child = self._mutator.child(program, draws)
            program, dropped = child.program, dropped + child.dropped
        return Proposal(0, f"{count} mutations", program, dropped)

    def take(self, past: Past) -> None:
        """Nothing is learnt."""


class TuneConstants:
    """The constants of the starting program are tuned and nothing else: widely at first, then around the best so far.

    Args:
        start: the starting program.
        wide: how many children are drawn on the wide scale.

    Raises:
        UserError: there is nothing to tune.
    """

    def __init__(self, start: Program, wide: int) -> None:
        self._space = ConstantSpace(start)
        if not len(self._space.start):
            raise UserError("`search.algorithm` (=tune_constants): the starting program has no constants to tune")
        self._wide = wide
        self._best, self._number, self._fitness = self._space.start, 0, math.inf

    def propose(self, number: int, draws: Draws) -> Proposal:
        """The starting program, or the best so far, with other constants."""
        size = len(self._best)
        normals = np.array([draws.normal() for _ in range(size)])
        if number <= self._wide:
            return Proposal(0, "wide", self._space.program(self._space.start + normals * WIDE))
        uniforms = np.array([draws.uniform() for _ in range(size)])
        point = self._space.near(self._best, normals, uniforms, draws.choice(NARROW))
        return Proposal(self._number, "near", self._space.program(point))

    def take(self, past: Past) -> None:
        """Remember the best constants."""
        if past.accepted and past.fitness < self._fitness:
            program = parse(past.program) if isinstance(past.program, str) else past.program
            self._best, self._number, self._fitness = self._space.point(program), past.number, past.fitness
