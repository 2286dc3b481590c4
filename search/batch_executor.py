"""Many programs in one batch, in this process: what an accelerator is fast at."""

from collections import deque
from typing import Self

from proxy_tasks.fitness import Evaluator, Score
from search.executors import Job, Key


class Batches:
    """Scores all programs that there are at once.

    Args:
        evaluator: scores programs.
        most: jobs that are taken before they are scored; the in-flight window, since no more are ever ready.
    """

    def __init__(self, evaluator: Evaluator, most: int) -> None:
        self._evaluator, self._most = evaluator, most
        self._queue: deque[Job] = deque()

    def free(self) -> int:
        """Jobs that still go into the batch."""
        return self._most - len(self._queue)

    def submit(self, job: Job) -> None:
        """Keep a job for the next `collect`."""
        self._queue.append(job)

    def collect(self) -> list[tuple[Key, Score]]:
        """Do all jobs."""
        jobs, self._queue = list(self._queue), deque()
        scores = self._evaluator.evaluate_all([job.program for job in jobs], [job.hurdle for job in jobs])
        return [(job.key, score) for job, score in zip(jobs, scores, strict=True)]

    def workers(self) -> str:
        """This process."""
        return f"this process, batches of up to {self._most}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
