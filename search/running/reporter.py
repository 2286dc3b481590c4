"""Reporters, which receive the events of a run, and counts of its candidates.

The command line shows events as a panel, a notebook as a progress bar. The library depends only on the protocol.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from primitives import Program, parse
from proxy_tasks import Status
from search.engine import Record
from search.record import Journal
from search.settings import Config


class Reporter(Protocol):
    """Receives the events of a run, in the thread that runs it."""

    def note(self, message: str) -> None:
        """Announce something to the user, such as an import."""

    def warning(self, message: str) -> None:
        """Tell the user about a problem that does not end the run."""

    def run_started(self, config: Config, journal: Journal) -> None:
        """A run starts, or continues from the records of its journal."""

    def workers_started(self, describe: Callable[[], str]) -> None:
        """The executor has started; `describe()` returns its state as a short text."""

    def lion_scored(self, fitness: float) -> None:
        """The tuned Lion was scored on the seeds of the search; the fitness is NaN with several tasks."""

    def round_started(self, number: int) -> None:
        """A round of the search starts, counted from 0."""

    def candidates_recorded(self, records: Sequence[Record]) -> None:
        """Candidates were written to the journal."""

    def trials_run(self, total: int) -> None:
        """Trials were run; `total` is their number since the start of the command."""

    def phase_started(self, name: str) -> None:
        """A phase after the search starts."""


class SilentReporter:
    """Ignores every event."""

    def note(self, message: str) -> None:
        """Ignore it."""

    def warning(self, message: str) -> None:
        """Show it as a note."""
        self.note(message)

    def run_started(self, config: Config, journal: Journal) -> None:
        """Ignore it."""

    def workers_started(self, describe: Callable[[], str]) -> None:
        """Ignore it."""

    def lion_scored(self, fitness: float) -> None:
        """Ignore it."""

    def round_started(self, number: int) -> None:
        """Ignore it."""

    def candidates_recorded(self, records: Sequence[Record]) -> None:
        """Ignore it."""

    def trials_run(self, total: int) -> None:
        """Ignore it."""

    def phase_started(self, name: str) -> None:
        """Ignore it."""


@dataclass
class Counts:
    """Sums over the recorded candidates of all repeats.

    Attributes:
        children: recorded candidates, the starting programs included.
        evaluated: candidates that were trained; the others took the score of a duplicate.
        statements: statements of all programs.
        live_statements: live statements of all programs.
        restarts: largest number of restarts of a repeat.
        statuses: number of evaluated candidates of each status.
        best_fitness: lowest fitness of a candidate that was trained on all seeds.
        best: its program.
    """

    children: int = 0
    evaluated: int = 0
    statements: int = 0
    live_statements: int = 0
    restarts: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    best_fitness: float = math.inf
    best: Program | None = None

    @classmethod
    def of(cls, journal: Journal) -> Self:
        """The counts of a journal."""
        known = journal.statistics()
        numbers = {name: known[name] for name in ("children", "evaluated", "statements", "live_statements", "restarts")}
        counts = cls(**numbers, statuses=Counter(known["evaluated_by_status"]))
        for row in journal.best(1):
            counts.best_fitness, counts.best = row.fitness, parse(row.program)
        return counts

    def add(self, record: Record) -> None:
        """Count one more candidate."""
        candidate, score = record
        self.children += 1
        self.statements += len(candidate.program.statements)
        self.live_statements += candidate.live
        self.restarts = max(self.restarts, candidate.restarts)
        if record.evaluated:
            self.evaluated += 1
            self.statuses[score.status] += 1
            if score.status is Status.OK and score.fitness < self.best_fitness:
                self.best_fitness, self.best = score.fitness, candidate.program
