"""A worker of the pool: the handle of its actor, and its unanswered calls."""

import math
from collections import deque
from typing import Any, NamedTuple

import ray

from search.execution.job_queue import AHEAD, Pace
from search.execution.messages import Parcel

_SLOW = 2.0  # seconds per job of a slow worker, in those of all workers
UNPLACED = ""  # host of a worker that has no process yet


class Batch(NamedTuple):
    """Jobs of one call.

    Attributes:
        call: the call.
        parcels: the jobs.
        alone: whether the only job is a suspect.
        sent: time of the call, by `time.monotonic`.
    """

    call: ray.ObjectRef[Any]
    parcels: list[Parcel]
    alone: bool
    sent: float

    def allowance(self, *, together: bool) -> int:
        """Factor on the time limit: that of one job, or the sum of all if the worker trains them together.

        Small jobs share a call only if they take a tenth of a second, so the limit of one is enough.
        """
        allowances = [parcel.allowance for parcel in self.parcels]
        return sum(allowances) if together else max(allowances)


class Member:
    """A worker, ready or starting.

    Args:
        actor: handle of the actor; the constructor makes its first two calls.
        failures_before: number of failed starts of workers that were counted before this one was started.

    Attributes:
        placed: call that is answered when the worker has a process; `None` afterwards.
        begun: call that is answered when the scorer is built; `None` afterwards.
        batches: unanswered batches in order of execution.
        since: time at which the worker began to start, or began its first batch, by `time.monotonic`.
        host: name of the host.
        pace: estimate of the seconds per job.
    """

    def __init__(self, actor: Any, failures_before: int = 0) -> None:  # noqa: ANN401 - Ray's handles are not typed
        self.actor, self.failures_before = actor, failures_before
        self.placed: ray.ObjectRef[Any] | None = actor.placed.remote()
        self.begun: ray.ObjectRef[Any] | None = actor.begin.remote()
        self.batches: deque[Batch] = deque()
        self.since = math.inf
        self.host = UNPLACED
        self.pace = Pace()

    @property
    def ready(self) -> bool:
        """Whether the scorer is built."""
        return self.begun is None

    @property
    def starting(self) -> bool:
        """Whether the worker has a process and is not ready."""
        return self.placed is None and self.begun is not None

    @property
    def executing_alone(self) -> bool:
        """Whether the worker is running a suspect."""
        return any(batch.alone for batch in self.batches)

    def most_batches(self, pace: Pace) -> int:
        """Largest number of unanswered batches: one if the worker is slow compared with the pace of all workers.

        A second batch would wait there for long, and with it all children for which the window waits.
        """
        return 1 if self.pace.seconds > _SLOW * pace.seconds else AHEAD

    def calls(self) -> list[ray.ObjectRef[Any]]:
        """Calls that may be answered next."""
        starting = [call for call in (self.placed, self.begun) if call is not None]
        return starting or [batch.call for batch in self.batches]
