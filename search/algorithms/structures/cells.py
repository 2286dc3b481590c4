"""Cells: the best program for each number of live statements, number of live state slots, and use of the weights.

A population that competes by fitness alone collapses to variants of its best program. With cells, programs with and
without decay, short ones and long ones all stay in the population and can become parents. The front over length is
the result, as in PySR (Cranmer, 2023).
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple

from primitives import WEIGHTS, Program, live
from search.engine import Draws
from selection import ConstantSpace

_GREED = 1.5  # exponent of a uniform number whose result is the relative rank of a parent


class Cell(NamedTuple):
    """Properties of a program; programs compete with those of the same cell.

    Attributes:
        length: number of live statements.
        slots: number of live state slots.
        weights: whether a live statement reads the weights.
    """

    length: int
    slots: int
    weights: bool


def cell_of(program: Program) -> Cell:
    """The cell of a valid program.

    >>> from primitives import builtin
    >>> cell_of(builtin("signum"))
    Cell(length=4, slots=1, weights=False)
    """
    lines, slots = live(program)
    reads = any(WEIGHTS in program.statements[line].arguments for line in lines)
    return Cell(len(lines), len(slots), reads)


@dataclass(frozen=True)
class Incumbent:
    """The best program of a cell.

    Attributes:
        program: the live part of the program.
        number: number of its candidate.
        fitness: mean over all judging seeds, with its price.
        tuning: fitness on the tuning seeds at the whole horizon, with its price.
        judged: mean log loss ratio for each block of judging seeds, without price.
        trials: number of settings of its constants that were tried.
    """

    program: Program
    number: int
    fitness: float
    tuning: float
    judged: tuple[float, ...]
    trials: int = 0


class Front:
    """The incumbents of all cells.

    Args:
        reach: largest distance from the best fitness with which an incumbent can be a parent.
        shared: probability that a parent is drawn uniformly among these, instead of by rank.
        apart: fields of `Cell` that define a cell; the others are ignored.
    """

    def __init__(self, reach: float, shared: float, apart: Collection[str] = Cell._fields) -> None:
        self.cells: dict[Cell, Incumbent] = {}
        self._reach, self._shared = reach, shared
        self._apart = frozenset(apart)

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def best(self) -> Incumbent:
        """The incumbent of lowest fitness."""
        return self.ranked()[0]

    def ranked(self) -> list[Incumbent]:
        """Incumbents within reach of the best, in order of fitness."""
        ordered = sorted(self.cells.values(), key=lambda incumbent: (incumbent.fitness, incumbent.number))
        return [incumbent for incumbent in ordered if incumbent.fitness < ordered[0].fitness + self._reach]

    def to_refine(self, most: int, first: Literal["best", "least_tuned"]) -> list[Incumbent]:
        """Incumbents with constants, within reach and with fewer than `most` trials, in the order of refinement."""
        wanting = [
            incumbent
            for incumbent in self.ranked()
            if incumbent.trials < most and len(ConstantSpace(incumbent.program).start)
        ]
        return wanting if first == "best" else sorted(wanting, key=lambda incumbent: incumbent.trials)

    def parent(self, draws: Draws) -> Incumbent:
        """Draw a parent."""
        ranked = self.ranked()
        shared = draws.uniform() < self._shared
        return ranked[int(len(ranked) * draws.uniform() ** (1.0 if shared else _GREED))]

    def limit(self, length: int, fitness: Callable[[Incumbent], float]) -> float:
        """Lowest fitness of the incumbents with at most `length` statements; infinite if there is none.

        Args:
            length: number of statements.
            fitness: the fitness that is compared, such as that on the tuning seeds; infinite if it is not known.
        """
        held = self.cells.values()
        values = [fitness(incumbent) for incumbent in held if len(incumbent.program.statements) <= length]
        return min(values, default=math.inf)

    def _cell(self, program: Program) -> Cell:
        cell = cell_of(program)
        return Cell(*(value if name in self._apart else 0 for name, value in cell._asdict().items()))  # type: ignore[arg-type]

    def beats(self, program: Program, fitness: float) -> bool:
        """Whether a program is better than the incumbent of its cell, or the cell is empty."""
        held = self.cells.get(self._cell(program))
        return held is None or fitness < held.fitness

    def enter(self, incumbent: Incumbent) -> None:
        """Make a program the incumbent of its cell."""
        self.cells[self._cell(incumbent.program)] = incumbent
