"""Executors: who turns programs into scores, and trials into losses.

An executor knows nothing of evolution or of the journal.
"""

import math
from collections import deque
from typing import NamedTuple, Protocol, Self

import numpy as np

from primitives.program import Program
from proxy_tasks.fitness import Heights, Score, Status
from selection.trials import Trial

Key = tuple[int, int]  # repeat and number of a candidate; −1 and a number for a trial


class Scorer(Protocol):
    """What does the work in the end; `proxy_tasks.fitness.Evaluator` is one."""

    def evaluate(self, program: Program, hurdle: Heights) -> Score:
        """Score a valid program; beyond the hurdle it may be rejected early."""


class Job(NamedTuple):
    """A candidate to be scored, or a trial of selection.

    Attributes:
        key: what the score is called when it comes back.
        work: a valid program, or a trial.
        hurdle: of a program: fitness beyond which it is rejected on the first seeds, and at each later stage of a race.
    """

    key: Key
    work: Program | Trial
    hurdle: Heights = math.inf

    @property
    def allowance(self) -> int:
        """How many times as long as a candidate it may take."""
        return self.work.task.size if isinstance(self.work, Trial) else 1


def done(job: Job, scorer: Scorer) -> Score:
    """Do a job. The score of a trial has its losses and nothing else."""
    if not isinstance(job.work, Trial):
        return scorer.evaluate(job.work, job.hurdle)
    losses = job.work.losses()
    status = Status.OK if np.all(np.isfinite(losses)) else Status.DIVERGED
    return Score(status, math.nan, math.nan, "", {job.work.task.name: tuple(losses.tolist())})


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

    @property
    def count(self) -> int:
        """How many jobs are done at once."""

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
        return [(job.key, done(job, self._scorer))]

    def workers(self) -> str:
        """This process."""
        return "this process"

    @property
    def count(self) -> int:
        """One."""
        return 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
