"""Executors: who turns programs into scores. An executor knows nothing of evolution or of the journal."""

from collections import deque
from typing import NamedTuple, Protocol, Self

from primitives.program import Program
from proxy_tasks.fitness import Score

Key = tuple[int, int]  # repeat and number of a candidate


class Scorer(Protocol):
    """What does the work in the end; `proxy_tasks.fitness.Evaluator` is one."""

    def evaluate(self, program: Program, hurdle: float) -> Score:
        """Score a valid program; beyond the hurdle it may be rejected early."""


class Job(NamedTuple):
    """A program to be scored.

    Attributes:
        key: what the score is called when it comes back.
        program: a valid program.
        hurdle: fitness on the first seeds beyond which it is rejected.
    """

    key: Key
    program: Program
    hurdle: float


class Executor(Protocol):
    """Takes jobs and gives back scores, in any order; a context manager that ends what it started."""

    def free(self) -> int:
        """Number of jobs that would be started at once."""

    def submit(self, job: Job) -> None:
        """Take a job."""

    def collect(self) -> list[tuple[Key, Score]]:
        """Wait until something is done, and give back (key, score) of all that is; empty when there is no job."""

    def workers(self) -> str:
        """Who is at work, for people."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Inline:
    """Scores in this process, one program at a time.

    Args:
        scorer: scores a program.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._queue: deque[Job] = deque()

    def free(self) -> int:
        """One, unless there is a job to be done."""
        return 0 if self._queue else 1

    def submit(self, job: Job) -> None:
        """Keep a job for the next `collect`."""
        self._queue.append(job)

    def collect(self) -> list[tuple[Key, Score]]:
        """Do one job."""
        if not self._queue:
            return []
        job = self._queue.popleft()
        return [(job.key, self._scorer.evaluate(job.program, job.hurdle))]

    def workers(self) -> str:
        """This process."""
        return "this process"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
