"""The engine: a pure state machine that proposes numbered candidates and takes in their scores.

`ask()` gives the next candidate that has to be evaluated, `tell(number, score)` hands its score back, and
`recorded()` gives what has become final, in order of number. The engine knows nothing of files, processes or clocks.

One history at any parallelism: child i is bred from the population as it stands after children 0 … i − W have been
recorded, W being the in-flight window, and its random numbers are keyed by (seed, repeat, i). Scores are recorded in
order of number whatever the order in which they arrive. So the window decides how stale a parent may be, and
the number of workers decides nothing but the time it takes.

A candidate whose functional hash has been seen under a lower number is not evaluated: it takes that one's score.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from primitives.dataflow import functional_hash, live
from primitives.errors import UserError
from primitives.program import Program
from primitives.registry import Primitive
from primitives.text import parse
from proxy_tasks.fitness import Score, Status
from search.config import EvaluationSettings, SearchSettings
from search.mutation import Mutator
from search.population import Member, Population
from search.randomness import Draws

START = "start"  # the mutation that is noted for the starting program


class Candidate(NamedTuple):
    """A program to be scored.

    Attributes:
        number: position in the history of its repeat; 0 is the starting program.
        parent: number of its parent; `None` for the starting program.
        mutation: what was done to the parent.
        program: the genome, redundant statements included.
        hash: functional hash of its live part.
        live: number of live statements.
        hurdle: fitness on the first seeds beyond which it is rejected.
        same_as: lower number of a candidate with the same hash, if there is one.
        dropped: drafts that were not valid and were drawn again.
    """

    number: int
    parent: int | None
    mutation: str
    program: Program
    hash: str
    live: int
    hurdle: float
    same_as: int | None
    dropped: int


class Record(NamedTuple):
    """A candidate with its final score; one row of the journal."""

    candidate: Candidate
    score: Score

    @property
    def evaluated(self) -> bool:
        """Whether it was trained, and not looked up."""
        return self.candidate.same_as is None


class Past(NamedTuple):
    """What the engine needs to know of a recorded candidate in order to go on from there."""

    number: int
    program: str
    hash: str
    fitness: float
    first_fitness: float
    status: str
    reason: str


class Evolution:
    """Regularized evolution of one repeat; see the module for the contract.

    Args:
        settings: population, tournament, children, rates.
        evaluation: where the hurdle lies.
        start: the starting program.
        primitives: functions that may be inserted.
        seed: of the run.
        repeat: index of this independent search in the run.
        window: in-flight window W, in candidates.
    """

    def __init__(
        self,
        settings: SearchSettings,
        evaluation: EvaluationSettings,
        start: Program,
        primitives: Sequence[Primitive],
        seed: int,
        repeat: int,
        window: int,
    ) -> None:
        self._settings, self._evaluation = settings, evaluation
        self._start = start
        self._mutator = Mutator(primitives, settings.mutations.model_dump())
        self._key = (seed, repeat)
        self._window = window
        self._population: Population | None = None
        self._first: Member  # the starting program, once it has a score
        self._bred = 0  # candidates that have been bred
        self._finished = 0  # candidates whose score is final
        self._applied = 0  # candidates that the population has taken in
        self._numbers: dict[str, int] = {}  # hash -> lowest number that had it
        self._scores: list[Score | None] = []  # final scores by number; losses are dropped
        self._waiting: dict[int, Candidate] = {}  # bred, not final
        self._told: dict[int, Score] = {}
        self._members: deque[Member | None] = deque()  # final, not yet in the population
        self._records: list[Record] = []

    @property
    def total(self) -> int:
        """Number of candidates of the whole search: the starting program and its `children`."""
        return self._settings.children + 1

    @property
    def done(self) -> bool:
        """Whether every candidate has been recorded."""
        return self._finished == self.total

    def ask(self) -> Candidate | None:
        """The next candidate that needs an evaluation; `None` while scores must come in first, or at the end."""
        while self._bred < self.total and self._may_breed():
            candidate = self._breed()
            self._bred += 1
            self._waiting[candidate.number] = candidate
            if candidate.same_as is None:
                return candidate
            self._advance()
        return None

    def tell(self, number: int, score: Score) -> None:
        """Hand back the score of a candidate that `ask` gave out; a second answer for the same one is ignored."""
        if number in self._waiting and self._waiting[number].same_as is None:
            self._told.setdefault(number, score)
            self._advance()

    def recorded(self) -> list[Record]:
        """Candidates that became final since the last call, in order of number."""
        records, self._records = self._records, []
        return records

    def restore(self, history: Iterable[Past]) -> None:
        """Take in a recorded history, in order of number from 0, in place of breeding it again.

        Only programs that may still become parents are parsed, so that the cost is that of reading the rows.

        Raises:
            UserError: a candidate is missing.
        """
        first: Past | None = None
        applied: deque[Past] = deque(maxlen=self._settings.population)
        recent: deque[Past] = deque()
        for past in history:
            if past.number != self._finished:
                raise UserError(f"the journal has lost candidate {self._finished} of repeat {self._key[1]}")
            first = first or past
            score = Score(Status(past.status), past.fitness, past.first_fitness, past.reason)
            self._note(past.hash, past.number, score)
            recent.append(past)
            self._finished += 1
            if len(recent) > self._window:
                oldest = recent.popleft()
                self._applied += 1
                if _admitted(oldest.number, Status(oldest.status)):
                    applied.append(oldest)
        self._bred = self._finished
        self._members.extend(_revive(past) for past in recent)
        if first is not None and self._applied:
            self._first = _member(first)
            self._population = Population(self._settings.population, self._first)
            for past in applied:
                self._population.add(_member(past))

    def _may_breed(self) -> bool:
        """Whether children 0 … i − W are final, and the starting program in any case."""
        return self._bred == 0 or self._finished > max(0, self._bred - self._window)

    def _breed(self) -> Candidate:
        number = self._bred
        if number == 0:
            return self._candidate(0, None, START, self._start, math.inf, 0)
        self._apply(max(1, number - self._window + 1))
        assert self._population is not None
        draws = Draws(*self._key, number)
        parent = self._population.tournament(self._settings.tournament, draws)
        try:
            child = self._mutator.child(parent.program, draws)
        except UserError:  # a dead end, such as a program from which nothing more can be deleted: begin afresh
            parent = self._first
            child = self._mutator.child(parent.program, draws)
        hurdle = self._population.quantile(self._evaluation.hurdle_quantile) + self._evaluation.hurdle_margin
        return self._candidate(number, parent.number, child.mutation, child.program, hurdle, child.dropped)

    def _candidate(
        self, number: int, parent: int | None, mutation: str, program: Program, hurdle: float, dropped: int
    ) -> Candidate:
        digest = functional_hash(program)
        same_as = self._numbers.setdefault(digest, number)
        known = None if same_as == number else same_as
        return Candidate(number, parent, mutation, program, digest, len(live(program).lines), hurdle, known, dropped)

    def _apply(self, count: int) -> None:
        """Let the population take in candidates 0 … count − 1, and no more."""
        while self._applied < count:
            member = self._members.popleft()
            self._applied += 1
            if self._population is None:
                assert member is not None
                self._first = member
                self._population = Population(self._settings.population, member)
            elif member is not None:
                self._population.add(member)

    def _advance(self) -> None:
        """Make final, in order, whatever has its score."""
        while self._finished in self._waiting:
            candidate = self._waiting[self._finished]
            score = self._told.pop(candidate.number, None)
            if candidate.same_as is not None:
                score = self._scores[candidate.same_as]
            if score is None:
                return
            del self._waiting[candidate.number]
            self._note(candidate.hash, candidate.number, score)
            member = Member(candidate.number, candidate.program, score.fitness, score.first_fitness)
            self._members.append(member if _admitted(candidate.number, score.status) else None)
            self._finished += 1
            self._records.append(Record(candidate, score))

    def _note(self, digest: str, number: int, score: Score) -> None:
        first = self._numbers.setdefault(digest, number) == number
        self._scores.append(replace(score, losses={}) if first else None)


ALGORITHMS = {"regularized_evolution": Evolution}


def _admitted(number: int, status: Status) -> bool:
    """Whether a candidate enters the population: the starting program does, and whatever was trained in full."""
    return number == 0 or status is Status.OK


def _revive(past: Past) -> Member | None:
    return _member(past) if _admitted(past.number, Status(past.status)) else None


def _member(past: Past) -> Member:
    return Member(past.number, parse(past.program), past.fitness, past.first_fitness)
