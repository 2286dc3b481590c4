"""Workers on all cores of this machine or of a cluster: long-lived Ray actors, batches of jobs a call.

Anything may die. A worker that does is replaced and its jobs are given out again; whatever it was at when it died is
then given out alone, and a job that ends its worker three times alone is scored `crashed`. A job that takes longer
than it may has its process ended and, once it was alone, is scored `timeout`. Who scores what, and how often, leaves
no trace in the history: that is the engine's to order.
"""

import contextlib
import io
import math
import os
import socket
import textwrap
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple, Self

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere; has to be set before Ray is imported

import ray
from ray.exceptions import RayActorError, RayTaskError

from primitives.errors import UserError
from proxy_tasks.fitness import Score, Status
from search.executors import Job, Key
from search.worker import Built, Worker
from selection.trials import Trial

_SECONDS_A_BATCH = 0.1  # a call costs about a millisecond
_LARGEST_BATCH = 64
_AHEAD = 2  # batches that a worker holds, so that it need not wait for the next
_DEATHS = 3  # of a worker, until the job that it was at gets the blame
_FAILED_STARTS = 5  # in a row, until it is no accident
_LOOK_EVERY = 1.0  # seconds between two looks at the clock
_CONNECT = 5.0  # seconds for an address to answer
_OBJECTS = 100 * 2**20  # bytes of Ray's object store, through which nothing large passes


class _Batch(NamedTuple):
    """Jobs in one call; `alone` where there is just one because it is under suspicion."""

    call: ray.ObjectRef[Any]
    jobs: list[Job]
    alone: bool


