"""Pool of workers on Ray: long-lived actors that execute batches of jobs.

If a worker dies, it is replaced, and its jobs are sent again; the jobs that it was running become suspects (see
`job_queue`). `starts` counts workers that fail to start. If a batch exceeds its time limit, its worker is ended; a job
that was running alone has the status `timeout`. `faults` is the table of Ray's exceptions. The history depends neither
on the worker that scores a candidate nor on the number of attempts, since the engine orders the answers.

When no job waits, an idle worker gets a copy of a batch that a worker on another host has not answered for long, so
that a slow host does not delay the end of a generation (backup tasks; Dean and Ghemawat, 2004, section 3.6). The first
answer to a job counts.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import ray
from ray.exceptions import RayTaskError

from proxy_tasks import Status
from search.execution.events import Events, Submitted
from search.execution.executor import WorkersLostError
from search.execution.faults import Effect, RayLostError, address, cause, ending, fault_of
from search.execution.handshake import Handshake
from search.execution.host_statistics import HostStatistics
from search.execution.job_queue import AHEAD, JobQueue, Pace
from search.execution.member import Batch, Member
from search.execution.messages import Answered, Failed, Outcome, Parcel, RaySettings, State
from search.execution.open_jobs import OpenJobs
from search.execution.starts import FailedStarts

_WAIT = 1.0  # longest time in seconds that a turn waits for an event
_CHECK_EVERY = 0.1  # seconds between two checks for late batches; a check looks at every worker
_LATE = 1.5 * AHEAD  # age of a batch, in median durations of a call, after which an idle worker gets a copy
_LEAST_LATE = 2.0  # least such age in seconds; a driver that is slower than its workers leaves them idle all the time
_RECENT = 33  # calls of which the median is taken
_EXCUSES = 8  # deaths of a worker with the same job alone after which the run ends, though the job is not blamed


class WorkerPool:
    """Executes jobs in Ray actors.

    Args:
        start: starts the actor of a new worker, and returns its handle.
        count: initial number of workers.
        facts: facts that must be equal in the driver and in every worker.
        settings: settings of the workers.
        say: called with messages for the user.
        events: queue of jobs and completed calls, which `turn` handles; by default a new one.
    """

    def __init__(
        self,
        start: Callable[[], Any],
        count: int,
        *,
        facts: Mapping[str, Any],
        settings: RaySettings,
        say: Callable[[str], None],
        events: Events | None = None,
    ) -> None:
        self._start, self._say, self.events = start, say, events or Events()
        self._handshake = Handshake(facts, settings, say)
        self._wall_limit = settings.wall_limit
        self._start_limit = max(settings.start_limit, settings.wall_limit)
        self._queue, self._pace, self._hosts = JobQueue(settings.batch), Pace(), HostStatistics()
        self._failed_starts = FailedStarts()
        self._due: deque[float] = deque()  # times at which further workers are started, by `time.monotonic`
        self._copies = settings.batch is None  # on a GPU, results may depend on which jobs share a batch
        self._open = OpenJobs()
        self._durations: deque[float] = deque(maxlen=_RECENT)  # seconds of recent calls
        self._checked = -math.inf  # time of the last check for late batches, by `time.monotonic`
        self.members: list[Member] = []
        self.add_workers(count)

    def add_workers(self, count: int) -> None:
        """Start more workers."""
        self.members += [self._started() for _ in range(count)]

    def _started(self) -> Member:
        member = Member(self._start(), self._failed_starts.counted)
        for call in member.calls():
            self.events.watch(member, call)
        return member

    @property
    def count(self) -> int:
        """Number of workers, including those that are started after a pause."""
        return len(self.members) + len(self._due)

    def state(self) -> State:
        """State of the workers."""
        hosts, count = self._hosts.usage(), self.count
        ready = sum(usage.workers for usage in hosts.values())
        return State(
            count=count,
            ready=ready,
            starting=sum(member.starting for member in self.members) + len(self._due) if ready < count else 0,
            capacity=count * AHEAD * self._queue.size(self._pace),
            hosts=hosts,
            mixed=tuple(sorted(self._handshake.mixed)),
            bits=self._handshake.bits,
        )

    def turn(self) -> list[Outcome]:
        """Wait a short time for events, and send waiting jobs.

        Returns:
            Answers and failures of jobs.

        Raises:
            UserError: a worker differs from the driver, or no worker can be started.
            WorkersLostError: Ray reports an error that affects all workers, or lost workers cannot be replaced.
            RayLostError: Ray itself failed.
        """
        done: list[Outcome] = []
        for event in self.events.wait(_WAIT):
            if isinstance(event, Submitted):
                self._open.add(event.parcels)
                self._queue.add(event.parcels)
            elif event.call in event.member.calls():  # otherwise its worker has been replaced
                done += self._answered(*event)
        try:
            self._hand_out()
            return done + self._check_late()
        except ray.exceptions.RayError as error:
            raise ending(error) or RayLostError(cause(error)) from error

    def _hand_out(self) -> None:
        """Send suspects to idle workers first; where none waits, give each ready worker one or two batches."""
        if not len(self._queue):
            return
        room = [m for m in self.members if m.ready and len(m.batches) < m.most_batches(self._pace)]
        if self._queue.suspects:
            hosts = {member.host for member in self.members if member.ready}
            for member in room:
                if not member.batches and (suspect := self._queue.next_suspect(member.host, hosts)):
                    self._call(member, [suspect], alone=True)
            awaited = {host for host in hosts if self._queue.awaits(host, hosts)}
            room = [member for member in room if member.host not in awaited]
        room = [member for member in room if not member.executing_alone]
        room = [m for ahead in range(AHEAD) for m in room if len(m.batches) <= ahead < m.most_batches(self._pace)]
        for place, member in enumerate(room):
            if parcels := self._queue.next_batch(member.pace, len(room) - place):
                self._call(member, parcels, alone=False)

    def _check_late(self) -> list[Outcome]:
        """Copy late batches to idle workers, end workers that exceed a time limit, and start those that are due."""
        if time.monotonic() - self._checked < _CHECK_EVERY:
            return []
        self._checked = time.monotonic()
        while self._due and self._due[0] <= self._checked:
            self._due.popleft()
            self.add_workers(1)
        if self._copies and not len(self._queue) and self._durations:
            self._copy_late([member for member in self.members if member.ready])
        return self._overdue()

    def _copy_late(self, ready: Sequence[Member]) -> None:
        """Give each idle worker a copy of the oldest late batch of another host."""
        limit = time.monotonic() - max(_LATE * median(self._durations), _LEAST_LATE)
        late = [(b, m.host) for m in ready for b in m.batches if b.sent < limit and not b.alone]
        for batch, host in sorted(late, key=lambda pair: pair[0].sent):
            parcels = self._open.single(batch.parcels)
            member = next((member for member in ready if not member.batches and member.host != host), None)
            if member and parcels:
                self._open.copied(parcels)
                self._call(member, parcels, alone=False)

    def _call(self, member: Member, parcels: list[Parcel], *, alone: bool) -> None:
        if not member.batches:
            member.since = time.monotonic()
        call = member.actor.execute.remote([parcel.content for parcel in parcels])
        member.batches.append(Batch(call, parcels, alone, time.monotonic()))
        self.events.watch(member, call)

    def _answered(self, member: Member, call: ray.ObjectRef[Any]) -> Sequence[Outcome]:
        if call == member.begun and member.placed is not None:  # completed before, and reported after it
            self._answered(member, member.placed)
            if member.begun is None:  # that call failed, and the worker has been replaced
                return []
        try:
            answer = ray.get(call)
        except ray.exceptions.RayError as error:
            if isinstance(error, RayTaskError) and fault_of(error) is None:
                raise error.cause if isinstance(error.cause, Exception) else error from None
            return self._failed(member, call, error)
        if call == member.placed:
            member.placed, member.since, member.host = None, time.monotonic(), answer.host
            return []
        if call == member.begun:
            self._handshake.check(member.host, answer)
            member.begun = None
            self._failed_starts.ready()
            self._hosts.ready(member)
            return []
        return self._completed(member, call, *answer)

    def _completed(
        self, member: Member, call: ray.ObjectRef[Any], answers: Sequence[bytes], seconds: float
    ) -> Sequence[Outcome]:
        batch = next(batch for batch in member.batches if batch.call == call)
        member.batches.remove(batch)
        member.since = time.monotonic()
        self._hosts.completed(member.host, len(answers), seconds)
        self._durations.append(seconds)
        if batch.parcels[0].small:
            for pace in (member.pace, self._pace):
                pace.add(seconds / len(answers))
        return self._open.first(Answered(p.key, answer) for p, answer in zip(batch.parcels, answers, strict=True))

    def _failed(self, member: Member, call: ray.ObjectRef[Any], error: Exception) -> Sequence[Outcome]:
        """Apply the effect that the table of faults has for an exception."""
        if end := ending(error):
            raise end
        fault, host = fault_of(error), member.host or address(error) or "a host"
        assert fault is not None
        batch = next((batch for batch in member.batches if batch.call == call), None)
        if fault.effect is Effect.AGAIN and batch:
            self._say(f"{host} {fault.words}; the jobs are sent again")
            member.batches.remove(batch)
            self._queue.add(self._open.lost(batch.parcels))
            return []
        blame, first = fault.effect is Effect.BLAME, member.batches[0] if member.batches else None
        if not member.ready:
            self._failed_starts.died(member, fault, error, host=host, workers=self.count, others=self._any_ready())
        if first and first.alone and not blame and self._queue.excuse(first.parcels[0]) >= _EXCUSES:
            raise WorkersLostError(f"{host} {fault.words}; the same job was lost {_EXCUSES} times in this way")
        self._say(f"{host} {fault.words}; the worker is replaced{self._later(member)}, and its jobs are sent again")
        return self._replace(member, blame=blame)

    def _any_ready(self) -> bool:
        return any(member.ready for member in self.members)

    def _pause(self, member: Member) -> float:
        """Seconds until a worker that failed is replaced."""
        return 0.0 if member.ready else self._failed_starts.pause

    def _later(self, member: Member) -> str:
        return f" after {self._pause(member):g} s" if self._pause(member) else ""

    def _overdue(self) -> list[Outcome]:
        """End workers that have exceeded the time limit of a batch or of their start."""
        done: list[Outcome] = []
        for member in list(self.members):
            late = time.monotonic() - member.since
            if not member.ready and late >= self._start_limit:
                self._failed_starts.late(self._start_limit, others=self._any_ready())
                self._say(f"a worker on {member.host} took too long to start; it is replaced{self._later(member)}")
                done += self._replace(member, blame=False)
            elif member.batches and late >= self._wall_limit * member.batches[0].allowance(together=not self._copies):
                self._say(f"a candidate took too long on {member.host}; its process was ended")
                done += self._end(member)
        return done

    def _end(self, member: Member) -> list[Outcome]:
        """End a worker whose first batch has exceeded the time limit.

        A job fails with `timeout` only if it was running alone as a suspect, since the first time the host may have
        been the cause.
        """
        failed: list[Outcome] = []
        if member.batches[0].alone:
            (parcel,) = member.batches.popleft().parcels
            reason = f"it took more than {self._wall_limit * parcel.allowance:g} s"
            failed = self._open.first([Failed(parcel.key, Status.TIMEOUT, reason)])
        return [*failed, *self._replace(member, blame=False)]

    def _replace(self, member: Member, *, blame: bool) -> list[Outcome]:
        """End and replace a worker, and queue its jobs again; those of its first batch become suspects.

        With `blame`, a job that was running alone has ended the worker.
        """
        ray.kill(member.actor)
        self._hosts.died(member.host)
        done: list[Outcome] = []
        for place, batch in enumerate(member.batches):
            parcels = self._open.lost(batch.parcels)
            if place:
                self._queue.add(parcels)
            else:
                done += self._open.first(self._queue.suspect(parcels, host=member.host, blamed=blame and batch.alone))
        if pause := self._pause(member):
            self.members.remove(member)
            self._due.append(time.monotonic() + pause)
        else:
            self.members[self.members.index(member)] = self._started()
        member.placed = member.begun = None
        member.batches.clear()  # late answers of the old worker are ignored
        self._hosts.left(member)
        return done
