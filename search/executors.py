"""Executors: who turns candidates into scores. An executor knows nothing of evolution or of the journal."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from proxy_tasks.fitness import Evaluator, Score
from search.engine import Candidate


class Executor(Protocol):
    """Takes candidates and gives back scores, in whatever order they are done."""

    def free(self) -> int:
        """Number of candidates that would be started at once."""

    def submit(self, candidate: Candidate) -> None:
        """Take a candidate."""

    def collect(self) -> list[tuple[int, Score]]:
        """Wait until something is done, and give back (number, score) of all that is."""


class Inline:
    """Scores in this process, one candidate at a time.

    Args:
        evaluator: scores a program.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._queue: deque[Candidate] = deque()

    def free(self) -> int:
        """One, unless there is a candidate to be scored."""
        return 0 if self._queue else 1

    def submit(self, candidate: Candidate) -> None:
        """Keep a candidate for the next `collect`."""
        self._queue.append(candidate)

    def collect(self) -> list[tuple[int, Score]]:
        """Score one candidate."""
        if not self._queue:
            return []
        candidate = self._queue.popleft()
        return [(candidate.number, self._evaluator.evaluate(candidate.program, candidate.hurdle))]


EXECUTORS: dict[str, Callable[[Evaluator], Executor]] = {"inline": Inline}
