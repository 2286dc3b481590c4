"""Events that the pool of workers waits for: jobs from the driver, and completed calls of workers.

Ray reports a completed call by a callback, so that waiting takes no processor time and a completed call costs the same
with any number of workers. `ray.wait` would examine every unanswered call each time.
"""

import queue
from collections.abc import Iterable
from typing import Any, NamedTuple

import ray

from search.execution.member import Member
from search.execution.messages import Parcel


class Submitted(NamedTuple):
    """Jobs that have arrived from the driver."""

    parcels: list[Parcel]


class Completed(NamedTuple):
    """A call that has a result or has failed, and the worker that it was sent to."""

    member: Member
    call: ray.ObjectRef[Any]


class Events:
    """Queue of events, which any thread may add to."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Submitted | Completed] = queue.SimpleQueue()

    def submit(self, parcels: Iterable[Parcel]) -> None:
        """Add jobs; with no jobs, only end the wait."""
        self._queue.put(Submitted(list(parcels)))

    def watch(self, member: Member, call: ray.ObjectRef[Any]) -> None:
        """Add a call of a worker when it is completed."""
        call.future().add_done_callback(lambda _: self._queue.put(Completed(member, call)))

    def wait(self, timeout: float) -> list[Submitted | Completed]:
        """Wait at most `timeout` seconds for an event, and return all that are available."""
        try:
            first = self._queue.get(timeout=timeout)
        except queue.Empty:
            return []
        return [first, *(self._queue.get_nowait() for _ in range(self._queue.qsize()))]
