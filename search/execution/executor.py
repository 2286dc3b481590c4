"""Executors, which take jobs and return an answer to each job, in any order.

There are two kinds of jobs. A candidate of the search is answered by its score, a trial of tuning or selection by the
losses of its networks. Executors do not depend on algorithms or on the journal.
"""

import math
from collections import deque
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from primitives import Program
from proxy_tasks import Heights, Score, Status, device_name, sound
from selection import Trial

CandidateKey = tuple[int, int]  # repeat and number


class Scorer(Protocol):
    """Protocol of objects that score programs, such as `proxy_tasks.Evaluator`."""

    def evaluate(self, program: Program, hurdle: Heights) -> Score:
        """Score a valid program; it may be rejected early if its fitness exceeds the hurdle."""


class WorkersLostError(Exception):
    """Raised if no worker is left and none can be started; recorded results are kept, and the run can be resumed."""


class CandidateAnswer(NamedTuple):
    """The score of a candidate.

    Attributes:
        key: repeat and number of the candidate.
        score: its score.
    """

    key: CandidateKey
    score: Score


class TrialAnswer(NamedTuple):
    """The result of a trial.

    Attributes:
        key: number of the job.
        status: `ok`, `diverged`, `crashed` or `timeout`.
        losses: loss of each seed; NaN if there is none.
    """

    key: int
    status: Status
    losses: tuple[float, ...]


Answer = CandidateAnswer | TrialAnswer


class CandidateJob(NamedTuple):
    """A candidate to be scored.

    Attributes:
        key: repeat and number of the candidate.
        program: a valid program.
        hurdle: fitness on the first seeds above which the program is rejected; with a race, one value per stage.
    """

    key: CandidateKey
    program: Program
    hurdle: Heights = math.inf

    @property
    def allowance(self) -> int:
        """Factor on the time limit of a job."""
        return 1

    def execute(self, scorer: Scorer) -> CandidateAnswer:
        """Score the candidate in this process."""
        return CandidateAnswer(self.key, scorer.evaluate(self.program, self.hurdle))

    def failed(self, status: Status, reason: str) -> CandidateAnswer:
        """The answer to a job that ended its process or exceeded its time limit."""
        return CandidateAnswer(self.key, Score(status, math.inf, math.inf, reason))


class TrialJob(NamedTuple):
    """A trial to be run.

    Attributes:
        key: number of the job, unique among the trials of an executor.
        trial: the trial.
    """

    key: int
    trial: Trial

    @property
    def allowance(self) -> int:
        """Factor on the time limit of a job: larger tasks take longer."""
        return self.trial.task.size

    def execute(self, scorer: Scorer) -> TrialAnswer:
        """Run the trial in this process; the scorer is not used."""
        return self.answer(self.trial.losses())

    def answer(self, losses: np.ndarray) -> TrialAnswer:
        """The answer from the loss of each seed."""
        status = Status.OK if np.all(sound(losses)) else Status.DIVERGED
        return TrialAnswer(self.key, status, tuple(losses.tolist()))

    def failed(self, status: Status, reason: str) -> TrialAnswer:
        """The answer to a job that ended its process or exceeded its time limit."""
        return TrialAnswer(self.key, status, (math.nan,) * len(self.trial.seeds))


Job = CandidateJob | TrialJob


class Executor(Protocol):
    """Protocol of executors; a context manager that ends the processes that it started."""

    @property
    def count(self) -> int:
        """Number of jobs that run at the same time."""

    def free(self) -> int:
        """Number of further jobs that would start without waiting."""

    def submit(self, job: Job) -> None:
        """Add a job to the queue."""

    def collect(self) -> list[Answer]:
        """Wait until at least one job is done, and return all available answers; empty if no job is queued."""

    def describe(self) -> str:
        """Short description of the state of the workers, for display."""

    @property
    def usage(self) -> dict[str, Any]:
        """Usage of each host in plain values, by host name; empty if jobs are executed in this process."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class InlineExecutor:
    """Executes one job at a time in this process.

    Args:
        scorer: scores candidates.
    """

    count = 1
    usage: dict[str, Any] = {}  # noqa: RUF012 - never written to

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._queue: deque[Job] = deque()

    def free(self) -> int:
        """One, or zero if a job is queued."""
        return 0 if self._queue else 1

    def submit(self, job: Job) -> None:
        """Add a job to the queue."""
        self._queue.append(job)

    def collect(self) -> list[Answer]:
        """Execute the first job of the queue, and return its answer."""
        return [self._queue.popleft().execute(self._scorer)] if self._queue else []

    def describe(self) -> str:
        """Description of the executor for display."""
        return f"this process, on {device_name()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
