"""Execution of jobs in batches on an accelerator, in this process."""

from collections import deque
from collections.abc import Sequence
from typing import Any, Self

from proxy_tasks import Evaluator, device_name, padding
from search.execution.executor import Answer, CandidateAnswer, CandidateJob, Job
from selection import losses_together


def execute_together(jobs: Sequence[Job], evaluator: Evaluator) -> list[Answer]:
    """Execute jobs in batches; returns their answers in order.

    Args:
        jobs: candidates and trials.
        evaluator: scores the candidates.
    """
    candidates = [job for job in jobs if isinstance(job, CandidateJob)]
    trials = [job for job in jobs if not isinstance(job, CandidateJob)]
    answers: dict[object, Answer] = {}
    if candidates:
        scores = evaluator.evaluate_all([job.program for job in candidates], [job.hurdle for job in candidates])
        answers |= {job.key: CandidateAnswer(job.key, score) for job, score in zip(candidates, scores, strict=True)}
    losses = losses_together([job.trial for job in trials])
    answers |= {job.key: job.answer(found) for job, found in zip(trials, losses, strict=True)}
    return [answers[job.key] for job in jobs]


class BatchExecutor:
    """Executes all queued jobs together.

    Args:
        evaluator: scores programs.
        size: number of candidates in flight, which is the largest number of ready candidates.
    """

    usage: dict[str, Any] = {}  # noqa: RUF012 - never written to

    def __init__(self, evaluator: Evaluator, size: int) -> None:
        self._evaluator, self.count = evaluator, size
        self._queue: deque[Job] = deque()

    def free(self) -> int:
        """Number of further jobs that fit into the batch."""
        return max(0, self.count - len(self._queue))

    def submit(self, job: Job) -> None:
        """Add a job to the batch."""
        self._queue.append(job)

    def collect(self) -> list[Answer]:
        """Execute all queued jobs, and return their answers."""
        jobs, self._queue = list(self._queue), deque()
        return execute_together(jobs, self._evaluator)

    def describe(self) -> str:
        """Description of the executor for display, with the share of padding in the batches."""
        return f"this process, in batches on {device_name()}, {padding():.0%} padding"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
