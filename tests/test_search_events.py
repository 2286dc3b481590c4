"""The pool of workers waits for events and takes no processor time while there are none."""

import threading
from typing import Any

import pytest

from search.execution import worker_pool
from search.execution.events import Completed, Events, Submitted
from search.execution.messages import Parcel, RaySettings
from search.execution.worker_pool import WorkerPool
from tests.fake_ray import Actor, Call, FakeRay

LONG = 600.0  # seconds; no test waits for it
JOB = Parcel((0, 1), True, 1, b"job")


def test_a_wait_ends_when_jobs_arrive_and_when_a_call_is_completed() -> None:
    events, call = Events(), Call()
    member: Any = object()
    events.watch(member, call)  # type: ignore[arg-type]
    threading.Timer(0.05, events.submit, [[JOB]]).start()
    assert events.wait(LONG) == [Submitted([JOB])]
    threading.Timer(0.05, call.complete, [1]).start()
    assert events.wait(LONG) == [Completed(member, call)]  # type: ignore[arg-type]


def test_all_events_that_are_available_are_returned_together() -> None:
    events = Events()
    for _ in range(3):
        events.submit([JOB])
    assert events.wait(LONG) == [Submitted([JOB])] * 3
    assert events.wait(0.0) == []


def test_an_idle_pool_waits_a_second_for_the_next_event(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    class Recorded(Events):
        def wait(self, timeout: float) -> list[Submitted | Completed]:
            waits.append(timeout)
            return super().wait(0.0)

    monkeypatch.setattr(worker_pool, "ray", FakeRay())
    pool = WorkerPool(lambda: Actor([]), 2, facts={}, settings=RaySettings(), say=print, events=Recorded())
    for _ in range(4):
        pool.turn()
    assert pool.state().ready == 2
    assert waits == [1.0] * 4
