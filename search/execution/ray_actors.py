"""Workers on all cores of this machine or of a cluster: long-lived Ray actors, batches of jobs a call.

Anything may die. A worker that does is replaced and its jobs are given out again; whatever it was at when it died is
then given out alone, and a job that ends its worker three times alone is scored `crashed`. A job that takes longer
than it may has its process ended and, once it was alone, is scored `timeout`. Who scores what, and how often, leaves
no trace in the history: that is the engine's to order.
"""

import contextlib
import io
import math
import time
from collections import Counter, deque
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple, Self

import ray
from ray.exceptions import RayActorError, RayTaskError

from primitives.errors import UserError
from proxy_tasks.fitness import Status
from search.execution.cluster import connect, difference
from search.execution.executor import Answer, CandidateJob, Job
from search.execution.worker import Built, Worker

_SECONDS_A_BATCH = 0.1  # a call costs about a millisecond
_LEAST_SECONDS = 0.005  # in a call, however many workers wait
_LARGEST_BATCH = 64
_AHEAD = 2  # batches that a worker holds, so that it need not wait for the next
_DEATHS = 3  # of a worker, until the job that it was at gets the blame
_FAILED_STARTS = 5  # in a row, until it is no accident
_START_LIMIT = 600.0  # seconds for a worker to start, which takes a few, or a minute where many start on few cores
_LOOK_EVERY = 1.0  # seconds between two looks at the clock


class _Batch(NamedTuple):
    """Jobs in one call; `alone` where there is just one because it is under suspicion."""

    call: ray.ObjectRef[Any]
    jobs: list[Job]
    alone: bool


class _Member:
    """A worker with the calls that it has not answered."""

    def __init__(self, actor: Any) -> None:  # noqa: ANN401 - Ray's handles are not typed
        self.actor = actor
        self.placed: ray.ObjectRef[Any] | None = actor.placed.remote()  # not before there is room for it
        self.begun: ray.ObjectRef[Any] | None = actor.begin.remote()
        self.batches: deque[_Batch] = deque()
        self.since = math.inf  # when it began to start, or turned to the first of its batches

    def calls(self) -> list[ray.ObjectRef[Any]]:
        """Those that may be answered next."""
        starting = [call for call in (self.placed, self.begun) if call is not None]
        return starting or [batch.call for batch in self.batches]


