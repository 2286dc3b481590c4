"""One worker as the pool sees it: the handle of its actor, and the calls that it has not answered."""

import math
from collections import deque
from typing import Any, NamedTuple

import ray

from search.execution.job_queue import Pace
from search.execution.messages import Parcel

UNPLACED = ""  # host of a worker that has no process yet


class Batch(NamedTuple):
    """Jobs in one call; `alone` where there is just one because it is under suspicion."""

    call: ray.ObjectRef[Any]
    parcels: list[Parcel]
    alone: bool


class Member:
    """A worker, ready or starting.

    Args:
        actor: handle of the actor; its first two calls are made here.

    Attributes:
        placed: call that is answered once the worker has a process; `None` afterwards.
        begun: call that is answered once its scorer is built; `None` afterwards.
        batches: calls in the order in which it executes them.
        since: time at which it began to start, or turned to the first of its batches.
        host: name of its host.
        pace: seconds a job takes there.
    """

    def __init__(self, actor: Any) -> None:  # noqa: ANN401 - Ray's handles are not typed
        self.actor = actor
        self.placed: ray.ObjectRef[Any] | None = actor.placed.remote()
        self.begun: ray.ObjectRef[Any] | None = actor.begin.remote()
        self.batches: deque[Batch] = deque()
        self.since = math.inf
        self.host = UNPLACED
        self.pace = Pace()

    @property
    def ready(self) -> bool:
        """Whether its scorer is built."""
        return self.begun is None

    @property
    def starting(self) -> bool:
        """Whether it has a process and is not ready."""
        return self.placed is None and self.begun is not None

    @property
    def executing_alone(self) -> bool:
        """Whether it has a worker to itself for a job under suspicion."""
        return any(batch.alone for batch in self.batches)

    def calls(self) -> list[ray.ObjectRef[Any]]:
        """Calls that may be answered next."""
        starting = [call for call in (self.placed, self.begun) if call is not None]
        return starting or [batch.call for batch in self.batches]
