"""Executor on Ray, which sends jobs to the Ray process, and starts this process again when Ray dies.

The executor keeps every job until its answer arrives. If Ray is lost (its raylet, its GCS server, or the connection to
the cluster), all jobs in flight are sent again. A private Ray instance is started again at once; a cluster is joined
again when it answers. After three losses without an answer in between, the run ends.
"""

import pickle
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from primitives import UserError
from search.execution.executor import Answer, Job, WorkersLostError
from search.execution.messages import (
    Answered,
    HostUsage,
    Note,
    Outcome,
    Parcel,
    RaySettings,
    Refused,
    Report,
    Setup,
    State,
)
from search.execution.ray_child import ProcessLostError, RayChild
from search.execution.worker import Built

_HOSTS_SHOWN = 4
_LOSSES = 3  # successive losses of Ray after which the run ends
_LOOK_EVERY = 1.0  # seconds between two checks of the stop request
_SAY_AFTER = 30.0  # seconds until the user is told that Ray has not started yet
_RETRY_EVERY = 3.0  # seconds between two attempts to join a cluster again


class RayExecutor:
    """Executes jobs in Ray actors.

    Args:
        build: makes the scorer of a worker; pickled, and called in the worker.
        facts: facts that must be equal in the driver and in every worker.
        settings: settings of the workers.
        files: contents of files, by path; Ray puts copies into the working directory of each worker (`copy_in`).
        say: called with messages for the user.
        stop: set when the user requests a stop.
        mixed: called with the names of all hosts that compute different bits than the driver, when one is added.

    Raises:
        UserError: there is no cluster at the address, or it cannot be joined.
        WorkersLostError: Ray cannot be started.
    """

    def __init__(
        self,
        build: Callable[[], Built],
        facts: Mapping[str, Any],
        settings: RaySettings,
        *,
        files: Mapping[str, bytes] | None = None,
        say: Callable[[str], None] = lambda message: None,
        stop: threading.Event | None = None,
        mixed: Callable[[Sequence[str]], None] = lambda hosts: None,
    ) -> None:
        self._setup, self._say, self._stop = Setup(settings, build, facts, files or {}), say, stop or threading.Event()
        self._jobs: dict[object, Job] = {}  # jobs in flight, by key
        self._unsent: list[Job] = []
        self._answers: list[Answer] = []  # received and not collected; a loss of Ray does not drop them
        self._losses = 0
        self._report_mixed, self._mixed = mixed, set[str]()
        self._past: Mapping[str, HostUsage] = {}  # usage before the last start of Ray
        self._state = State()
        self._child: RayChild | None = None
        try:
            self._start()
        except ProcessLostError as loss:
            self._recover(str(loss))

    @property
    def count(self) -> int:
        """Number of workers, ready or not."""
        return self._state.count

    @property
    def hosts(self) -> Mapping[str, HostUsage]:
        """Usage of each host since the start."""
        names = dict.fromkeys([*self._past, *self._state.hosts])
        return {name: self._past.get(name, HostUsage()) + self._state.hosts.get(name, HostUsage()) for name in names}

    def free(self) -> int:
        """Number of further jobs that would keep all workers busy."""
        return max(0, self._state.capacity - len(self._jobs))

    def submit(self, job: Job) -> None:
        """Queue a job, which the next `collect` sends."""
        self._unsent.append(job)
        self._jobs[job.key] = job

    def collect(self) -> list[Answer]:
        """Send queued jobs, and wait until at least one job is answered.

        Raises:
            UserError: a worker differs from the driver or cannot be built.
            WorkersLostError: Ray was lost three times in a row or did not come back, or a stop was requested while no
                worker was available.
        """
        while self._jobs and not self._answers:
            try:
                self._send()
                self._receive()
            except ProcessLostError as loss:
                self._recover(str(loss))
            if self._stop.is_set() and not (self._answers or self._state.ready or self._state.starting):
                raise WorkersLostError("stopped while no worker was available")
        done, self._answers = self._answers, []
        return done

    def describe(self) -> str:
        """Number of ready workers; with several hosts, also the usage of each host."""
        hosts = self.hosts
        each = [f"{name} {usage.jobs:,} jobs, {usage.busy_share:.0%} busy" for name, usage in hosts.items()]
        shown = "; ".join(each[:_HOSTS_SHOWN]) + ("; …" if len(each) > _HOSTS_SHOWN else "")
        return f"{self._state.ready} of {self._state.count} ready" + (f" ({shown})" if len(hosts) > 1 else "")

    @property
    def usage(self) -> dict[str, Any]:
        """Usage of each host in plain values."""
        return {name: usage.as_json() for name, usage in self.hosts.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._child:
            self._child.end()

    def _send(self) -> None:
        assert self._child is not None
        if self._unsent:
            self._child.send([Parcel.of(job, bool(self._setup.settings.batch)) for job in self._unsent])
            self._unsent.clear()

    def _receive(self) -> None:
        """Handle all available messages, and keep the answers among them."""
        assert self._child is not None
        for message in self._child.receive(_LOOK_EVERY):
            if isinstance(message, Refused):
                raise message.error
            if isinstance(message, Note):
                self._say(message.text)
            if isinstance(message, Report):
                self._state = message.state
                if message.state.bits is not None:  # a Ray that is started again must compute the same ones
                    self._setup = replace(self._setup, settings=replace(self._setup.settings, bits=message.state.bits))
                if not self._mixed.issuperset(message.state.mixed):
                    self._mixed.update(message.state.mixed)
                    self._report_mixed(sorted(self._mixed))
                answers = [self._answer(outcome) for outcome in message.outcomes if outcome.key in self._jobs]
                self._answers += answers
                self._losses = 0 if answers else self._losses

    def _answer(self, outcome: Outcome) -> Answer:
        job = self._jobs.pop(outcome.key)
        if isinstance(outcome, Answered):
            answer: Answer = pickle.loads(outcome.content)
            return answer
        return job.failed(outcome.status, outcome.reason)

    def _start(self) -> None:
        """Start the Ray process, and wait until Ray has started."""
        self._child = RayChild(self._setup)
        began, said = time.monotonic(), False
        try:
            while not self._state.count:
                self._receive()
                if self._stop.is_set():
                    raise WorkersLostError("stopped before Ray had started")
                if not said and time.monotonic() - began > _SAY_AFTER:
                    self._say(f"Ray has not started after {_SAY_AFTER:g} s")
                    said = True
        except BaseException:
            self._child.kill()
            raise
        self._unsent = list(self._jobs.values())

    def _recover(self, reason: str) -> None:
        """Start Ray or join the cluster again, and send all jobs again."""
        address, patience = self._setup.settings.address, self._setup.settings.reconnect
        while True:
            self._lose()
            if self._losses >= _LOSSES:
                raise WorkersLostError(f"{reason}; that was the third time in a row")
            if self._stop.is_set():
                raise WorkersLostError(f"{reason}; a stop was requested")
            again = f"joined again, within {patience:g} s if it answers," if address else "started again,"
            self._say(f"{reason}; {'the cluster' if address else 'Ray'} is {again} and its jobs are sent again")
            try:
                self._start() if address is None else self._join_again(patience)
            except ProcessLostError as loss:
                reason = str(loss)
            else:
                return

    def _lose(self) -> None:
        if self._child:
            self._child.kill()
        self._past, self._state = {name: replace(usage, workers=0) for name, usage in self.hosts.items()}, State()
        self._losses += 1

    def _join_again(self, patience: float) -> None:
        """Join the cluster when it answers, within a number of seconds."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return self._start()
            except UserError as error:
                if time.monotonic() > deadline:
                    raise WorkersLostError(f"the cluster did not come back within {patience:g} s: {error}") from None
            if self._stop.wait(_RETRY_EVERY):
                raise WorkersLostError("stopped while the cluster did not answer")