class RayExecutor:
    """Scores in actors of Ray.

    Args:
        build: makes the scorer of a worker, in the worker; it has to pickle.
        facts: what every worker's scorer has to rest on.
        count: workers; `None` for one on each core of the machine or cluster.
        address: of a running cluster; `None` starts Ray on this machine alone, and ends it again.
        wall_limit: seconds that a job may take.
        memory_limit: GiB that a worker may use; 0 for no limit.
        say: is told what a user should know.
        start_limit: seconds that a worker may take to start, if that is more than the wall limit.

    Raises:
        UserError: there is no cluster at the address, or its Ray is of another version.
    """

    def __init__(
        self,
        build: Callable[[], Built],
        facts: dict[str, Any],
        count: int | None = None,
        address: str | None = None,
        wall_limit: float = math.inf,
        memory_limit: float = 0.0,
        say: Callable[[str], None] = lambda message: None,
        start_limit: float = _START_LIMIT,
    ) -> None:
        self._start_limit = max(start_limit, wall_limit)
        self._wall_limit, self._facts, self._say = wall_limit, facts, say
        self._quiet = contextlib.redirect_stdout(io.StringIO())  # Ray prints there, where results belong
        self._queue: deque[Job] = deque()
        self._suspects: deque[Job] = deque()
        self._deaths: Counter[object] = Counter()  # by the key of a job
        self._in_flight = self._failed_starts = 0
        self._seconds: deque[float] = deque([math.inf], maxlen=9)  # a job, in recent batches
        self._quiet.__enter__()
        try:
            connect(address, count)
            cores = int(ray.cluster_resources().get("CPU", 1))  # type: ignore[no-untyped-call]
            actor: Any = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Worker)
            self._start: Callable[[], _Member] = lambda: _Member(actor.remote(build, int(memory_limit * 2**30)))
            self._members = [self._start() for _ in range(count or cores)]
        except BaseException:
            self._quiet.__exit__(None, None, None)
            raise

    @property
    def count(self) -> int:
        """How many workers there are, ready or not."""
        return len(self._members)

    def free(self) -> int:
        """Jobs that would be started at once, or be next."""
        return max(0, len(self._members) * _AHEAD * self._batch_size() - self._in_flight)

    def submit(self, job: Job) -> None:
        """Keep a job until the next `collect`."""
        self._queue.append(job)
        self._in_flight += 1

    def collect(self) -> list[Answer]:
        """Hand out what is waiting, and wait until something is done."""
        done: list[Answer] = []
        while self._in_flight and not done:
            self._hand_out()
            at = {call: member for member in self._members for call in member.calls()}
            ready, _ = ray.wait(list(at), timeout=_LOOK_EVERY)
            if ready:
                ready, _ = ray.wait(list(at), num_returns=len(at), timeout=0)
            for call in ready:
                if call in at[call].calls():  # its worker may have been replaced a moment ago
                    done += self._answered(at[call], call)
            done += self._overdue()
        self._in_flight -= len(done)
        return done

    def describe(self) -> str:
        """Number of workers that have started."""
        return f"{sum(member.begun is None for member in self._members)} of {len(self._members)} ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            ray.kill(member.actor)
        ray.shutdown()
        self._quiet.__exit__(None, None, None)

    def _batch_size(self, seconds: float = _SECONDS_A_BATCH) -> int:
        """Jobs that take so long together."""
        return max(1, min(_LARGEST_BATCH, int(seconds / max(median(self._seconds), 1e-9))))

    def _hand_out(self) -> None:
        """Give every worker that is ready up to two batches, in equal parts; but suspects first, to idle workers.

        Parts do not become so small that calls would cost more than the jobs in them.

        A suspect has a worker to itself: with another job before it, whose answer may be lost in the same death, or
        after it, nobody could tell which of them was to blame.
        """
        ready = [member for member in self._members if member.begun is None]
        for member in ready:
            if self._suspects and not member.batches:
                self._call(member, [self._suspects.popleft()], alone=True)
        if self._suspects:
            return
        room = [member for member in ready if not any(batch.alone for batch in member.batches)]
        room = [member for member in room for _ in range(_AHEAD - len(member.batches))]
        room.sort(key=lambda member: len(member.batches))
        for place, member in enumerate(room):
            if self._queue:
                part = math.ceil(len(self._queue) / (len(room) - place))
                size = min(self._batch_size(), max(part, self._batch_size(_LEAST_SECONDS)))
                self._call(member, self._next(size), alone=False)

    def _next(self, size: int) -> list[Job]:
        """Jobs for one call: candidates, which are alike, or one trial, which may take much longer."""
        jobs = [self._queue.popleft()]
        while (
            len(jobs) < size and self._queue and all(isinstance(job, CandidateJob) for job in (jobs[0], self._queue[0]))
        ):
            jobs.append(self._queue.popleft())
        return jobs

    def _call(self, member: _Member, jobs: list[Job], alone: bool) -> None:
        if not member.batches:
            member.since = time.monotonic()
        member.batches.append(_Batch(member.actor.execute.remote(jobs), jobs, alone))

    def _answered(self, member: _Member, call: ray.ObjectRef[Any]) -> list[Answer]:
        try:
            answer = ray.get(call)
        except RayActorError:
            return self._died(member)
        except RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else error from None
        if call == member.placed:
            member.placed, member.since = None, time.monotonic()
            return []
        if call == member.begun:
            self._check(answer)
            member.begun, self._failed_starts = None, 0
            return []
        batch = next(batch for batch in member.batches if batch.call == call)
        member.batches.remove(batch)
        member.since = time.monotonic()
        answers, seconds = answer
        if isinstance(batch.jobs[0], CandidateJob):
            self._seconds.append(seconds / len(answers))
        return list(answers)

    def _died(self, member: _Member) -> list[Answer]:
        """Replace a worker, and give out its jobs again."""
        if member.begun is not None:
            self._failed_start(
                f"died while they started; "
                f"is there memory for {len(self._members)} (`workers.count`), and is `workers.memory_limit` enough?"
            )
        else:
            self._say("a worker died; it is replaced, and its work is given out again")
        done = []
        if member.batches:
            batch = member.batches[0]
            self._deaths.update(job.key for job in batch.jobs if batch.alone)
            for job in batch.jobs:
                if self._deaths[job.key] < _DEATHS:
                    self._suspects.append(job)
                else:
                    reason = f"it ended the process that trained it {_DEATHS} times"
                    done.append(job.failed(Status.CRASHED, reason))
        self._replace(member)
        return done

    def _failed_start(self, how: str) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _FAILED_STARTS:
            raise UserError(f"{_FAILED_STARTS} workers in a row {how}")

    def _overdue(self) -> list[Answer]:
        """End processes that have been at a batch for too long, or have not started in time."""
        done = []
        for member in list(self._members):
            if member.begun is not None and time.monotonic() - member.since >= self._start_limit:
                self._failed_start(
                    f"had not started after {self._start_limit:g} s; does a plugin or a task of your own wait "
                    f"for something, and can the data be read from there?"
                )
                self._say("a worker took too long to start; it is replaced")
                ray.kill(member.actor)
                self._replace(member)
            batch = member.batches[0] if member.batches else None
            if batch is None or time.monotonic() - member.since < self._wall_limit * sum(
                job.allowance for job in batch.jobs
            ):
                continue
            ray.kill(member.actor)
            if len(batch.jobs) == 1:
                reason = f"it took more than {self._wall_limit * batch.jobs[0].allowance:g} s"
                done.append(batch.jobs[0].failed(Status.TIMEOUT, reason))
                self._say("a candidate took too long; its process was ended")
            else:
                self._suspects.extend(batch.jobs)
            self._replace(member)
        return done

    def _replace(self, member: _Member) -> None:
        """Start a new worker in place of one, whose batches but the first are given out again."""
        for batch in list(member.batches)[1:]:
            self._queue.extend(batch.jobs)
        member.placed = member.begun = None
        member.batches.clear()  # what it may still seem to answer counts no more
        self._members[self._members.index(member)] = self._start()

    def _check(self, facts: dict[str, Any]) -> None:
        """Raise `UserError` where a worker would score otherwise than the driver."""
        for key, value in self._facts.items():
            if facts.get(key) != value:
                what = difference(facts.get(key), value)
                raise UserError(
                    f"a worker on {facts['host']} differs from this driver in its {key}, {what}; "
                    f"the same version of everything has to be installed on every machine"
                )
