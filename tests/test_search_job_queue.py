"""Jobs that wait: in portions that are worth a call, and under suspicion once their worker died."""

import pytest

from proxy_tasks.fitness import Status
from search.execution.job_queue import JobQueue, Pace
from search.execution.messages import Failed, Parcel


def parcels(count: int, *, small: bool = True) -> list[Parcel]:
    return [Parcel((0, number), small, 1, b"") for number in range(count)]


def pace(seconds: float) -> Pace:
    found = Pace()
    found.add(seconds)
    return found


@pytest.mark.parametrize(
    ("seconds", "waiting", "places", "sizes"),
    [
        (1e-5, 128, 4, [64, 64, 0, 0]),  # and not four times 32: a call costs more than jobs that take no time
        (1e-3, 128, 4, [32, 32, 32, 32]),
        (1e-3, 300, 2, [64, 64]),
        (1.0, 5, 4, [1, 1, 1, 1]),
    ],
)
def test_jobs_are_given_out_in_equal_parts_that_are_worth_a_call(
    seconds: float, waiting: int, places: int, sizes: list[int]
) -> None:
    queue = JobQueue()
    queue.add(parcels(waiting))
    assert [len(queue.next_batch(pace(seconds), places - place)) for place in range(places)] == sizes


def test_the_first_batches_hold_one_job_since_nothing_is_known_of_their_time() -> None:
    queue = JobQueue()
    queue.add(parcels(64))
    assert len(queue.next_batch(Pace(), 1)) == 1


def test_a_slow_worker_gets_smaller_batches() -> None:
    queue = JobQueue()
    queue.add(parcels(200))
    assert len(queue.next_batch(pace(0.01), 1)) == 10
    assert len(queue.next_batch(pace(0.04), 1)) == 2


def test_jobs_that_are_trained_together_fill_batches_of_the_largest_size_from_the_start() -> None:
    queue = JobQueue(batch=32)
    queue.add(parcels(80))
    assert queue.size(Pace()) == 32
    assert [len(queue.next_batch(Pace(), 2 - place)) for place in range(2)] == [32, 32]
    assert [len(queue.next_batch(pace(1e-5), 2 - place)) for place in range(2)] == [8, 8]


def test_a_trial_has_a_call_to_itself() -> None:
    queue = JobQueue()
    queue.add(parcels(1, small=False))
    queue.add(parcels(3))
    assert [len(queue.next_batch(pace(1e-5), 1)) for _ in range(2)] == [1, 3]


def test_only_a_job_that_was_alone_at_three_deaths_is_blamed() -> None:
    queue, (first, second) = JobQueue(), parcels(2)
    assert queue.suspect([first, second], host="a", blamed=False) == []
    for _ in range(2):
        assert queue.next_suspect("a", {"a"}) == first
        assert queue.next_suspect("a", {"a"}) == second
        assert queue.suspect([first], host="a", blamed=True) == []
        assert queue.suspect([second], host="a", blamed=False) == []
    assert queue.next_suspect("a", {"a"}) == first
    assert queue.suspect([first], host="a", blamed=True) == [
        Failed(first.key, Status.CRASHED, "it ended the process that trained it 3 times")
    ]
    assert [queue.next_suspect("a", {"a"}), queue.suspects] == [second, 0]


def test_a_suspect_waits_for_a_host_on_which_it_has_ended_no_worker_if_there_is_one() -> None:
    queue, (first, second) = JobQueue(), parcels(2)
    queue.suspect([first], host="a", blamed=False)
    queue.suspect([second], host="b", blamed=False)
    assert (queue.awaits("a", {"a"}), queue.awaits("c", {"a", "b", "c"})) == (True, True)
    assert queue.next_suspect("a", {"a", "b"}) == second
    assert (queue.next_suspect("a", {"a", "b"}), queue.awaits("a", {"a", "b"})) == (None, False)
    assert queue.next_suspect("b", {"a", "b"}) == first
    queue.suspect([first], host="b", blamed=True)
    assert queue.next_suspect("a", {"a", "b"}) == first  # there is none
