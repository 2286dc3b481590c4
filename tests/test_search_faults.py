"""What the pool of workers does at each exception of Ray, raised in Ray's place."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray import exceptions

from primitives import UserError
from search.execution import worker_pool
from search.execution.executor import WorkersLostError
from search.execution.faults import FAULTS, Effect, RayLostError, cause
from search.execution.messages import BEHAVIOUR, Answered, Parcel, RaySettings
from search.execution.worker_pool import WorkerPool
from tests.fake_ray import Actor, Call, Clock, FakeRay, Silent, job, raised

ERRORS: dict[type[Exception], tuple[Exception, Effect]] = {
    type(error): (error, effect)
    for error, effect in (
        (raised.OutOfMemoryError("Task was killed due to the node running low on memory."), Effect.EXCUSE),
        (raised.ActorDiedError(), Effect.BLAME),
        (raised.WorkerCrashedError(), Effect.BLAME),
        (raised.ActorUnavailableError("The actor is unavailable.", b"1" * 16), Effect.EXCUSE),
        (raised.NodeDiedError("The node is gone."), Effect.EXCUSE),
        (raised.ObjectLostError("00ff", None, ""), Effect.AGAIN),
        (raised.ObjectFetchTimedOutError("00ff", None, ""), Effect.AGAIN),
        (raised.GetTimeoutError("too slow"), Effect.AGAIN),
        (raised.PendingCallsLimitExceeded("too many"), Effect.AGAIN),
        (raised.LocalRayletDiedError(), Effect.RESTART),
        (raised.OwnerDiedError("00ff", None, ""), Effect.RESTART),
        (raised.RaySystemError("System error: broken"), Effect.RESTART),
        (raised.ActorUnschedulableError("no node has room"), Effect.END),
        (raised.TaskUnschedulableError("no node has room"), Effect.END),
        (raised.OutOfDiskError("the disk is full"), Effect.FULL),
        (raised.ObjectStoreFullError("the store is full"), Effect.FULL),
        (raised.RuntimeEnvSetupError("a package cannot be unpacked"), Effect.EXCUSE),
        (raised.AuthenticationError("a token is missing"), Effect.END),
    )
}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    made = FakeRay()
    monkeypatch.setattr(worker_pool, "ray", made)
    monkeypatch.setattr(worker_pool, "_WAIT", 0.0)
    return made


def run(errors: list[Exception], said: list[str]) -> tuple[list[Any], int]:
    """Outcomes of one job after exceptions, and the number of workers that were started."""
    actors: list[Actor] = []

    def start() -> Actor:
        actors.append(Actor(errors))
        return actors[-1]

    pool = WorkerPool(start, 1, facts={}, settings=RaySettings(), say=said.append)
    pool.events.submit([Parcel((0, 1), True, 1, b"job")])
    outcomes: list[Any] = []
    for _ in range(20):
        outcomes += pool.turn()
    return outcomes, len(actors)


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_each_exception_of_ray_has_its_effect(kind: type[Exception], fake: FakeRay) -> None:
    error, effect = ERRORS[kind]
    said: list[str] = []
    if effect in (Effect.END, Effect.FULL, Effect.RESTART):
        ends = RayLostError if effect is Effect.RESTART else WorkersLostError
        with pytest.raises(ends, match=re.escape(cause(error))):
            run([error], said)
        return
    outcomes, workers = run([error], said)
    assert outcomes == [Answered((0, 1), b"answer")]
    assert workers == (1 if effect is Effect.AGAIN else 2)
    assert len(said) == 1
    assert said[0].startswith("node1 ")


def test_every_exception_of_ray_is_in_the_table() -> None:
    found = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    known = [kind for kind in found if issubclass(kind, exceptions.RayError)]
    assert known
    assert all(any(issubclass(kind, fault.error) for fault in FAULTS) for kind in known)


def test_a_host_that_is_short_of_memory_is_named_with_the_setting_that_helps(fake: FakeRay) -> None:
    said: list[str] = []
    run([raised.OutOfMemoryError("low on memory")], said)
    assert said == [
        "node1 is short of memory, and a worker was ended there; reduce `workers.count` or `workers.memory_limit`; "
        "the worker is replaced, and its jobs are sent again"
    ]


def test_the_documentation_has_every_row_of_the_table() -> None:
    text = (Path(__file__).parent.parent / "docs" / "scaling.md").read_text()
    for fault in FAULTS:
        assert f"| `{fault.error.__name__}` | {fault.effect.value} |" in text


def test_of_workers_on_gpus_the_first_sets_the_bits_that_the_others_must_compute(fake: FakeRay) -> None:
    bits = iter(({"device": "H200"}, {"device": "H200"}, {"device": "T4"}, {"device": "T4"}))

    def start() -> Actor:
        actor, facts = Actor([]), {BEHAVIOUR: next(bits), "versions": 1}
        actor.begin = SimpleNamespace(remote=lambda: Call(facts))
        return actor

    driver = {BEHAVIOUR: {"device": "the CPU"}, "versions": 1}
    pool = WorkerPool(start, 2, facts=driver, settings=RaySettings(gpu=True), say=print)

    def turns() -> None:
        for _ in range(6):
            pool.turn()

    turns()
    assert (pool.state().ready, pool.state().bits) == (2, {"device": "H200"})
    pool.add_workers(1)
    with pytest.raises(UserError, match="computes different bits than the first worker, first in the device"):
        turns()
    pool = WorkerPool(start, 1, facts=driver, settings=RaySettings(gpu=True, bits={"device": "H200"}), say=print)
    with pytest.raises(UserError, match="computes different bits than the first worker"):  # Ray was started again
        turns()


@pytest.fixture
def two_hosts(fake: FakeRay, monkeypatch: pytest.MonkeyPatch) -> tuple[WorkerPool, list[Silent], Clock, list[str]]:
    """A pool with a worker on each of two hosts, which have answered calls of a second."""
    clock, actors, said = Clock(), [Silent("fast"), Silent("slow")], list[str]()
    monkeypatch.setattr(worker_pool, "time", clock)
    replaced = iter([*actors, *(Silent("fast") for _ in range(9))])
    pool = WorkerPool(lambda: next(replaced), 2, facts={}, settings=RaySettings(), say=said.append)
    for _ in range(3):
        pool.turn()
    pool.events.submit(job(number) for number in range(2))
    pool.turn()
    for actor in actors:
        actor.answer()
    assert len(pool.turn()) == 2
    return pool, actors, clock, said


def test_idle_workers_get_a_job_each_before_one_gets_two(
    two_hosts: tuple[WorkerPool, list[Silent], Clock, list[str]],
) -> None:
    pool, actors, _, _ = two_hosts
    pool.events.submit(job(number) for number in (2, 3, 4))
    pool.turn()
    assert [len(actor.calls) for actor in actors] == [2, 1]


def test_a_slow_worker_gets_no_job_before_it_has_answered_the_last_one(
    two_hosts: tuple[WorkerPool, list[Silent], Clock, list[str]],
) -> None:
    pool, (slow, fast), _, _ = two_hosts
    for number in range(2, 7):  # the first is the only one that the slow worker gets
        pool.events.submit([job(number, small=True)])
        pool.turn()
        if number > 2:
            fast.answer(1.0)
            pool.turn()
    slow.answer(9.0)
    pool.turn()
    pool.events.submit(job(number, small=True) for number in range(7, 11))
    pool.turn()
    assert [len(actor.calls) for actor in (fast, slow)] == [2, 1]


def test_the_host_of_a_worker_that_exceeds_the_time_limit_is_named_the_first_time_too(
    two_hosts: tuple[WorkerPool, list[Silent], Clock, list[str]],
) -> None:
    pool, _, clock, said = two_hosts
    pool._wall_limit = 10.0
    pool.events.submit([job(2)])
    pool.turn()
    clock.now = 11.0
    assert pool.turn() == []  # the job is sent again
    assert said == ["a candidate took too long on fast; its process was ended"]


def test_an_idle_worker_gets_a_copy_of_what_another_host_has_not_answered_and_the_first_answer_counts(
    two_hosts: tuple[WorkerPool, list[Silent], Clock, list[str]],
) -> None:
    pool, (fast, slow), clock, _ = two_hosts
    pool.events.submit(job(number) for number in (2, 3))
    pool.turn()
    fast.answer()
    assert pool.turn() == [Answered(2, b"job 2 done")]
    clock.now = 2.9  # three median durations are not over
    assert pool.turn() == []
    assert not fast.calls
    clock.now = 3.1
    pool.turn()
    assert [contents for _, contents in fast.calls] == [[b"job 3"]]
    pool.turn()
    assert len(fast.calls) == 1  # one copy is enough
    fast.answer()
    assert pool.turn() == [Answered(3, b"job 3 done")]
    slow.answer(9.0)
    assert pool.turn() == []  # the second answer
    assert pool.turn() == []


def test_short_jobs_are_not_copied_at_once(two_hosts: tuple[WorkerPool, list[Silent], Clock, list[str]]) -> None:
    pool, (fast, slow), clock, _ = two_hosts
    for number in range(2, 80, 2):  # calls of a millisecond
        pool.events.submit([job(number), job(number + 1)])
        pool.turn()
        for actor in (fast, slow):
            actor.answer(0.001)
        assert len(pool.turn()) == 2
    pool.events.submit([job(100), job(101)])
    pool.turn()
    fast.answer(0.001)
    clock.now = 1.9
    pool.turn()
    pool.turn()
    assert not fast.calls
    clock.now = 2.1
    pool.turn()
    assert len(fast.calls) == 1


def test_a_job_whose_copy_is_running_is_no_suspect_until_that_worker_dies_too(
    two_hosts: tuple[WorkerPool, list[Silent], Clock, list[str]],
) -> None:
    pool, (fast, slow), clock, said = two_hosts
    pool.events.submit([job(2), job(3)])
    pool.turn()
    fast.answer()
    pool.turn()
    clock.now = 3.1
    pool.turn()
    slow.die()
    assert pool.turn() == []
    assert len(said) == 1
    assert len(fast.calls) == 1
    for _ in range(3):  # the worker in its place starts
        pool.turn()
    assert len(fast.calls) == 1  # nothing was sent again
    fast.die()
    pool.turn()
    assert pool.state().ready == 1
    assert pool._queue.suspects + sum(batch.alone for m in pool.members for batch in m.batches) == 1
