"""Pool of workers on Ray: long-lived actors that execute batches of jobs.

If a worker dies, it is replaced, and its jobs are sent again; the jobs that it was running become suspects (see
`job_queue`). If a batch exceeds its time limit, its worker is ended; a job that was running alone has the status
`timeout`. `faults` is the table of Ray's exceptions. The history depends neither on the worker that scores a candidate
nor on the number of attempts, since the engine orders the answers.

When no job waits, an idle worker gets a copy of a batch that a worker on another host has not answered for long, so
that a slow host does not delay the end of a generation (backup tasks; Dean and Ghemawat, 2004, section 3.6). The first
answer to a job counts.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from primitives import UserError
from proxy_tasks import Status
from search.execution.events import Events, Submitted
from search.execution.executor import WorkersLostError
from search.execution.faults import Effect, RayLostError, cause, fault_of
from search.execution.handshake import Handshake
from search.execution.host_statistics import HostStatistics
from search.execution.job_queue import AHEAD, JobQueue, Pace
from search.execution.member import Batch, Member
from search.execution.messages import Answered, Failed, Outcome, Parcel, RaySettings, State

_FAILED_STARTS = 5  # successive failed starts of workers after which the run ends
_WAIT = 1.0  # longest time in seconds that a turn waits for an event
_CHECK_EVERY = 0.1  # seconds between two checks for late batches; a check looks at every worker
_LATE = 1.5 * AHEAD  # age of a batch, in median durations of a call, after which an idle worker gets a copy
_LEAST_LATE = 2.0  # least such age in seconds; a driver that is slower than its workers leaves them idle all the time
_RECENT = 33  # calls of which the median is taken


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
        self._failed_starts = 0
        self._copies = settings.batch is None  # on a GPU, results may depend on which jobs share a batch
        self._open: dict[object, int] = {}  # number of workers that have, or will have, each job without an answer
        self._durations: deque[float] = deque(maxlen=_RECENT)  # seconds of recent calls
        self._checked = -math.inf  # time of the last check for late batches, by `time.monotonic`
        self.members: list[Member] = []
        self.add_workers(count)

    def add_workers(self, count: int) -> None:
        """Start more workers."""
        self.members += [self._started() for _ in range(count)]

    def _started(self) -> Member:
        member = Member(self._start())
        for call in member.calls():
            self.events.watch(member, call)
        return member

    def state(self) -> State:
        """State of the workers."""
        hosts, count = self._hosts.usage(), len(self.members)
        ready = sum(usage.workers for usage in hosts.values())
        return State(
            count=count,
            ready=ready,
            starting=sum(member.starting for member in self.members) if ready < count else 0,
            capacity=count * AHEAD * self._queue.size(self._pace),
            hosts=hosts,
            mixed=tuple(sorted(self._handshake.mixed)),
        )

    def turn(self) -> list[Outcome]:
        """Wait a short time for events, and send waiting jobs.

        Returns:
            Answers and failures of jobs.

        Raises:
            UserError: a worker differs from the driver, or workers cannot be started.
            WorkersLostError: Ray reports an error that affects all workers.
            RayLostError: Ray itself failed.
        """
        done: list[Outcome] = []
        for event in self.events.wait(_WAIT):
            if isinstance(event, Submitted):
                self._open |= dict.fromkeys((parcel.key for parcel in event.parcels), 1)
                self._queue.add(event.parcels)
            elif event.call in event.member.calls():  # otherwise its worker has been replaced
                done += self._answered(*event)
        try:
            self._hand_out()
            return done + self._check_late()
        except ray.exceptions.RayError as error:
            raise RayLostError(cause(error)) from error

    def _hand_out(self) -> None:
        """Send suspects to idle workers first; if there are none, give each ready worker one or two batches."""
        if not len(self._queue):
            return
        room = [m for m in self.members if m.ready and len(m.batches) < m.most_batches(self._pace)]
        for member in room:
            if self._queue.suspects and not member.batches:
                self._call(member, [self._queue.next_suspect()], alone=True)
        if self._queue.suspects:
            return
        room = [member for member in room if not member.executing_alone]
        room = [m for ahead in range(AHEAD) for m in room if len(m.batches) <= ahead < m.most_batches(self._pace)]
        for place, member in enumerate(room):
            if parcels := self._queue.next_batch(member.pace, len(room) - place):
                self._call(member, parcels, alone=False)

    def _check_late(self) -> list[Outcome]:
        """Copy late batches to idle workers, and end workers that have exceeded a time limit; at short intervals."""
        if time.monotonic() - self._checked < _CHECK_EVERY:
            return []
        self._checked = time.monotonic()
        if self._copies and not len(self._queue) and self._durations:
            self._copy_late([member for member in self.members if member.ready])
        return self._overdue()

    def _copy_late(self, ready: Sequence[Member]) -> None:
        """Give each idle worker a copy of the oldest late batch of another host."""
        limit = time.monotonic() - max(_LATE * median(self._durations), _LEAST_LATE)
        late = [(b, m.host) for m in ready for b in m.batches if b.sent < limit and not b.alone]
        for batch, host in sorted(late, key=lambda pair: pair[0].sent):
            parcels = [parcel for parcel in batch.parcels if self._open.get(parcel.key) == 1]
            member = next((member for member in ready if not member.batches and member.host != host), None)
            if member and parcels:
                self._open |= dict.fromkeys((parcel.key for parcel in parcels), 2)
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
        try:
            answer = ray.get(call)
        except RayTaskError as error:
            raise error.cause if isinstance(error.cause, Exception) else error from None
        except ray.exceptions.RayError as error:
            return self._failed(member, call, error)
        if call == member.placed:
            member.placed, member.since, member.host = None, time.monotonic(), answer.host
            return []
        if call == member.begun:
            self._handshake.check(member.host, answer)
            member.begun, self._failed_starts = None, 0
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
        return self._first(Answered(p.key, answer) for p, answer in zip(batch.parcels, answers, strict=True))

    def _first(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        """The outcomes of jobs that had none yet."""
        return [outcome for outcome in outcomes if self._open.pop(outcome.key, None) is not None]

    def _lost(self, parcels: Iterable[Parcel]) -> list[Parcel]:
        """The jobs of a lost batch that have to be sent again, since no other worker has a copy."""
        again = []
        for parcel in parcels:
            workers = self._open.get(parcel.key)
            if workers == 1:
                again.append(parcel)
            elif workers is not None:
                self._open[parcel.key] = workers - 1
        return again

    def _failed(self, member: Member, call: ray.ObjectRef[Any], error: Exception) -> Sequence[Outcome]:
        """Apply the effect that the table of faults has for an exception."""
        fault = fault_of(error)
        assert fault is not None
        if fault.effect is Effect.END:
            raise WorkersLostError(f"{fault.words}: {cause(error)}")
        if fault.effect is Effect.RESTART:
            raise RayLostError(f"{fault.words}: {cause(error)}")
        host = member.host or "a host"
        batch = next((batch for batch in member.batches if batch.call == call), None)
        if fault.effect is Effect.AGAIN and batch:
            self._say(f"{host} {fault.words}; the jobs are sent again")
            member.batches.remove(batch)
            self._queue.add(self._lost(batch.parcels))
            return []
        if not member.ready:
            self._failed_start(member, error)
        self._hosts.died(member.host)
        self._say(f"{host} {fault.words}; the worker is replaced, and its jobs are sent again")
        return self._replace(member, suspect=fault.effect is Effect.SUSPECT)

    def _failed_start(self, member: Member, error: Exception) -> None:
        """Count a worker that died before it was ready; raise `UserError` if it cannot import a package."""
        reason = cause(error)
        where = member.host or getattr(error, "node_ip", "") or "a host of the cluster"
        if isinstance(error, RayActorError) and ("ModuleNotFoundError" in reason or "ImportError" in reason):
            remedy = "install the same version of optsearch there as on the driver"
            raise UserError(f"a worker on {where} cannot import a package ({reason}); {remedy}")
        self._count_failed_start(
            f"died while they started ({reason}); "
            f"check the memory for {len(self.members)} workers (`workers.count`), and `workers.memory_limit`"
        )

    def _count_failed_start(self, how: str) -> None:
        self._failed_starts += 1
        if self._failed_starts >= _FAILED_STARTS:
            raise UserError(f"{_FAILED_STARTS} workers in a row {how}")

    def _overdue(self) -> list[Outcome]:
        """End workers that have exceeded the time limit of a batch or of their start."""
        done: list[Outcome] = []
        for member in list(self.members):
            late = time.monotonic() - member.since
            if not member.ready and late >= self._start_limit:
                self._count_failed_start(
                    f"had not started after {self._start_limit:g} s; check whether a plugin or a custom task blocks, "
                    f"and whether the data can be read on that machine"
                )
                self._say(f"a worker on {member.host} took too long to start; it is replaced")
                done += self._end(member, None)
            batch = member.batches[0] if member.batches else None
            if batch and late >= self._wall_limit * sum(parcel.allowance for parcel in batch.parcels):
                self._say(f"a candidate took too long on {member.host}; its process was ended")
                done += self._end(member, batch)
        return done

    def _end(self, member: Member, batch: Batch | None) -> list[Outcome]:
        """Kill a worker that has exceeded a time limit, for a batch or for its start.

        A job fails with `timeout` only if it was running alone as a suspect, since the first time the host may have
        been the cause.
        """
        ray.kill(member.actor)
        self._hosts.died(member.host)
        if batch is None or not batch.alone:
            return self._replace(member, suspect=True)
        member.batches.popleft()
        (parcel,) = batch.parcels
        reason = f"it took more than {self._wall_limit * parcel.allowance:g} s"
        failed = self._first([Failed(parcel.key, Status.TIMEOUT, reason)])
        return [*failed, *self._replace(member, suspect=False)]

    def _replace(self, member: Member, *, suspect: bool) -> list[Outcome]:
        """Replace a worker, and queue its jobs again; with `suspect`, jobs of the first batch become suspects."""
        batches = list(member.batches)
        done: list[Outcome] = []
        if batches and suspect:
            first = batches.pop(0)
            done += self._first(self._queue.suspect(self._lost(first.parcels), blamed=first.alone))
        for batch in batches:
            self._queue.add(self._lost(batch.parcels))
        member.placed = member.begun = None
        member.batches.clear()  # late answers of the old worker are ignored
        self._hosts.left(member)
        self.members[self.members.index(member)] = self._started()
        return done
