"""Executor for an accelerator, which trains all queued candidates in one batch in this process."""

from collections import deque
from typing import Any, Self

from proxy_tasks import Evaluator
from search.execution.executor import Answer, CandidateAnswer, CandidateJob, Job


class BatchExecutor:
    """Scores all queued candidates together.

    Args:
        evaluator: scores programs.
        size: largest number of queued jobs; equal to the in-flight window, the largest number of ready candidates.
    """

    usage: dict[str, Any] = {}  # noqa: RUF012 - never written to

    def __init__(self, evaluator: Evaluator, size: int) -> None:
        self._evaluator, self.count = evaluator, size
        self._queue: deque[Job] = deque()

    def free(self) -> int:
        """Number of jobs that still fit into the batch."""
        return self.count - len(self._queue)

    def submit(self, job: Job) -> None:
        """Add a job to the batch."""
        self._queue.append(job)

    def collect(self) -> list[Answer]:
        """Execute all queued jobs, and return their answers."""
        jobs, self._queue = list(self._queue), deque()
        candidates = [job for job in jobs if isinstance(job, CandidateJob)]
        programs, hurdles = [job.program for job in candidates], [job.hurdle for job in candidates]
        scores = self._evaluator.evaluate_all(programs, hurdles) if programs else []
        answers = [CandidateAnswer(job.key, score) for job, score in zip(candidates, scores, strict=True)]
        trials = [job.execute(self._evaluator) for job in jobs if not isinstance(job, CandidateJob)]
        return [*answers, *trials]

    def describe(self) -> str:
        """Description of the executor for display."""
        return f"this process, batches of up to {self.count}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
