"""Values that pass between an algorithm, the engine and the journal.

An algorithm makes a `Proposal`; the engine turns it into a numbered `Candidate`; a candidate with its score is a
`Record`, one row of the journal; a `HistoryEntry` is the part of it that algorithms learn from, during the run and
after a resume.
"""

import math
from typing import NamedTuple, Protocol

from primitives import Program, parse
from proxy_tasks import Heights, Score, Status
from search.engine.randomness import Draws

START = "start"  # mutation of the starting program


class Proposal(NamedTuple):
    """A program that an algorithm proposes to score.

    Attributes:
        parent: number of the parent candidate.
        mutation: name of the change made to the parent.
        program: a valid program.
        dropped: number of invalid drafts that were drawn again.
        restarts: number of restarts of the algorithm before it.
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
        mutation: name of the change made to the parent.
        program: the whole program, redundant statements included.
        hash: functional hash of its live part.
        live: number of live statements.
        hurdle: fitness above which it is rejected on the first seeds, and at each later stage of a race.
        same_as: number of the earlier candidate that computes the same function; `None` if there is none.
        matched: method that found the earlier candidate: `hash`, `probe`, or empty.
        dropped: number of invalid drafts that were drawn again.
        restarts: number of restarts of the algorithm before it.
        probe: signature as float32 bytes, for evaluated candidates if probes are enabled.
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
        """Whether the candidate was trained; otherwise it has the score of an earlier candidate."""
        return self.candidate.same_as is None

    @property
    def entry(self) -> "HistoryEntry":
        """The part of the record that the engine and the algorithm need later."""
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
    """A recorded candidate, as the engine restores it and the algorithm learns from it.

    After a resume `program` is text, which `parsed()` parses.
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
        """Fitness at a stage of a race; infinite if the candidate did not reach the stage."""
        return (self.first_fitness, *self.later)[stage] if stage <= len(self.later) else math.inf

    @property
    def accepted(self) -> bool:
        """Whether the candidate may be a parent: it is the starting program or was trained on all seeds."""
        return self.number == 0 or self.status is Status.OK


class Algorithm(Protocol):
    """Protocol of search algorithms. An algorithm learns about the search only through `take`."""

    def propose(self, number: int, draws: Draws) -> Proposal:
        """Propose the program of a child; numbers start at 1."""

    def take(self, entry: HistoryEntry) -> None:
        """Receive a recorded candidate, in order of number; the first is the starting program."""
