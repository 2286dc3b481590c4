"""What passes between an algorithm, the engine and the journal: proposals, candidates, records.

An algorithm proposes a program; the engine makes a numbered candidate of it; with its score it is a record, a row of
the journal; and what has been recorded is what algorithms learn from, now or when a run is resumed.
"""

import math
from typing import NamedTuple, Protocol

from primitives.program import Program
from primitives.text import parse
from proxy_tasks.fitness import Heights, Score, Status
from search.engine.randomness import Draws

START = "start"  # the mutation that is noted for the starting program


class Proposal(NamedTuple):
    """What an algorithm would like to see scored.

    Attributes:
        parent: number of the candidate that it was made from.
        mutation: what was done to the parent, in one word or a few.
        program: a valid program.
        dropped: drafts that were not valid and were drawn again.
        restarts: how many times the algorithm has begun again before it.
    """

    parent: int
    mutation: str
    program: Program
    dropped: int = 0
    restarts: int = 0


class Candidate(NamedTuple):
    """A program to be scored.

    Attributes:
        number: position in the history of its repeat; 0 is the starting program.
        parent: number of its parent; `None` for the starting program.
        mutation: what was done to the parent.
        program: the genome, redundant statements included.
        hash: functional hash of its live part.
        live: number of live statements.
        hurdle: fitness beyond which it is rejected on the first seeds, and at each later stage of a race.
        same_as: lower number of an evaluated candidate that computes the same, if there is one.
        matched: what said so: `hash`, `probe`, or nothing.
        dropped: drafts that were not valid and were drawn again.
        restarts: how many times the algorithm had begun again.
        probe: updates on the probes as float32, for a candidate that is evaluated where there is a probe.
    """

    number: int
    parent: int | None
    mutation: str
    program: Program
    hash: str
    live: int
    hurdle: Heights
    same_as: int | None
    matched: str
    dropped: int
    restarts: int
    probe: bytes | None


class Record(NamedTuple):
    """A candidate with its final score; one row of the journal."""

    candidate: Candidate
    score: Score

    @property
    def evaluated(self) -> bool:
        """Whether it was trained, and not looked up."""
        return self.candidate.same_as is None

    @property
    def entry(self) -> "HistoryEntry":
        """What is to be known of it from now on."""
        candidate, score = self
        return HistoryEntry(
            candidate.number,
            candidate.mutation,
            candidate.program,
            candidate.hash,
            score.fitness,
            score.first_fitness,
            score.status,
            score.reason,
            candidate.same_as,
            candidate.probe,
            score.later,
        )


class HistoryEntry(NamedTuple):
    """What engine and algorithm need to know of a recorded candidate in order to go on from there.

    The program may be its text, which is parsed when somebody needs it.
    """

    number: int
    mutation: str
    program: Program | str
    hash: str
    fitness: float
    first_fitness: float
    status: Status
    reason: str
    same_as: int | None
    probe: bytes | None
    later: tuple[float, ...] = ()

    def parsed(self) -> Program:
        """The program."""
        return parse(self.program) if isinstance(self.program, str) else self.program

    def reached(self, stage: int) -> float:
        """Fitness at a stage of a race; infinite where it was not reached."""
        return (self.first_fitness, *self.later)[stage] if stage <= len(self.later) else math.inf

    @property
    def accepted(self) -> bool:
        """Whether it may be bred from: the starting program, and whatever was trained in full."""
        return self.number == 0 or self.status is Status.OK


class Algorithm(Protocol):
    """Proposes programs, from what it has been told. All it knows came through `take`, in order of number."""

    def propose(self, number: int, draws: Draws) -> Proposal:
        """The program of a child, 1 or higher."""

    def take(self, entry: HistoryEntry) -> None:
        """A recorded candidate; the first is the starting program."""
