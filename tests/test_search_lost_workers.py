"""Workers that are lost: which job is blamed, where it runs again, how many workers are started, when the run ends.

Most tests have a worker on a good host and one on a bad host.
"""

import errno
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from primitives import UserError
from proxy_tasks import Status
from search.execution import worker_pool
from search.execution.executor import WorkersLostError
from search.execution.faults import address
from search.execution.messages import Answered, Failed, RaySettings
from search.execution.worker_pool import WorkerPool
from tests.fake_ray import Actor, Call, Clock, FakeRay, Silent, job, raised

SHORT = raised.OutOfMemoryError("Memory on the node (IP: 10.0.0.2, ID: ab) was 7.9GB used / 8GB limit (0.95)")
NODE_LOST = "The actor died because its node has died. Node Id: ab"


def node_lost() -> Exception:
    """What Ray raises for a call to an actor whose node has died."""
    error: Exception = raised.ActorDiedError()
    error.error_msg = NODE_LOST  # type: ignore[attr-defined]
    return error


def in_worker(error: Exception) -> Exception:
    """What Ray raises if a worker raises an exception."""
    made: Exception = raised.RayTaskError("execute", f"Traceback\n{error}", error, "worker", 1, "10.0.0.2")
    return made


class Pool:
    """A pool under control, with what it says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, start: Callable[[], Any], count: int, **settings: Any) -> None:
        self.ray, self.clock, self.said = FakeRay(), Clock(), list[str]()
        monkeypatch.setattr(worker_pool, "ray", self.ray)
        monkeypatch.setattr(worker_pool, "time", self.clock)
        monkeypatch.setattr(worker_pool, "_WAIT", 0.0)
        monkeypatch.setattr(worker_pool, "_CHECK_EVERY", 0.0)
        self.pool = WorkerPool(start, count, facts={}, settings=RaySettings(**settings), say=self.said.append)

    def submit(self, *numbers: int, small: bool = False) -> None:
        self.pool.events.submit(job(number, small=small) for number in numbers)

    def turns(self, count: int = 6) -> list[Any]:
        return [outcome for _ in range(count) for outcome in self.pool.turn()]


def one_job(monkeypatch: pytest.MonkeyPatch, errors: list[Exception]) -> tuple[Pool, list[Any]]:
    """A job in a pool of one worker whose first calls raise exceptions."""
    made = Pool(monkeypatch, lambda: Actor(errors), 1)
    made.submit(1)
    return made, made.turns(60)


def dying(host: str, error: Exception) -> Silent:
    """An actor that dies in every call."""
    actor = Silent(host)
    actor.execute = SimpleNamespace(remote=lambda contents: Call(error))
    return actor


def failing(error: Exception) -> Any:
    """An actor that dies before it is ready."""
    actor = Silent("bad")
    actor.placed = actor.begin = SimpleNamespace(remote=lambda: Call(error))
    return actor


def test_a_job_is_crashed_if_it_ends_three_workers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _, outcomes = one_job(monkeypatch, [raised.ActorDiedError()] * 4)
    assert outcomes == [Failed(1, Status.CRASHED, "it ended the process that trained it 3 times")]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SHORT, "node1 is short of memory, and a worker was ended there"),
        (node_lost(), "node1 left the cluster"),
        (raised.ActorUnavailableError("no answer", b"1" * 16), "node1 lost the connection to a worker"),
        (in_worker(raised.OutOfDiskError("the disk is full")), "node1 has a full disk"),
        (in_worker(raised.ObjectStoreFullError("full")), "node1 has a full object store"),
        (in_worker(OSError(errno.ENOSPC, "No space left on device")), "node1 has a full disk"),
        (in_worker(MemoryError()), "node1 is short of memory"),
    ],
    ids=lambda value: value.split()[1] if isinstance(value, str) else type(value).__name__,
)
def test_a_job_is_not_blamed_for_failures_of_its_host_but_their_number_is_limited(
    monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    made, outcomes = one_job(monkeypatch, [error] * 8)
    assert outcomes == [Answered(1, b"answer")]
    assert len(made.ray.killed) == len(made.said) == 8
    assert all(line.startswith(words) for line in made.said)
    with pytest.raises(WorkersLostError, match=f"^{words}.*; the same job was lost 8 times in this way$"):
        one_job(monkeypatch, [error] * 40)


@pytest.mark.parametrize("error", [SHORT, raised.ActorDiedError()], ids=["excused", "blamed"])
def test_a_job_that_a_bad_host_has_lost_waits_for_the_good_one(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    good, actors = Silent("good"), iter([dying("bad", error) for _ in range(30)])
    first = iter([good])
    made = Pool(monkeypatch, lambda: next(first, None) or next(actors), 2)
    made.turns()
    made.submit(1, 2)  # the good host has a long job
    assert made.turns(30) == []
    good.answer()
    made.turns()
    assert [contents for _, contents in good.calls] == [[b"job 2"]]
    good.answer()
    assert made.turns() == [Answered(2, b"job 2 done")]
    assert len(made.said) == 1


def test_a_job_that_took_too_long_on_a_slow_host_is_tried_on_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, good, again = Silent("slow"), Silent("good"), Silent("slow")
    actors = iter([slow, good, again])
    made = Pool(monkeypatch, lambda: next(actors), 2, wall_limit=10.0, start_limit=600.0)
    made.turns()
    for made.clock.now, number in ((0.0, 1), (5.0, 2)):
        made.submit(number)
        made.turns()
    made.clock.now = 10.0
    made.turns()
    assert (made.pool.state().ready, again.calls) == (2, [])
    good.answer()
    made.turns()
    assert [contents for _, contents in good.calls] == [[b"job 1"]]


def test_a_host_that_loses_a_job_works_on_others_while_that_one_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad, again = Silent("good"), Silent("bad"), Silent("bad")
    actors = iter([good, bad, again])
    made = Pool(monkeypatch, lambda: next(actors), 2)
    made.turns()
    made.submit(1, 2)
    made.turns()
    bad.die()
    made.turns()
    made.submit(3, 4)
    made.turns()
    assert [contents for _, contents in again.calls] == [[b"job 3"], [b"job 4"]]
    assert len(good.calls) == 1  # the next one is the lost job


def test_a_full_disk_of_the_driver_ends_the_run_and_names_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "laptop")
    full = raised.ObjectStoreFullError("full")
    with pytest.raises(WorkersLostError, match=r"^laptop has a full object store"):
        one_job(monkeypatch, [full])

    def refuse(contents: list[bytes]) -> Call:
        raise full

    actor = Actor([])
    actor.execute = SimpleNamespace(remote=refuse)
    made = Pool(monkeypatch, lambda: actor, 1)
    made.submit(1)
    with pytest.raises(WorkersLostError, match=r"^laptop has a full object store"):
        made.turns()


def test_an_error_in_a_worker_is_raised_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        one_job(monkeypatch, [in_worker(ZeroDivisionError("a custom task"))])


@pytest.mark.parametrize(("batch", "limit"), [(None, 10.0), (3, 20.0)], ids=["one after the other", "together"])
def test_a_call_with_several_jobs_has_the_limit_of_one_unless_they_are_trained_together(
    monkeypatch: pytest.MonkeyPatch, batch: int | None, limit: float
) -> None:
    actors: list[Silent] = []

    def start() -> Silent:
        actors.append(Silent("node1"))
        return actors[-1]

    made = Pool(monkeypatch, start, 1, wall_limit=10.0, start_limit=0.0, batch=batch)
    made.turns()
    made.submit(0, small=True)
    made.turns()
    actors[0].answer(0.001)
    made.turns()
    made.submit(1, 2, 3, small=True)
    made.turns()
    assert len(actors[0].calls[0][1]) == (2 if batch else 3)
    made.clock.now = limit - 0.1
    made.turns()
    assert made.said == []
    made.clock.now = limit
    made.turns()
    assert made.said == ["a candidate took too long on node1; its process was ended"]


def test_workers_that_die_together_while_they_start_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    actors = iter([*(failing(node_lost()) for _ in range(8)), *(Silent("good") for _ in range(8))])
    made = Pool(monkeypatch, lambda: next(actors), 8)
    made.turns()
    assert made.pool.state().ready == 8


def test_five_failed_starts_in_a_row_end_the_run_only_if_no_worker_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Pool(monkeypatch, lambda: failing(SHORT), 2)
    with pytest.raises(UserError, match=r"^5 workers in a row died while they started \(10.0.0.2 is short of memory"):
        made.turns(9)
    good, started = Silent("good"), list[Any]()

    def start() -> Any:
        started.append(failing(SHORT) if started else good)
        return started[-1]

    made = Pool(monkeypatch, start, 2)
    made.turns(30)
    assert len(started) == 6  # the good one and five others
    assert made.said[-1].endswith("the worker is replaced after 60 s, and its jobs are sent again")
    assert made.said[-1].startswith("10.0.0.2 is short of memory")
    assert (made.pool.count, made.pool.state().count, made.pool.state().ready) == (2, 2, 1)
    made.clock.now = 60.0
    made.turns(30)
    assert len(started) == 7
    made.submit(1)
    made.turns()
    good.die()
    with pytest.raises(WorkersLostError, match=r"^5 workers in a row died while they started"):
        made.turns(30)


def test_a_worker_whose_first_two_calls_fail_in_reverse_order_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    first, actors = failing(node_lost()), list[Any]()
    placed, begun = Call(), Call()
    first.placed, first.begin = SimpleNamespace(remote=lambda: placed), SimpleNamespace(remote=lambda: begun)

    def start() -> Any:
        actors.append(Silent("node1") if actors else first)
        return actors[-1]

    made = Pool(monkeypatch, start, 1)
    placed.value = node_lost()  # it is completed, and not yet reported
    begun.complete(node_lost())
    made.turns()
    assert made.pool.state().ready == 1


def test_the_address_of_a_host_is_found_in_exceptions_of_ray() -> None:
    assert address(SHORT) == "10.0.0.2"
    assert address(raised.ActorDiedError()) == ""
