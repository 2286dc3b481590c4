"""Workers on Ray: whatever dies, hangs or differs, every job gets its score or the user a clear line."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from ray.cluster_utils import Cluster

from primitives import UserError
from proxy_tasks.fitness import Status
from search.commands.panel import LivePanel
from search.execution.messages import RaySettings
from search.execution.ray_executor import RayExecutor
from search.execution.worker import Built
from search.record.journal import Journal
from search.running import run as runner
from search.running.setup import executor
from search.settings.reading import read_config
from tests import workers
from tests.processes import begin, finished, wait_for_rows
from tests.workers import DIES, EATS, FACTS, FAILS, FREEZES, HANGS, job, obedient, processes, settle

HOST = socket.gethostname()
pytestmark = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # Ray starts its processes after JAX here


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster of one node that many tests join, since starting one takes seconds."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "object_store_memory": 100 * 2**20})
    yield made
    made.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture
def start(cluster: Cluster, tmp_path: Path) -> Callable[..., RayExecutor]:
    def started(build: Callable[[Path], Built] = obedient, **options: Any) -> RayExecutor:
        said = options.pop("say", lambda text: None)
        settings = RaySettings(**{"count": 2, "address": cluster.address, **options})
        return RayExecutor(partial(build, tmp_path), FACTS, settings, say=said)

    return started


def test_every_job_gets_its_own_score(start: Callable[..., RayExecutor]) -> None:
    with start() as executor:
        scores = settle(executor, [job(number) for number in range(300)])
        assert {number: score.fitness for (_, number), score in scores.items()} == {n: n for n in range(300)}
        assert executor.describe() in ("1 of 2 ready", "2 of 2 ready")
        assert executor.free() > 100  # batches have grown, as these jobs take no time


def test_a_job_that_kills_its_worker_three_times_is_crashed_and_no_other_suffers(
    start: Callable[..., RayExecutor], tmp_path: Path
) -> None:
    said: list[str] = []
    with start(say=said.append) as executor:
        settle(executor, [job(number) for number in range(100)])  # batches have grown
        scores = settle(executor, [job(number, DIES if number == 7 else None) for number in range(40)])
    assert scores.pop((0, 7)).status is Status.CRASHED
    assert all(score.status is Status.OK for score in scores.values())
    deaths = processes(tmp_path, DIES)
    assert len(set(deaths)) == len(deaths)
    assert 3 <= len(deaths) <= 4  # once in a batch perhaps, three times alone
    assert said == [f"{HOST} lost a worker; the worker is replaced, and its jobs are sent again"] * len(deaths)


def test_a_job_that_takes_too_long_has_its_process_ended(start: Callable[..., RayExecutor], tmp_path: Path) -> None:
    with start(wall_limit=1.0) as executor:
        settle(executor, [job(number) for number in range(100)])
        scores = settle(executor, [job(number, HANGS if number == 3 else None) for number in range(20)])
        score = scores.pop((0, 3))
        assert (score.status, score.reason) == (Status.TIMEOUT, "it took more than 1 s")
        assert all(other.status is Status.OK for other in scores.values())
        wait_for_end(processes(tmp_path, HANGS))


def test_a_job_that_takes_too_much_memory_ends_its_process(start: Callable[..., RayExecutor], tmp_path: Path) -> None:
    with start(count=1, memory_limit=1.0) as executor:
        scores = settle(executor, [job(1), job(2, EATS), job(3)])
    assert [scores[0, number].status for number in (1, 2, 3)] == [Status.OK, Status.CRASHED, Status.OK]
    assert len(processes(tmp_path, EATS)) >= 3


def test_a_frozen_worker_is_ended_at_its_wall_limit(start: Callable[..., RayExecutor], tmp_path: Path) -> None:
    with start(wall_limit=1.0) as executor:
        scores = settle(executor, [job(number, FREEZES if number == 3 else None) for number in range(20)])
        assert scores.pop((0, 3)).status is Status.TIMEOUT
        assert all(other.status is Status.OK for other in scores.values())
        wait_for_end(processes(tmp_path, FREEZES))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (workers.other_version, r"a worker on .* differs from this driver in its versions, jax: 2, not 1; "),
        (workers.other_data, r"a worker on .* differs from this driver in its tasks, digits: noise: 0.2, not 0.1; "),
        (workers.dies_at_start, r"5 workers in a row died while they started"),
        (workers.fails_at_start, r"^`search.plugins`: module `mine` cannot be imported"),
    ],
)
def test_workers_that_cannot_serve_are_named(
    start: Callable[..., RayExecutor], build: Callable[[Path], Built], message: str
) -> None:
    with pytest.raises(UserError, match=message), start(build) as executor:
        settle(executor, [job(1)])


def test_workers_that_hang_while_they_start_are_named(start: Callable[..., RayExecutor]) -> None:
    message = r"^5 workers in a row had not started after 3 s; check whether a plugin or a custom task blocks"
    with (
        pytest.raises(UserError, match=message),
        start(workers.hangs_at_start, wall_limit=0.5, start_limit=3.0) as executor,
    ):
        settle(executor, [job(1)])


def test_a_worker_that_hangs_while_it_starts_is_replaced(start: Callable[..., RayExecutor], tmp_path: Path) -> None:
    said: list[str] = []
    with start(workers.hangs_at_first, count=1, wall_limit=5.0, start_limit=10.0, say=said.append) as executor:
        assert settle(executor, [job(1)])[0, 1].status is Status.OK
        assert set(said) == {f"a worker on {HOST} took too long to start; it is replaced"}  # others may start slowly
        wait_for_end([int((tmp_path / "hung").read_text())])


def test_a_worker_for_which_there_is_no_room_yet_may_wait(start: Callable[..., RayExecutor]) -> None:
    with start(count=5) as executor:  # on four cores
        number = 0
        while executor.describe() != "4 of 5 ready":
            number += 1
            settle(executor, [job(number)])


def wait_for_end(processes: list[int]) -> None:
    """Processes that were killed are gone soon."""
    wait_until(lambda: not any(psutil.pid_exists(process) for process in processes), "a process is still there")


def wait_until(reached: Callable[[], bool], otherwise: str) -> None:
    """Wait for a condition, at most 20 s."""
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


def test_an_error_in_a_worker_is_the_error_of_the_run(start: Callable[..., RayExecutor]) -> None:
    with pytest.raises(UserError, match="a primitive of the user's own is broken"), start() as executor:
        settle(executor, [job(1, FAILS)])


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:6379", "6379", "ray://127.0.0.1:1"])
def test_an_address_at_which_nothing_answers_is_named(small_run: Path, address: str) -> None:
    overrides = ["--set", "workers.executor=ray", "--set", f"workers.address={address!r}"]
    process = begin("run", str(small_run), *overrides)
    _, error = process.communicate()
    assert process.returncode == 2
    assert f"optsearch: nothing answers at `workers.address` (={address})" in error.splitlines()[-1]
    assert "Traceback" not in error


def test_the_address_in_rays_own_variable_is_used_and_said(small_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    said: list[str] = []
    with pytest.raises(UserError, match=r"nothing answers at `workers.address` \(=127.0.0.1:1\)"):
        executor(read_config(small_run, ["workers.executor=ray"]), said.append)
    assert said == ["workers run on the cluster at RAY_ADDRESS (=127.0.0.1:1); without that variable, on this machine"]


def on_ray(config: Path, count: int, cluster: Cluster, **sections: Any) -> list[str]:
    overrides = ["workers.executor=ray", f"workers.count={count}", f"workers.address='{cluster.address}'"]
    return overrides + [f"{key}={value}" for key, value in sections.items()]


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_workers_gives_the_history_of_one_process(
    small_run: Path, undisturbed: str, cluster: Cluster, count: int
) -> None:
    config = read_config(small_run, on_ray(small_run, count, cluster))
    with LivePanel(quiet=True) as progress:
        assert runner.run_search(config, small_run.parent / "ray", progress).digest == undisturbed


def test_workers_on_two_logical_gpus_train_batches_and_give_the_history_of_one_process(
    small_run: Path, undisturbed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")  # the GPUs exist for Ray alone
    keys = ("executor=ray", "device=gpu", "count=2", "batch=8")
    config = read_config(small_run, [f"workers.{key}" for key in keys])
    with LivePanel(quiet=True) as progress:
        assert runner.run_search(config, small_run.parent / "gpus", progress).digest == undisturbed


def workers_of(driver: int) -> list[psutil.Process]:
    """Worker processes that descend from a driver."""
    found = []
    for process in psutil.Process(driver).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "ray::Worker" in " ".join(process.cmdline()):
                found.append(process)
    return found


def kill_a_worker(of: int) -> int:
    """End a worker with the signal that nothing survives; its process id, or 0 where there is none."""
    for process in workers_of(of)[:1]:
        process.kill()
        return process.pid
    return 0


def test_workers_that_are_killed_again_and_again_leave_no_trace(small_run: Path) -> None:
    config = read_config(small_run, ["search.children=150", "search.repeats=2"])
    with LivePanel(quiet=True) as progress:
        expected = runner.run_search(config, small_run.parent / "inline", progress).digest
    overrides = ["search.children=150", "search.repeats=2", "workers.executor=ray", "workers.count=2"]
    process = begin("run", str(small_run), "--out", "killed", "--json", *(f"--set={value}" for value in overrides))
    victims = set()
    for rows in range(20, 301, 70):
        wait_for_rows(Path("killed/journal.sqlite"), rows, process)
        victims.add(kill_a_worker(process.pid))
    summary = finished(process)
    assert summary["digest"] == expected
    assert len(victims - {0}) >= 3
    assert "crashed" not in summary["statistics"]["evaluated_by_status"]


def test_a_node_that_leaves_in_mid_run_leaves_no_trace(small_run: Path) -> None:
    config = read_config(small_run, ["search.children=200"])
    with LivePanel(quiet=True) as progress:
        expected = runner.run_search(config, small_run.parent / "inline", progress).digest
    node = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    made: Any = Cluster(initialize_head=True, head_node_args=node)
    try:
        second = made.add_node(**node)
        overrides = ["search.children=200", *on_ray(small_run, 2, made)]
        process = begin("run", str(small_run), "--out", "left", "--json", *(f"--set={value}" for value in overrides))
        wait_for_rows(Path("left/journal.sqlite"), 60, process)
        made.remove_node(second, allow_graceful=False)
        with Journal.open(Path("left/journal.sqlite")) as journal:
            at_that_time = journal.statistics()["children"]
        summary = finished(process)
    finally:
        made.shutdown()
    assert summary["digest"] == expected
    assert at_that_time < 201


def private_folder_is_gone(folder: Path) -> bool:
    return not folder.exists()


def test_a_driver_that_is_killed_takes_its_workers_along_and_can_be_resumed(small_run: Path, undisturbed: str) -> None:
    overrides = ["--set=workers.executor=ray", "--set=workers.count=2"]
    process = begin("run", str(small_run), "--out", "killed", *overrides)
    for rows in (1, 15):
        wait_for_rows(Path("killed/journal.sqlite"), rows, process)
        started = workers_of(process.pid)
        assert len(started) == 2
        private = Path(started[0].environ()["RAY_AUTH_TOKEN_PATH"]).parent
        process.kill()
        process.communicate()
        assert psutil.wait_procs(started, timeout=60)[1] == []
        wait_until(partial(private_folder_is_gone, private), "the token is still there")
        process = begin("resume", "killed", "--json")
    assert finished(process)["digest"] == undisturbed


def test_ctrl_c_ends_a_run_on_ray_in_order_and_leaves_no_process(small_run: Path, undisturbed: str) -> None:
    overrides = ["--set=workers.executor=ray", "--set=workers.count=2"]
    process = begin("run", str(small_run), "--out", "stopped", "--json", *overrides, start_new_session=True)
    wait_for_rows(Path("stopped/journal.sqlite"), 4, process)
    started = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to every process of the group
    summary = finished(process, status=130)
    assert summary["complete"] is False
    assert not [child for child in psutil.wait_procs(started, timeout=20)[1] if child.is_running()]
    assert finished(begin("resume", "stopped", "--json"))["digest"] == undisturbed


def test_no_library_has_more_threads_than_one_after_pinning() -> None:
    code = "import scipy.linalg\nfrom search.execution.process import pin_threads\npin_threads()\n"
    code += "import sklearn.gaussian_process\nfrom threadpoolctl import threadpool_info\n"
    code += "print([pool['num_threads'] for pool in threadpool_info()])\n"
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert set(json.loads(done.stdout)) == {1}
