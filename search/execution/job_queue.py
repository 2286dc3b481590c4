"""Queue of jobs: batch sizes, and jobs that are suspected of ending their worker.

A call takes about a millisecond, so small jobs share a call. After the death of a worker, the jobs that it was running
are suspects, since it is not known which job was the cause. A suspect is sent alone to an idle worker, first on other
hosts, since its host may be the cause. After three deaths of a worker with this job alone, the job has the status
`crashed`.
"""

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence, Set
from statistics import median

from proxy_tasks import Status
from search.execution.messages import Failed, Parcel

AHEAD = 2  # batches in a worker, so that it does not wait for the next batch
_SECONDS_A_BATCH = 0.1  # target duration of a batch; a call takes about a millisecond
_LEAST_SECONDS = 0.005  # least duration of a batch, for any number of idle workers
_LARGEST_BATCH = 64
_DEATHS = 3  # number of deaths of a worker with this job alone after which the job has crashed


class Pace:
    """Estimate of the seconds per job, from recent batches of one worker or of all workers.

    Attributes:
        seconds: median seconds per job; 0 before the first batch.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=9)
        self.seconds = 0.0

    def add(self, seconds: float) -> None:
        """Add the seconds per job of a batch."""
        self._recent.append(seconds)
        self.seconds = median(self._recent)

    def batch_size(self, seconds: float = _SECONDS_A_BATCH) -> int:
        """Number of jobs that take the given time together; 1 before the first batch."""
        if not self._recent:
            return 1
        return max(1, min(_LARGEST_BATCH, int(seconds / max(self.seconds, 1e-9))))


class JobQueue:
    """Queue of jobs that wait for a worker.

    Args:
        batch: largest number of jobs in a call if workers train them together; `None`: the pace of a worker decides.
    """

    def __init__(self, batch: int | None = None) -> None:
        self._batch = batch
        self._waiting: deque[Parcel] = deque()
        self._suspects: deque[Parcel] = deque()
        self._deaths: Counter[object] = Counter()  # deaths of a worker with a job alone, by key of the job
        self._excused: Counter[object] = Counter()  # such deaths for which the job is not blamed
        self._hosts: defaultdict[object, set[str]] = defaultdict(set)  # hosts on which a worker died with a job

    def __len__(self) -> int:
        """Number of waiting jobs, including suspects."""
        return len(self._waiting) + len(self._suspects)

    def add(self, parcels: Iterable[Parcel]) -> None:
        """Append jobs to the queue."""
        self._waiting.extend(parcels)

    @property
    def suspects(self) -> int:
        """Number of waiting suspects."""
        return len(self._suspects)

    def next_suspect(self, host: str, hosts: Set[str]) -> Parcel | None:
        """Remove and return the next suspect for a worker, in which it must run alone; `None` if there is none.

        Args:
            host: host of the worker; a suspect that has ended a worker there waits for another host.
            hosts: hosts of all ready workers; a suspect that has ended a worker on each of them waits for none.
        """
        suspect = next((s for s in self._suspects if self._may_run(s, host, hosts)), None)
        if suspect is not None:
            self._suspects.remove(suspect)
        return suspect

    def awaits(self, host: str, hosts: Set[str]) -> bool:
        """Whether a suspect waits for an idle worker on a host; the arguments are those of `next_suspect`."""
        return any(self._may_run(suspect, host, hosts) for suspect in self._suspects)

    def _may_run(self, suspect: Parcel, host: str, hosts: Set[str]) -> bool:
        return host not in self._hosts[suspect.key] or hosts <= self._hosts[suspect.key]

    def size(self, pace: Pace) -> int:
        """Largest number of jobs in a call to a worker of some pace."""
        return self._batch or pace.batch_size()

    def next_batch(self, pace: Pace, places: int) -> list[Parcel]:
        """Remove and return the jobs of the next call.

        Args:
            pace: pace of the worker that receives the jobs.
            places: number of calls that can be made now, including this one. Jobs are divided equally among them, but a
                batch takes at least `_LEAST_SECONDS`, so that a call does not take longer than its jobs.

        Returns:
            Several small jobs or one large job; empty if no job waits.
        """
        if not self._waiting:
            return []
        part = math.ceil(len(self._waiting) / places)
        least = part if self._batch else max(part, pace.batch_size(_LEAST_SECONDS))
        size = min(self.size(pace), least)
        jobs = [self._waiting.popleft()]
        while len(jobs) < size and self._waiting and jobs[0].small and self._waiting[0].small:
            jobs.append(self._waiting.popleft())
        return jobs

    def excuse(self, parcel: Parcel) -> int:
        """Count a death of a worker with a job alone for which the job is not blamed; the number of such deaths."""
        self._excused[parcel.key] += 1
        return self._excused[parcel.key]

    def suspect(self, parcels: Sequence[Parcel], *, host: str, blamed: bool) -> list[Failed]:
        """Take back jobs whose worker died.

        Args:
            parcels: the jobs that the worker was running.
            host: host of the worker.
            blamed: whether the worker was running a single suspect, which then caused the death.

        Returns:
            The failure of the job if it has ended three workers; otherwise empty.
        """
        self._deaths.update(parcel.key for parcel in parcels if blamed)
        for parcel in parcels:
            self._hosts[parcel.key].add(host)
        failed = [parcel for parcel in parcels if self._deaths[parcel.key] >= _DEATHS]
        self._suspects.extend(parcel for parcel in parcels if parcel not in failed)
        reason = f"it ended the process that trained it {_DEATHS} times"
        return [Failed(parcel.key, Status.CRASHED, reason) for parcel in failed]