class _Member:
    """A worker with the calls that it has not answered."""

    def __init__(self, actor: Any) -> None:  # noqa: ANN401 - Ray's handles are not typed
        self.actor = actor
        self.begun: ray.ObjectRef[Any] | None = actor.begin.remote()
        self.batches: deque[_Batch] = deque()
        self.since = math.inf  # when it turned to the first of its batches

    def calls(self) -> list[ray.ObjectRef[Any]]:
        """Those that may be answered next."""
        return [self.begun] if self.begun is not None else [batch.call for batch in self.batches]


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
    ) -> None:
        self._wall_limit, self._facts, self._say = wall_limit, facts, say
        self._quiet = contextlib.redirect_stdout(io.StringIO())  # Ray prints there, where results belong
        self._queue: deque[Job] = deque()
        self._suspects: deque[Job] = deque()
        self._deaths: Counter[Key] = Counter()
        self._in_flight = self._failed_starts = 0
        self._seconds: deque[float] = deque([math.inf], maxlen=9)  # a job, in recent batches
        self._quiet.__enter__()
        try:
            _connect(address, count)
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

    def collect(self) -> list[tuple[Key, Score]]:
        """Hand out what is waiting, and wait until something is done."""
        done: list[tuple[Key, Score]] = []
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

    def workers(self) -> str:
        """How many are ready."""
        return f"{sum(member.begun is None for member in self._members)} of {len(self._members)} ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            ray.kill(member.actor)
        ray.shutdown()
        self._quiet.__exit__(None, None, None)

    def _batch_size(self) -> int:
        return max(1, min(_LARGEST_BATCH, int(_SECONDS_A_BATCH / max(median(self._seconds), 1e-9))))

    def _hand_out(self) -> None:
        """Give every worker that is ready up to two batches, in equal parts; but suspects first, to idle workers.

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
                size = min(self._batch_size(), math.ceil(len(self._queue) / (len(room) - place)))
                self._call(member, self._next(size), alone=False)

    def _next(self, size: int) -> list[Job]:
        """Jobs for one call: candidates, which are alike, or one trial, which may take much longer."""
        jobs = [self._queue.popleft()]
        while (
            len(jobs) < size and self._queue and not any(isinstance(j.work, Trial) for j in (jobs[0], self._queue[0]))
        ):
            jobs.append(self._queue.popleft())
        return jobs

    def _call(self, member: _Member, jobs: list[Job], alone: bool) -> None:
        if not member.batches:
            member.since = time.monotonic()
        member.batches.append(_Batch(member.actor.score.remote(jobs), jobs, alone))

    def _answered(self, member: _Member, call: ray.ObjectRef[Any]) -> list[tuple[Key, Score]]:
        try:
            answer = ray.get(call)
        except RayActorError:
            return self._died(member)
        except RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else error from None
        if member.begun is not None:
            self._check(answer)
            member.begun, self._failed_starts = None, 0
            return []
        batch = next(batch for batch in member.batches if batch.call == call)
        member.batches.remove(batch)
        member.since = time.monotonic()
        scores, seconds = answer
        if not isinstance(batch.jobs[0].work, Trial):
            self._seconds.append(seconds / len(scores))
        return [(job.key, score) for job, score in zip(batch.jobs, scores, strict=True)]

    def _died(self, member: _Member) -> list[tuple[Key, Score]]:
        """Replace a worker, and give out its jobs again."""
        if member.begun is not None:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise UserError(
                    f"{_FAILED_STARTS} workers in a row died while they started; "
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
                    done.append((job.key, Score(Status.CRASHED, math.inf, math.inf, reason)))
        self._replace(member)
        return done

    def _overdue(self) -> list[tuple[Key, Score]]:
        """End processes that have been at a batch for too long."""
        done = []
        for member in list(self._members):
            batch = member.batches[0] if member.batches else None
            if batch is None or time.monotonic() - member.since < self._wall_limit * sum(
                job.allowance for job in batch.jobs
            ):
                continue
            ray.kill(member.actor)
            if len(batch.jobs) == 1:
                reason = f"it took more than {self._wall_limit * batch.jobs[0].allowance:g} s"
                done.append((batch.jobs[0].key, Score(Status.TIMEOUT, math.inf, math.inf, reason)))
                self._say("a candidate took too long; its process was ended")
            else:
                self._suspects.extend(batch.jobs)
            self._replace(member)
        return done

    def _replace(self, member: _Member) -> None:
        """Start a new worker in place of one, whose batches but the first are given out again."""
        for batch in list(member.batches)[1:]:
            self._queue.extend(batch.jobs)
        member.begun = None
        member.batches.clear()  # what it may still seem to answer counts no more
        self._members[self._members.index(member)] = self._start()

    def _check(self, facts: dict[str, Any]) -> None:
        """Raise `UserError` where a worker would score otherwise than the driver."""
        for key, value in self._facts.items():
            if facts.get(key) != value:
                what = _difference(facts.get(key), value)
                raise UserError(
                    f"a worker on {facts['host']} differs from this driver in its {key}, {what}; "
                    f"the same version of everything has to be installed on every machine"
                )


def _difference(theirs: Any, ours: Any) -> str:  # noqa: ANN401 - plain values
    """The first difference between two plain values, in words."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        key = next(key for key in {**ours, **theirs} if theirs.get(key) != ours.get(key))
        return f"{key}: {_difference(theirs.get(key), ours.get(key))}"
    return f"{textwrap.shorten(str(theirs), 60)}, not {textwrap.shorten(str(ours), 60)}"


def _connect(address: str | None, count: int | None) -> None:
    """Join a cluster, or start Ray here."""
    options: dict[str, Any] = {"address": address or "local", "log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        cores = max(count or 0, os.cpu_count() or 1)  # more workers than cores are the user's to ask for
        options |= {"num_cpus": cores, "include_dashboard": False, "object_store_memory": _OBJECTS}
    known = "`workers.address` is that of a cluster begun with `ray start --head`, such as 10.0.0.1:6379"
    if address not in (None, "auto"):  # Ray itself would wait for minutes
        host, _, port = str(address).removeprefix("ray://").rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT).close()
        except (OSError, ValueError) as error:
            raise UserError(f"nothing answers at `workers.address` (={address}): {error}; {known}") from None
    try:
        with warnings.catch_warnings():  # JAX warns of forks; Ray's children become other programs at once
            warnings.filterwarnings("ignore", "os.fork", RuntimeWarning)
            ray.init(**options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"the cluster at `workers.address` (={address}) cannot be joined: {reason}; {known}") from None
