"""A candidate on its way through the stages of a generation, and the row of the journal that it becomes."""

import math
from dataclasses import dataclass, field

from primitives import Program, functional_hash, live
from proxy_tasks import Score, Status
from search.algorithms.structures.cells import Incumbent
from search.engine import START, Candidate, Record


@dataclass
class Bred:
    """A child, and what is known of it so far.

    Attributes:
        number: of the candidate.
        parent: the incumbent that it was made from; `None` for the starting program.
        operators: what made it.
        program: its live part; simplified, and with tuned constants, as it goes on.
        dropped: drafts that were not valid.
        fitness: at the last stage that it reached, with its price.
        first_fitness: at the short horizon, constants as bred.
        tuning: at the whole horizon on tuning seeds.
        judged: mean log loss ratio for each block of judging seeds.
        trials: settings of its constants that were tried.
        reason: why it does not go on; empty as long as it does.
        status: as it is recorded.
        same_as: number of the candidate whose structure it has.
        matched: what said so.
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
        """Whether it goes on to the next stage."""
        return not self.reason

    @property
    def length(self) -> int:
        """Live statements."""
        return len(live(self.program).lines)

    def drop(self, reason: str, status: Status = Status.REJECTED) -> None:
        """It does not go on."""
        self.reason = reason
        self.status = status if math.isfinite(self.fitness) or status is not Status.REJECTED else Status.DIVERGED

    def duplicate(self, number: int, matched: str, reason: str) -> None:
        """It is what a candidate of another number is."""
        self.same_as, self.matched = number, matched
        self.reason, self.status = reason, Status.REJECTED

    def incumbent(self) -> Incumbent:
        """It as the holder of a cell."""
        return Incumbent(self.program, self.number, self.fitness, self.tuning, self.judged, self.trials)

    def record(self) -> Record:
        """Its row."""
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
