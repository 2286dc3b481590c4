"""Many programs in one batch, in this process: what an accelerator is fast at."""

from collections import deque
from typing import Self

from primitives.program import Program
from proxy_tasks.fitness import Evaluator, Score
from search.execution.executor import Job, Key, done


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
        programs = {job.key: (job.work, job.hurdle) for job in jobs if isinstance(job.work, Program)}
        scores = self._evaluator.evaluate_all(*map(list, zip(*programs.values(), strict=True))) if programs else []
        trials = [(job.key, done(job, self._evaluator)) for job in jobs if job.key not in programs]
        return [*zip(programs, scores, strict=True), *trials]

    def workers(self) -> str:
        """This process."""
        return f"this process, batches of up to {self._most}"

    @property
    def count(self) -> int:
        """All of a batch."""
        return self._most

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
