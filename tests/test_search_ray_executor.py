"""The executor on Ray when Ray is lost, with a Ray process that fails on command in place of the real one."""

import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from primitives import UserError
from proxy_tasks.fitness import Score, Status
from search.commands.main import main
from search.execution import ray_executor
from search.execution.cluster import UnreachableError
from search.execution.executor import CandidateAnswer, WorkersLostError
from search.execution.messages import Answered, HostUsage, Parcel, RaySettings, Refused, Report, Setup, State
from search.execution.ray_child import ProcessLostError
from search.execution.ray_executor import RayExecutor
from tests.workers import FACTS, job, obedient

ADDRESS = "10.0.0.1:6379"


class Script:
    """What the Ray processes of a test do, one after the other: a number of answers until Ray dies, or an error.

    With a half more, the loss arrives together with the last answer.
    """

    def __init__(self, *steps: float | Exception) -> None:
        self._steps = list(steps)
        self.given: list[list[object]] = []  # keys of the jobs that each process was sent
        self.setups: list[Setup] = []
        self.killed = 0

    def __call__(self, setup: Setup) -> "Child":
        self.setups.append(setup)
        return Child(self, self._steps.pop(0))


class Child:
    def __init__(self, script: Script, step: float | Exception) -> None:
        self._script, self._step = script, step
        self._reported = False
        self._jobs: list[Parcel] = []
        script.given.append([])

    def send(self, parcels: Sequence[Parcel]) -> None:
        self._jobs += parcels
        self._script.given[-1] += [parcel.key for parcel in parcels]

    def receive(self, timeout: float) -> Iterator[object]:
        if isinstance(self._step, Exception):
            yield Refused(self._step)
            return
        state = State(1, 1, 0, 10, {"node1": HostUsage(1, 2, 3.0, 4.0, 0)}, bits={"device": "H200"})
        if not self._reported:
            self._reported = True
            yield Report(state, [])
        elif self._jobs and self._step > 0:
            self._step -= 1
            parcel = self._jobs.pop(0)
            answer = CandidateAnswer(pickle.loads(parcel.content).key, Score(Status.OK, 0.5, 0.5))
            yield Report(state, [Answered(parcel.key, pickle.dumps(answer))])
            if 0 < self._step < 1:
                raise ProcessLostError("the raylet of Ray died")
        else:
            raise ProcessLostError("the raylet of Ray died")

    def kill(self) -> None:
        self._script.killed += 1

    end = kill


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., RayExecutor]:
    def started(script: Script, stop: threading.Event | None = None, **options: Any) -> RayExecutor:
        monkeypatch.setattr(ray_executor, "RayChild", script)
        monkeypatch.setattr(ray_executor, "_RETRY_EVERY", 0.0)
        said: list[str] = []
        made = RayExecutor(lambda: obedient(tmp_path), FACTS, RaySettings(**options), say=said.append, stop=stop)
        made.said = said  # type: ignore[attr-defined]
        return made

    return started


def settle_all(executor: RayExecutor, count: int) -> list[object]:
    for number in range(count):
        executor.submit(job(number))
    found: list[object] = []
    while len(found) < count:
        answers = executor.collect()
        assert answers, "nothing is in flight, and yet jobs are without a score"
        found += [answer.key for answer in answers]
    return found


def test_jobs_in_flight_are_given_out_again_when_ray_died(start: Callable[..., Any]) -> None:
    script = Script(2, 9)
    with start(script) as executor:
        assert settle_all(executor, 5) == [(0, number) for number in range(5)]
        assert executor.said == ["the raylet of Ray died; Ray is started again, and its jobs are sent again"]
    assert script.given == [[(0, number) for number in range(5)], [(0, 2), (0, 3), (0, 4)]]
    assert script.killed == 2


def test_an_answer_that_arrives_together_with_the_loss_of_ray_is_kept(start: Callable[..., Any]) -> None:
    script = Script(2.5, 9)
    with start(script) as executor:
        assert settle_all(executor, 5) == [(0, number) for number in range(5)]
    assert script.given[1] == [(0, 2), (0, 3), (0, 4)]


def test_usage_of_hosts_adds_up_over_restarts(start: Callable[..., Any]) -> None:
    with start(Script(2, 9)) as executor:
        settle_all(executor, 5)
        assert executor.hosts == {"node1": HostUsage(1, 4, 6.0, 8.0, 0)}


def test_a_ray_that_is_started_again_must_compute_the_bits_of_the_first_one(start: Callable[..., Any]) -> None:
    script = Script(2, 9)
    with start(script) as executor:
        settle_all(executor, 5)
    assert [setup.settings.bits for setup in script.setups] == [None, {"device": "H200"}]


def test_three_losses_without_an_answer_in_between_end_the_run(start: Callable[..., Any]) -> None:
    with (
        start(Script(1, 0, 1, 0, 0)) as executor,
        pytest.raises(WorkersLostError, match=r"^the raylet of Ray died; that was the third time in a row$"),
    ):
        settle_all(executor, 5)
    assert len(executor.said) == 4


def test_a_cluster_is_joined_again_once_it_answers(start: Callable[..., Any]) -> None:
    gone = UnreachableError("nothing answers")
    script = Script(2, gone, gone, gone, gone, 9)
    with start(script, address=ADDRESS, reconnect=300.0) as executor:
        assert len(settle_all(executor, 5)) == 5
        assert executor.said == [
            "the raylet of Ray died; the cluster is joined again, within 300 s if it answers, "
            "and its jobs are sent again"
        ]


def test_a_cluster_that_does_not_come_back_ends_the_run(start: Callable[..., Any]) -> None:
    with (
        start(Script(2, UnreachableError("nothing answers at x")), address=ADDRESS, reconnect=0.0) as executor,
        pytest.raises(WorkersLostError, match=r"^the cluster did not come back within 0 s: nothing answers at x$"),
    ):
        settle_all(executor, 5)


def test_an_address_at_which_nothing_answers_is_an_error_at_the_start(start: Callable[..., Any]) -> None:
    with pytest.raises(UserError, match="nothing answers"):
        start(Script(UnreachableError("nothing answers")), address=ADDRESS)


@pytest.mark.parametrize("address", [None, ADDRESS])
def test_after_a_stop_request_nobody_waits_for_a_ray_that_died(start: Callable[..., Any], address: str | None) -> None:
    stop = threading.Event()
    with start(Script(2), stop, address=address) as executor:
        stop.set()
        with pytest.raises(WorkersLostError, match=r"^the raylet of Ray died; a stop was requested$"):
            settle_all(executor, 5)


def test_the_command_ends_with_status_1_and_the_command_that_resumes(
    small_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ray_executor, "RayChild", Script(3, 0, 0, 0))
    assert main(["run", str(small_run), "--out", "lost", "--set", "workers.executor=ray"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "optsearch: the raylet of Ray died; that was the third time in a row; "
        "nothing recorded is lost, and `optsearch resume lost` continues the run"
    )
