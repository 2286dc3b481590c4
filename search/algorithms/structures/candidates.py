"""A candidate on its way through the stages of a generation, and the row of the journal that it becomes."""

import math
from dataclasses import dataclass, field

from primitives import Program, functional_hash, live
from proxy_tasks import Score, Status
from search.algorithms.structures.cells import Incumbent
from search.engine import START, Candidate, Record


@dataclass
class Bred:
    """A child, and its results so far.

    Attributes:
        number: number of the candidate.
        parent: the incumbent from which it was bred; `None` for the starting program.
        operators: names of the operators that made it.
        program: its live part, with the changes of later stages (simplification, tuned constants).
        dropped: number of invalid drafts.
        fitness: fitness at the last stage that it reached, with its price.
        first_fitness: fitness at the short horizon, before tuning.
        tuning: fitness at the whole horizon on the tuning seeds.
        judged: mean log loss ratio for each block of judging seeds.
        trials: number of settings of its constants that were tried.
        reason: reason for which it was dropped; empty if it was not.
        status: status in the journal.
        same_as: number of the candidate with the same structure.
        matched: method by which that was found.
    """

    number: int
    parent: Incumbent | None
    operators: str
    program: Program
    dropped: int = 0
    fitness: float = math.inf
    first_fitness: float = math.inf
    tuning: float = math.inf
    judged: tuple[float, ...] = field(default=())
    trials: int = 0
    reason: str = ""
    status: Status = Status.OK
    same_as: int | None = None
    matched: str = ""

    @property
    def going(self) -> bool:
        """Whether the candidate has not been dropped."""
        return not self.reason

    @property
    def length(self) -> int:
        """Number of live statements."""
        return len(live(self.program).lines)

    def drop(self, reason: str, status: Status = Status.REJECTED) -> None:
        """Drop the candidate."""
        self.reason = reason
        self.status = status if math.isfinite(self.fitness) or status is not Status.REJECTED else Status.DIVERGED

    def duplicate(self, number: int, matched: str, reason: str) -> None:
        """Mark the candidate as a duplicate of another one."""
        self.same_as, self.matched = number, matched
        self.reason, self.status = reason, Status.REJECTED

    def incumbent(self) -> Incumbent:
        """The candidate as an incumbent."""
        return Incumbent(self.program, self.number, self.fitness, self.tuning, self.judged, self.trials)

    def record(self) -> Record:
        """The candidate as a row of the journal."""
        candidate = Candidate(
            number=self.number,
            parent=self.parent.number if self.parent else None,
            mutation=self.operators or START,
            program=self.program,
            hash=functional_hash(self.program),
            live=self.length,
            hurdle=math.inf,
            same_as=self.same_as,
            matched=self.matched,
            dropped=self.dropped,
            restarts=0,
            probe=None,
        )
        return Record(candidate, Score(self.status, self.fitness, self.first_fitness, self.reason))
