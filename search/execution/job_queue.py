"""Queue of jobs: sizes of batches, and jobs that are suspected of killing their worker.

A call costs about a millisecond, so small jobs share one. A job whose worker died is a suspect, and is given to a
worker alone: with several jobs in one process the cause of a death is not known. After three deaths alone a job has the
status `crashed`.
"""

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from statistics import median

from proxy_tasks import Status
from search.execution.messages import Failed, Parcel

AHEAD = 2  # batches that a worker holds, so that it need not wait for the next
_SECONDS_A_BATCH = 0.1  # a call costs about a millisecond
_LEAST_SECONDS = 0.005  # in a call, however many workers wait
_LARGEST_BATCH = 64
_DEATHS = 3  # deaths of a worker with this job alone, after which the job counts as crashed


class Pace:
    """Seconds that one job takes, from recent batches of one worker or of all."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=9)

    def add(self, seconds: float) -> None:
        """Seconds a job in one more batch."""
        self._seconds.append(seconds)

    def batch_size(self, seconds: float = _SECONDS_A_BATCH) -> int:
        """Number of jobs that take so many seconds together; 1 while nothing is known."""
        if not self._seconds:
            return 1
        return max(1, min(_LARGEST_BATCH, int(seconds / max(median(self._seconds), 1e-9))))


class JobQueue:
    """Jobs that wait for a worker."""

    def __init__(self) -> None:
        self._waiting: deque[Parcel] = deque()
        self._suspects: deque[Parcel] = deque()
        self._deaths: Counter[object] = Counter()  # by the key of a job

    def __len__(self) -> int:
        """Number of jobs that wait, the suspects included."""
        return len(self._waiting) + len(self._suspects)

    def add(self, parcels: Iterable[Parcel]) -> None:
        """Append jobs."""
        self._waiting.extend(parcels)

    @property
    def suspects(self) -> int:
        """Number of jobs under suspicion."""
        return len(self._suspects)

    def next_suspect(self) -> Parcel:
        """Take a job that needs a worker to itself."""
        return self._suspects.popleft()

    def next_batch(self, pace: Pace, places: int) -> list[Parcel]:
        """Take the jobs of one call.

        Args:
            pace: of the worker that gets them.
            places: calls that could be made now, this one included; the jobs are given to them in equal parts, but
                not in parts so small that a call would cost more than the jobs in it.

        Returns:
            Small jobs, or one that is not; empty if nothing waits.
        """
        if not self._waiting:
            return []
        part = math.ceil(len(self._waiting) / places)
        size = min(pace.batch_size(), max(part, pace.batch_size(_LEAST_SECONDS)))
        jobs = [self._waiting.popleft()]
        while len(jobs) < size and self._waiting and jobs[0].small and self._waiting[0].small:
            jobs.append(self._waiting.popleft())
        return jobs

    def suspect(self, parcels: Sequence[Parcel], *, blamed: bool) -> list[Failed]:
        """Take back jobs whose worker died.

        Args:
            parcels: the jobs that the worker was at.
            blamed: whether it was at one job alone, which then is to blame.

        Returns:
            The failure of a job that has ended three workers.
        """
        self._deaths.update(parcel.key for parcel in parcels if blamed)
        failed = [parcel for parcel in parcels if self._deaths[parcel.key] >= _DEATHS]
        self._suspects.extend(parcel for parcel in parcels if parcel not in failed)
        reason = f"it ended the process that trained it {_DEATHS} times"
        return [Failed(parcel.key, Status.CRASHED, reason) for parcel in failed]
